"""Processes, a store and a time that exist only here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from airflow_provider_lark.core.api.calls.budget.budget import Budget
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page, RateStore
from airflow_provider_lark.core.api.wire.flow import Blocking, Wait
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.errors import Unreachable

T = TypeVar("T")
ROUTE = "POST /search"


class Simulation:
    """A time that passes only here, a store with a clock of its own, and processes with others."""

    def __init__(self, *, store_starts_at: float = 1_000_000.0) -> None:
        self.now = 0.0
        self.store_offset = store_starts_at
        self.entries: dict[str, str] = {}
        self.visits: list[float] = []
        self.is_down = False
        self.arrivals: list[tuple[float, int]] = []
        self._order = count()
        self._due: list[tuple[float, int, Generator[float, None, None]]] = []

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        if self.is_down:
            raise Unreachable("the store is down")
        self.visits.append(self.now)
        known = {name: self.entries[name] for name in names if name in self.entries}
        entries, result = decide(Page(known, round((self.now + self.store_offset) * 1000)))
        self.entries |= entries
        return result

    def start(self, work: Generator[float, None, None], at: float = 0.0) -> None:
        heappush(self._due, (at, next(self._order), work))

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, work = heappop(self._due)
            pause = next(work, None)
            if pause is not None:
                heappush(self._due, (self.now + pause, next(self._order), work))
        self.now = until

    def most_in(self, seconds: float) -> int:
        """Return the most calls that arrived in any window."""
        times, first, most = sorted(at for at, _ in self.arrivals), 0, 0
        for n, at in enumerate(times):
            while times[first] <= at - seconds:
                first += 1
            most = max(most, n - first + 1)
        return most

    def calls(self, since: float = 0.0) -> Counter[int]:
        return Counter(number for at, number in self.arrivals if at >= since)


class Worker:
    """A process that calls one route all the time, or pauses between its calls.

    :param clock_offset: how far its clock is ahead.
    :param way: how long a call takes to arrive, and its answer to come back.
    """

    def __init__(
        self,
        simulation: Simulation,
        number: int,
        quota: Quota,
        *,
        clock_offset: float = 0.0,
        way: tuple[float, float] = (0.01, 0.01),
        pause: float = 0.0,
    ) -> None:
        self.simulation, self.number, self.quota = simulation, number, quota
        self.clock_offset, self.way, self.pause = clock_offset, way, pause
        self.store: RateStore = simulation
        self.budget = Budget(lambda: f"worker{number}")
        self.budget.join()

    def monotonic(self) -> float:
        return self.simulation.now + self.clock_offset

    now = monotonic

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a flow asks for its waits")

    async def sleep_async(self, seconds: float) -> None:
        raise AssertionError("a flow asks for its waits")

    def work(self, calls: int = 10**9) -> Generator[float, None, None]:
        for _ in range(calls):
            share = yield from self._drive(
                self.budget.take(ROUTE, self.quota, self.store, clock=self, patience_seconds=1e9)
            )
            yield self.way[0]
            self.simulation.arrivals.append((self.simulation.now, self.number))
            yield self.way[1]
            self.budget.end(share, self.monotonic())
            if self.pause:
                yield self.pause
        yield from self._drive(self.budget.leave(self.store, self))

    def _drive(self, flow: Any) -> Generator[float, None, Any]:
        answer = None
        while True:
            try:
                command = flow.send(answer)
            except StopIteration as done:
                return done.value[0] if isinstance(done.value, tuple) else done.value
            assert isinstance(command, Wait | Blocking)
            if isinstance(command, Wait):
                answer = None
                yield command.seconds
            else:
                # the store takes its time, and answers as of the middle of it
                yield 0.002
                answer = command.function()
                yield 0.002
