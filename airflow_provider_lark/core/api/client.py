"""The client that blocks."""

from __future__ import annotations

import httpx

from airflow_provider_lark.core.api.auth import Auth
from airflow_provider_lark.core.api.base import BaseClient
from airflow_provider_lark.core.api.bitable import Bitable
from airflow_provider_lark.core.api.bot import Bot
from airflow_provider_lark.core.api.chats import Chats
from airflow_provider_lark.core.api.contact import Contact
from airflow_provider_lark.core.api.drive import Drive
from airflow_provider_lark.core.api.driver import BlockingDriver
from airflow_provider_lark.core.api.messaging import Messaging
from airflow_provider_lark.core.api.namespace import SyncDriver
from airflow_provider_lark.core.api.reactions import Reactions
from airflow_provider_lark.core.api.resources import Resources
from airflow_provider_lark.core.api.wiki import Wiki


class LarkClient(BlockingDriver, BaseClient):
    """Talks to Lark and waits for the answers; safe to share between threads.

    >>> with LarkClient("cli_a", "secret") as client:
    ...     client.bitable.list_tables(app_token="bascn…")  # doctest: +SKIP
    """

    def _open(self) -> None:
        self._http = httpx.Client(**self._transport.options())
        self.auth: Auth[SyncDriver] = Auth(self, self._session)
        self.bitable: Bitable[SyncDriver] = Bitable(self, self._session)
        self.bot: Bot[SyncDriver] = Bot(self, self._session)
        self.chats: Chats[SyncDriver] = Chats(self, self._session)
        self.contact: Contact[SyncDriver] = Contact(self, self._session)
        self.drive: Drive[SyncDriver] = Drive(self, self._session)
        self.messaging: Messaging[SyncDriver] = Messaging(self, self._session)
        self.reactions: Reactions[SyncDriver] = Reactions(self, self._session)
        self.resources: Resources[SyncDriver] = Resources(self, self._session)
        self.wiki: Wiki[SyncDriver] = Wiki(self, self._session)
