"""The client that blocks."""

from __future__ import annotations

import httpx

from airflow_provider_lark.core.api.base import BaseClient
from airflow_provider_lark.core.api.calls.namespace import SyncDriver
from airflow_provider_lark.core.api.http.driver import BlockingDriver
from airflow_provider_lark.core.api.services.application import Application
from airflow_provider_lark.core.api.services.approval import Approval
from airflow_provider_lark.core.api.services.auth import Auth
from airflow_provider_lark.core.api.services.bitable import Bitable
from airflow_provider_lark.core.api.services.bot import Bot
from airflow_provider_lark.core.api.services.chats import Chats
from airflow_provider_lark.core.api.services.contact import Contact
from airflow_provider_lark.core.api.services.drive import Drive
from airflow_provider_lark.core.api.services.long_connection import LongConnection
from airflow_provider_lark.core.api.services.messaging import Messaging
from airflow_provider_lark.core.api.services.reactions import Reactions
from airflow_provider_lark.core.api.services.resources import Resources
from airflow_provider_lark.core.api.services.wiki import Wiki
from airflow_provider_lark.core.api.services.workflows import Workflows


class LarkClient(BlockingDriver, BaseClient):
    """Talks to Lark and waits for the answers; safe to share between threads.

    >>> with LarkClient("cli_a", "secret") as client:
    ...     client.bitable.list_tables(app_token="bascn…")  # doctest: +SKIP
    """

    def _open(self) -> None:
        self._http = httpx.Client(**self._transport.options())
        self.application: Application[SyncDriver] = Application(self, self._session)
        self.approval: Approval[SyncDriver] = Approval(self, self._session)
        self.auth: Auth[SyncDriver] = Auth(self, self._session)
        self.bitable: Bitable[SyncDriver] = Bitable(self, self._session)
        self.bot: Bot[SyncDriver] = Bot(self, self._session)
        self.chats: Chats[SyncDriver] = Chats(self, self._session)
        self.contact: Contact[SyncDriver] = Contact(self, self._session)
        self.drive: Drive[SyncDriver] = Drive(self, self._session)
        self.long_connection: LongConnection[SyncDriver] = LongConnection(self, self._session)
        self.messaging: Messaging[SyncDriver] = Messaging(self, self._session)
        self.reactions: Reactions[SyncDriver] = Reactions(self, self._session)
        self.resources: Resources[SyncDriver] = Resources(self, self._session)
        self.wiki: Wiki[SyncDriver] = Wiki(self, self._session)
        self.workflows: Workflows[SyncDriver] = Workflows(self, self._session)

    def close(self) -> None:
        """Close the connections, and let other processes have what this one used of the app's rate limits."""
        try:
            self.run(self._session.close())
        finally:
            super().close()
