"""The long connection of one app, kept open: waits for the lease, connects, and reconnects whenever it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from airflow_provider_lark.core.api import AsyncLarkClient
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.doors.intake import ANSWER_SECONDS, Counts, Intake
from airflow_provider_lark.core.doors.long_connection.conversation import Conversation, Figures
from airflow_provider_lark.core.doors.long_connection.session import Session, Timings
from airflow_provider_lark.core.doors.long_connection.socket import open_socket, require_websockets
from airflow_provider_lark.core.errors import LarkError, NotAuthorized, PermanentError
from airflow_provider_lark.core.inbox.connection import ConnectionLease
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore

log = logging.getLogger(__name__)

OpenClient = Callable[[], Awaitable[AsyncLarkClient]]

SECRET_LOOK_SECONDS = 30.0
"""So often the connection is read again after Lark has refused the App Secret that stands there."""

_CHANCE = random.SystemRandom().random


class LongConnectionReceiver:
    """Receives an app's events over its long connection, and puts them into the inbox; belongs to one event loop.

    While another process has the connection, it waits as standby. Whenever a connection is made, this is noted beside
    the inbox, so that those who follow it poll at once: what Lark sent during the gap comes late, or never.

    :param open_client: makes a client of the app, with the App Secret as it is then; called for each connection.
    :param chance: makes the random number in [0, 1) that spreads reconnects.
    :param answer_seconds: after so long Lark is told that a delivery is not stored.
    :raises ConfigError: ``websockets`` is not installed.
    """

    def __init__(
        self,
        app_id: str,
        *,
        open_client: OpenClient,
        inbox: AsyncDeliveryStore,
        lease: ConnectionLease,
        clock: Clock = SYSTEM_CLOCK,
        chance: Callable[[], float] = _CHANCE,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        require_websockets()
        self.app_id = app_id
        self.figures = Figures()
        self._open_client = open_client
        self._inbox = inbox
        self._lease = lease
        self._clock = clock
        self._chance = chance
        self._intake = Intake(answer_seconds=answer_seconds)
        self._timings = Timings()
        self._stopping = asyncio.Event()
        self._was_connected = False
        self._refused_secret: str | None = None
        self._unnoted = False
        self._noting = asyncio.Lock()

    @property
    def counts(self) -> Counts:
        """What has come since the start, and ``connected``, ``lost_closed``, ``lost_silent`` and ``not_connected``."""
        return self._intake.counts

    def stop(self) -> None:
        """Let :meth:`run` end: what is under way is answered, and others may take over at once."""
        self._stopping.set()

    async def run(self) -> None:
        """Receive until :meth:`stop`.

        :raises PermanentError: Lark will not let the app connect until a person changes something.
        """
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._wait_for_lease()
            try:
                connecting = asyncio.create_task(self._stay_connected())
                keeping = asyncio.create_task(self._keep_lease())
                try:
                    done, _ = await asyncio.wait({connecting, keeping}, return_when=asyncio.FIRST_COMPLETED)
                    if connecting in done:
                        connecting.result()
                finally:
                    connecting.cancel()
                    keeping.cancel()
                    await asyncio.gather(connecting, keeping, return_exceptions=True)
            finally:
                await self._release()
            log.warning("app %s: the lease on its long connection was lost; disconnected", self.app_id)

    # -- whose turn it is

    async def _wait_for_lease(self) -> None:
        said = ""
        while True:
            try:
                holder = await asyncio.to_thread(self._lease.acquire)
            except PermanentError:
                raise
            except LarkError as exc:
                self.counts.note("no_lease", exc.message)
            else:
                if holder is None:
                    return
                if holder != said:
                    said = holder
                    log.warning(
                        "app %s: another receiver (%s) has its long connection; waiting as standby", self.app_id, holder
                    )
            await self._clock.sleep_async(self._lease.seconds / 3)

    async def _keep_lease(self) -> None:
        """Renew the lease; return when it is lost, or could not be renewed for as long as it lasts."""
        renewed_at = self._clock.monotonic()
        while self._clock.monotonic() - renewed_at < self._lease.seconds:
            await self._clock.sleep_async(self._lease.seconds / 3)
            began = self._clock.monotonic()
            try:
                if not await asyncio.to_thread(self._lease.renew):
                    return
            except LarkError as exc:
                self.counts.note("lease_not_renewed", exc.message)
            else:
                renewed_at = began
                await self._note_connected()

    async def _release(self) -> None:
        with contextlib.suppress(LarkError):
            # it runs out by itself
            await asyncio.to_thread(self._lease.release)

    # -- being connected

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                reason = await self._connect()
            except LarkError as exc:
                failures += 1
                self._explain(exc, failures)
            else:
                failures = 0 if reason else failures + 1
                self.counts.note(
                    f"lost_{reason or 'at_once'}", f"app {self.app_id}: the long connection ended; reconnecting"
                )
            await self._clock.sleep_async(self._timings.wait_seconds(failures, self._chance()))

    async def _connect(self) -> str:
        """Connect and stay until the connection ends; return why it did, or nothing if Lark never said a word."""
        async with self._client() as client:
            address = await client.long_connection.find_address()
            self._refused_secret = None
            self._timings = self._timings.updated(address.config)
            subject = f"long connection of App ID {self.app_id}"
            socket = await open_socket(address, client, subject=subject)
        session = Session(address.service, self._timings, now=self._clock.monotonic())
        conversation = Conversation(
            socket,
            session,
            app_id=self.app_id,
            inbox=self._inbox,
            intake=self._intake,
            figures=self.figures,
            clock=self._clock,
        )
        noting = asyncio.create_task(self._note_when_confirmed(conversation))
        try:
            reason = await conversation.run()
        finally:
            self._timings = session.timings
            noting.cancel()
            await asyncio.gather(noting, return_exceptions=True)
        return reason if session.is_confirmed else ""

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncLarkClient]:
        while True:
            async with await self._open_client() as client:
                if client.long_connection.secret_mark != self._refused_secret:
                    try:
                        yield client
                    except NotAuthorized:
                        self._refused_secret = client.long_connection.secret_mark
                        raise
                    return
            # the App Secret was changed at Lark, and not here yet: asking again would be refused again
            await self._clock.sleep_async(SECRET_LOOK_SECONDS)

    def _explain(self, error: LarkError, failures: int) -> None:
        """Say why there is no connection.

        :raises PermanentError: none will ever be, as things stand.
        """
        self.counts.add("not_connected")
        if isinstance(error, NotAuthorized) and self._was_connected:
            log.error("%s. Waiting until the connection holds another App Secret", error)
            return
        # once all was right, a page of a proxy or a broken certificate passes; Lark's own word does not
        if isinstance(error, PermanentError) and (error.code is not None or not self._was_connected):
            raise error
        if failures == 1 or failures % 10 == 0:
            log.warning("%s (%d tries failed; trying on)", error, failures)

    async def _note_when_confirmed(self, conversation: Conversation) -> None:
        await conversation.confirmed.wait()
        self._was_connected = True
        self._unnoted = True
        number = self.counts.add("connected")
        log.info("app %s: connected to Lark, %s", self.app_id, "first time" if number == 1 else f"time {number}")
        await self._note_connected()

    async def _note_connected(self) -> None:
        """Tell those who follow the inbox of the new connection; where that fails, with the next renewal."""
        async with self._noting:
            # or a renewal of the lease that falls into the wait noted the same connection again
            if not self._unnoted:
                return
            try:
                await asyncio.to_thread(self._lease.note_connected)
            except LarkError as exc:
                self.counts.note("gap_not_noted", exc.message)
            else:
                self._unnoted = False
