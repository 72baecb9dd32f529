"""The client for an event loop: triggers, and applications that are async themselves."""

from __future__ import annotations

import httpx

from airflow_provider_lark.core.api.base import BaseClient
from airflow_provider_lark.core.api.calls.namespace import AsyncDriver
from airflow_provider_lark.core.api.http.driver import LoopDriver
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


class AsyncLarkClient(LoopDriver, BaseClient):
    """Talks to Lark without blocking the event loop it was made on.

    >>> async with AsyncLarkClient("cli_a", "secret") as client:  # doctest: +SKIP
    ...     await client.bitable.list_tables(app_token="bascn…")
    """

    def _open(self) -> None:
        self._http = httpx.AsyncClient(**self._transport.options())
        self.application: Application[AsyncDriver] = Application(self, self._session)
        self.approval: Approval[AsyncDriver] = Approval(self, self._session)
        self.auth: Auth[AsyncDriver] = Auth(self, self._session)
        self.bitable: Bitable[AsyncDriver] = Bitable(self, self._session)
        self.bot: Bot[AsyncDriver] = Bot(self, self._session)
        self.chats: Chats[AsyncDriver] = Chats(self, self._session)
        self.contact: Contact[AsyncDriver] = Contact(self, self._session)
        self.drive: Drive[AsyncDriver] = Drive(self, self._session)
        self.long_connection: LongConnection[AsyncDriver] = LongConnection(self, self._session)
        self.messaging: Messaging[AsyncDriver] = Messaging(self, self._session)
        self.reactions: Reactions[AsyncDriver] = Reactions(self, self._session)
        self.resources: Resources[AsyncDriver] = Resources(self, self._session)
        self.wiki: Wiki[AsyncDriver] = Wiki(self, self._session)
        self.workflows: Workflows[AsyncDriver] = Workflows(self, self._session)

    async def aclose(self) -> None:
        """Close the connections, and let other processes have what this one used of the app's rate limits."""
        try:
            await self.run(self._session.close())
        finally:
            await super().aclose()
