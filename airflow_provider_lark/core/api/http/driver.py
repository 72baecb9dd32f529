"""The two drivers: they carry out what calls ask for, one by blocking, one on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any, Self, TypeVar, cast

import httpx

from airflow_provider_lark.core.api.http.failures import FAILURES
from airflow_provider_lark.core.api.http.transport import LoopBody, Transport
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.wire.flow import Blocking, Command, Flow, Pages, Wait
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError

T = TypeVar("T")


class BlockingDriver:
    """Runs calls and waits for the answers; safe to share between threads."""

    _http: httpx.Client
    _transport: Transport
    _clock: Clock
    _stop: StopFlag | None

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
                command = next(flow)
                while True:
                    try:
                        answer = self._perform(command)
                    except LarkError as error:
                        command = flow.throw(error)
                    else:
                        command = flow.send(answer)
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

    def _perform(self, command: Command) -> Any:
        if isinstance(command, Wait):
            self._wait(command.seconds)
            return None
        if isinstance(command, Blocking):
            return command.function()
        try:
            return self._transport.read(self._http.request(**self._transport.arguments(command)))
        except FAILURES as exc:
            error = self._transport.explain(exc, command)
        raise error


class LoopDriver:
    """Runs calls without blocking the event loop it was made on."""

    _http: httpx.AsyncClient
    _transport: Transport
    _clock: Clock

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
                command = next(flow)
                while True:
                    try:
                        answer = await self._perform(command)
                    except LarkError as error:
                        command = flow.throw(error)
                    else:
                        command = flow.send(answer)
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

    async def _perform(self, command: Command) -> Any:
        if isinstance(command, Wait):
            await self._clock.sleep_async(command.seconds)
            return None
        if isinstance(command, Blocking):
            return await asyncio.to_thread(command.function)
        try:
            request = self._http.build_request(**self._transport.arguments(command))
            if command.request.multipart is not None:
                request.stream = LoopBody(request)
            return self._transport.read(await self._http.send(request))
        except FAILURES as exc:
            error = self._transport.explain(exc, command)
        raise error
