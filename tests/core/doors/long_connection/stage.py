"""A receiver of the long connection in a thread of its own, in front of an emulator, on a time that stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import AsyncLarkClient
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.doors.long_connection.receiver import LongConnectionReceiver
from airflow_provider_lark.core.inbox.connection import ConnectionLease
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.emulator import Emulator, ManualClock

RING = "A" * 43 + "="


class DrivenClock(ManualClock):
    """The emulator's time, which moves only when the test moves it, and wakes those who wait for it."""

    def __init__(self, now: float | None = None) -> None:
        super().__init__() if now is None else super().__init__(now)
        self._waiting = threading.Condition()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        with self._waiting:
            for until, loop, done in self._sleepers:
                if until <= self.now() and not loop.is_closed():
                    loop.call_soon_threadsafe(_wake, done)

    async def sleep_async(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        sleeper = (self.now() + seconds, loop, done)
        with self._waiting:
            if sleeper[0] <= self.now():
                done.set_result(None)
            self._sleepers.append(sleeper)
            self._waiting.notify_all()
        try:
            await done
        finally:
            with self._waiting:
                self._sleepers.remove(sleeper)

    def wait_for_sleepers(self, loop: asyncio.AbstractEventLoop, number: int, timeout_seconds: float) -> bool:
        """Wait, in real time, until so many tasks of *loop* wait for moments that are still to come."""

        def are_there() -> bool:
            now = self.now()
            return sum(each is loop and until > now for until, each, _ in self._sleepers) >= number

        with self._waiting:
            return self._waiting.wait_for(are_there, timeout_seconds)


def _wake(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


class StandingClock:
    """The emulator's time, for the receiver."""

    def __init__(self, clock: DrivenClock) -> None:
        self.clock = clock

    def now(self) -> float:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps in a thread")

    async def sleep_async(self, seconds: float) -> None:
        await self.clock.sleep_async(seconds)


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for what another thread does; the machine may be slow."""
    clock = SystemClock()
    give_up = clock.monotonic() + 120
    while not is_so():
        assert clock.monotonic() < give_up
        clock.sleep(0.005)


class Listening:
    """A receiver that runs."""

    def __init__(self, make: Callable[[], LongConnectionReceiver]) -> None:
        self._make = make
        self._ready = threading.Event()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self._ready.wait(60)

    def _run(self) -> None:
        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            self.receiver = self._make()
            self._ready.set()
            await self.receiver.run()

        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        self._ready.set()

    def settle(self) -> None:
        """Wait until what its clock is due for has begun."""

        async def turn() -> None:
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(turn(), self.loop).result(60)

    def count(self, outcome: str) -> int:
        return self.receiver.counts.by_outcome[outcome]

    def stop(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.receiver.stop)
        self.thread.join(60)
        assert not self.thread.is_alive()


class Stage:
    """An emulator with a subscribed table, and what receivers of its app need."""

    def __init__(self, emu: Emulator, database: Any, clock: Clock) -> None:
        self.emu = emu
        self.database = database
        self.clock = clock
        self.secret = emu.app_secret
        self.inbox = SqlInbox(database, Keyring.from_text(RING), emu.app_id)
        # where time flies, a pong is late on a slow machine
        emu.switches.ping_seconds = 3600
        emu.state.set_long_connection(emu.app_id)
        self.app_token = emu.state.create_base("Shop").app_token
        self.table_id = emu.state.create_table(self.app_token, "t", [{"field_name": "Name", "type": 1}]).table_id
        emu.state.subscriptions.add(self.app_token, emu.app_id, "ou_1")

    async def open_client(self) -> AsyncLarkClient:
        return AsyncLarkClient(self.emu.app_id, self.secret, self.emu.url, clock=self.clock)

    def lease(self, **options: Any) -> ConnectionLease:
        # where time flies, and the database does not, a lease of 30 s would be over before it is renewed
        return ConnectionLease(self.database, self.emu.app_id, **{"seconds": 30_000.0, **options})

    def start(self, **options: Any) -> Listening:
        """Start a receiver, which the caller stops."""
        given = {"lease": self.lease(), "clock": self.clock, "answer_seconds": 60.0, **options}
        given.setdefault("inbox", GroupCommit(self.inbox))
        given.setdefault("chance", lambda: 0.5)
        given.setdefault("open_client", self.open_client)
        return Listening(lambda: LongConnectionReceiver(self.emu.app_id, **given))

    @contextmanager
    def listening(self, **options: Any) -> Iterator[Listening]:
        listening = self.start(**options)
        try:
            yield listening
        finally:
            listening.stop()

    def edit(self, name: str = "a") -> str:
        return self.emu.person.add_record(self.app_token, self.table_id, {"Name": name})

    def states(self) -> list[str]:
        return [each.state for each in self.emu.events.log()]

    @property
    def devices(self) -> list[str]:
        return self.emu.sockets.devices(self.emu.app_id)

    def pass_until(self, is_so: Callable[[], object], step: float = 5.0) -> None:
        """Let time pass in steps until it is so; how many it takes depends on how fast the machine is."""
        clock, real = self.emu.clock, SystemClock()
        assert isinstance(clock, ManualClock)
        give_up = real.monotonic() + 120
        while not is_so():
            assert real.monotonic() < give_up
            clock.advance(step)
            # an answer that is on its way is not late because time flies
            self.emu.events.settle(60)
            real.sleep(0.005)
