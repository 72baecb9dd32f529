"""The client that blocks."""

from __future__ import annotations

from collections.abc import Iterator
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
from airflow_provider_lark.core.api.namespace import SyncDriver
from airflow_provider_lark.core.api.wiki import Wiki
from airflow_provider_lark.core.errors import LarkError

T = TypeVar("T")


class LarkClient(BaseClient):
    """Talks to Lark and waits for the answers; safe to share between threads.

    >>> with LarkClient("cli_a", "secret") as client:
    ...     client.bitable.list_tables(app_token="bascn…")  # doctest: +SKIP
    """

    def _open(self) -> None:
        self._http = httpx.Client(**self._transport.options())
        self.auth: Auth[SyncDriver] = Auth(self, self._session)
        self.bitable: Bitable[SyncDriver] = Bitable(self, self._session)
        self.bot: Bot[SyncDriver] = Bot(self, self._session)
        self.contact: Contact[SyncDriver] = Contact(self, self._session)
        self.drive: Drive[SyncDriver] = Drive(self, self._session)
        self.messaging: Messaging[SyncDriver] = Messaging(self, self._session)
        self.wiki: Wiki[SyncDriver] = Wiki(self, self._session)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def run(self, flow: Flow[T]) -> T:
        """Run one call."""
        with closing(flow):
            try:
                effect = next(flow)
                while True:
                    try:
                        answer = self._perform(effect)
                    except LarkError as error:
                        effect = flow.throw(error)
                    else:
                        effect = flow.send(answer)
            except StopIteration as done:
                return cast("T", done.value)

    def iterate(self, pages: Pages[T]) -> Iterator[T]:
        """Run calls one after the other, each when it is asked for."""
        with closing(pages):
            try:
                flow = next(pages)
                while True:
                    page = self.run(flow)
                    yield page
                    flow = pages.send(page)
            except StopIteration:
                return

    def _wait(self, seconds: float) -> None:
        if self._stop is None:
            self._clock.sleep(seconds)
        else:
            self._stop.sleep(self._clock, seconds)

    def _perform(self, effect: Step) -> Any:
        if isinstance(effect, Wait):
            self._wait(effect.seconds)
            return None
        if isinstance(effect, Blocking):
            return effect.function()
        try:
            return self._transport.read(self._http.request(**self._transport.arguments(effect)))
        except FAILURES as exc:
            error = self._transport.explain(exc, effect)
        raise error
