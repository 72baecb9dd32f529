"""One open long connection: receives deliveries, answers them, pings, and notices when nothing arrives any more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.doors.intake import Intake
from airflow_provider_lark.core.doors.long_connection.frame import OddFrame
from airflow_provider_lark.core.doors.long_connection.session import Arrival, Session, Silent
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore
from airflow_provider_lark.core.receiving.door import receive_trusted
from airflow_provider_lark.core.receiving.refusal import Refused

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

UNDER_WAY_MAX = 500
"""So many deliveries are handled at once; what comes then waits in the socket."""

FINISH_SECONDS = 5.0
"""So long what is under way may take to finish when the connection is to end."""


@dataclass(slots=True)
class Figures:
    """What a person looks at to see whether events come.

    :param last_frame_at: when anything came, pongs too, as seconds since the epoch.
    :param last_event_at: when a delivery came: quiet for long while frames come means that nothing happens, or that
        Lark sends this app no events.
    """

    last_frame_at: float | None = None
    last_event_at: float | None = None


class Conversation:
    """What is said over one connection, until it ends.

    :param socket: open; it is closed at the end.
    """

    def __init__(
        self,
        socket: ClientConnection,
        session: Session,
        *,
        app_id: str,
        inbox: AsyncDeliveryStore,
        intake: Intake,
        figures: Figures,
        clock: Clock,
    ) -> None:
        self._socket = socket
        self._session = session
        self._app_id = app_id
        self._inbox = inbox
        self._intake = intake
        self._figures = figures
        self._clock = clock
        self._jobs: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self.confirmed = asyncio.Event()
        """Set once the server has said something."""

    async def run(self) -> str:
        """Talk until the connection ends, and return why it did: ``closed`` or ``silent``.

        Cancel it to end the connection; what is under way is answered before.
        """
        reading = asyncio.create_task(self._read())
        watching = asyncio.create_task(self._watch())
        try:
            done, _ = await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            return "closed" if reading in done else "silent"
        finally:
            for task in (reading, watching):
                task.cancel()
            await asyncio.gather(reading, watching, return_exceptions=True)
            await self._finish()

    async def _read(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            while True:
                self._take(await self._socket.recv())
                if len(self._jobs) >= UNDER_WAY_MAX:
                    await asyncio.wait(self._jobs, return_when=asyncio.FIRST_COMPLETED)

    def _take(self, message: bytes | str) -> None:
        now = self._clock.now()
        self._figures.last_frame_at = now
        raw = message if isinstance(message, bytes) else message.encode()
        try:
            arrival = self._session.receive(raw, now=self._clock.monotonic())
        except OddFrame as odd:
            self._intake.counts.note("odd_frame", f"app {self._app_id}: a message of Lark cannot be read: {odd}")
            arrival = None
        self._changed.set()
        self.confirmed.set()
        if arrival is not None:
            self._figures.last_event_at = now
            self._keep(asyncio.create_task(self._answer(arrival)))

    async def _answer(self, arrival: Arrival) -> None:
        began = self._clock.monotonic()
        try:
            delivery = receive_trusted(self._app_id, arrival.payload, now_ms=int(self._clock.now() * 1000))
        except Refused as refused:
            self._intake.counts.note(refused.reason, refused.message)
            await self._send(arrival.answer(is_taken=False))
            return
        reply = await self._intake.store(self._inbox, delivery)
        took_ms = int((self._clock.monotonic() - began) * 1000)
        # who clicked reads that nothing was recorded; of an event Lark learns it, and sends it again
        is_taken = reply.is_stored or (reply.body is not None and reply.status == 200)
        await self._send(arrival.answer(is_taken=is_taken, body=reply.body, took_ms=took_ms))

    async def _watch(self) -> None:
        """Ping when it is time; return when the connection is dead, or its end is known."""
        while True:
            self._changed.clear()
            wait = self._session.due_at - self._clock.monotonic()
            if wait > 0:
                await self._sleep(wait)
            try:
                ping = self._session.tick(now=self._clock.monotonic())
            except Silent:
                return
            if ping is not None:
                # a socket whose other side is gone may take nothing more: that must not stop the watch
                self._keep(asyncio.create_task(self._send(ping)))

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until a frame has come: it may have changed the timings."""
        sleeping = asyncio.create_task(self._clock.sleep_async(seconds))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({sleeping, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            changed.cancel()

    async def _send(self, message: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        # without its answer, Lark sends the delivery again, over the next connection
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(message)

    def _keep(self, job: asyncio.Task[None]) -> None:
        self._jobs.add(job)
        job.add_done_callback(self._let_go)

    def _let_go(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        error = None if job.cancelled() else job.exception()
        if error is not None:
            # not answered, so Lark sends it again
            self._intake.counts.add("failed")
            log.error("app %s: a delivery could not be handled", self._app_id, exc_info=error)

    async def _finish(self) -> None:
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=FINISH_SECONDS)
        for job in list(self._jobs):
            job.cancel()
        await self._socket.close()
