"""The client for an event loop: triggers, and applications that are async themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, Self, TypeVar, cast

import httpx

from airflow_provider_lark.core.api.auth import Auth
from airflow_provider_lark.core.api.base import BaseClient
from airflow_provider_lark.core.api.bitable import Bitable
from airflow_provider_lark.core.api.bot import Bot
from airflow_provider_lark.core.api.contact import Contact
from airflow_provider_lark.core.api.drive import Drive
from airflow_provider_lark.core.api.failures import FAILURES
from airflow_provider_lark.core.api.flow import Blocking, Flow, Pages, Step, Wait
from airflow_provider_lark.core.api.messaging import Messaging
from airflow_provider_lark.core.api.namespace import AsyncDriver
from airflow_provider_lark.core.api.wiki import Wiki
from airflow_provider_lark.core.errors import LarkError

T = TypeVar("T")


class AsyncLarkClient(BaseClient):
    """Talks to Lark without blocking the event loop it was made on.

    >>> async with AsyncLarkClient("cli_a", "secret") as client:  # doctest: +SKIP
    ...     await client.bitable.list_tables(app_token="bascn…")
    """

    def _open(self) -> None:
        self._http = httpx.AsyncClient(**self._transport.options())
        self.auth: Auth[AsyncDriver] = Auth(self, self._session)
        self.bitable: Bitable[AsyncDriver] = Bitable(self, self._session)
        self.bot: Bot[AsyncDriver] = Bot(self, self._session)
        self.contact: Contact[AsyncDriver] = Contact(self, self._session)
        self.drive: Drive[AsyncDriver] = Drive(self, self._session)
        self.messaging: Messaging[AsyncDriver] = Messaging(self, self._session)
        self.wiki: Wiki[AsyncDriver] = Wiki(self, self._session)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """Run one call."""
        with closing(flow):
            try:
                effect = next(flow)
                while True:
                    try:
                        answer = await self._perform(effect)
                    except LarkError as error:
                        effect = flow.throw(error)
                    else:
                        effect = flow.send(answer)
            except StopIteration as done:
                return cast("T", done.value)

    async def iterate(self, pages: Pages[T]) -> AsyncIterator[T]:
        """Run calls one after the other, each when it is asked for."""
        with closing(pages):
            try:
                flow = next(pages)
                while True:
                    page = await self.run(flow)
                    yield page
                    flow = pages.send(page)
            except StopIteration:
                return

    async def _perform(self, effect: Step) -> Any:
        if isinstance(effect, Wait):
            await self._clock.sleep_async(effect.seconds)
            return None
        if isinstance(effect, Blocking):
            return await asyncio.to_thread(effect.function)
        try:
            return self._transport.read(await self._http.request(**self._transport.arguments(effect)))
        except FAILURES as exc:
            error = self._transport.explain(exc, effect)
        raise error
