"""One rate limit, many processes: no window of Lark's clock sees more calls than the quota, and everybody gets on."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.api.calls.budget.budget import Budget
from airflow_provider_lark.core.api.calls.budget.division import Demand, Lease, divide, read_entry, settle, write_entry
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page
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
                self.budget.take(ROUTE, self.quota, self.simulation, clock=self, patience_seconds=1e9)
            )
            yield self.way[0]
            self.simulation.arrivals.append((self.simulation.now, self.number))
            yield self.way[1]
            self.budget.end(share, self.monotonic())
            if self.pause:
                yield self.pause
        yield from self._drive(self.budget.leave(self.simulation, self))

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


def crowd(simulation: Simulation, workers: int, quota: Quota, **options: Any) -> list[Worker]:
    made = [Worker(simulation, n, quota, **options) for n in range(workers)]
    for n, each in enumerate(made):
        simulation.start(each.work(), at=n * 0.013)
    return made


@pytest.mark.parametrize(("workers", "quota"), [(1, Quota(20)), (8, Quota(20)), (8, Quota(50)), (3, Quota(5))])
def test_processes_together_use_nearly_all_of_the_quota_and_never_more(workers: int, quota: Quota) -> None:
    """O44."""
    simulation = Simulation()
    crowd(simulation, workers, quota)
    simulation.run(30.0)
    assert simulation.most_in(1.0) <= quota.calls
    # the first seconds go by until everybody has found its part
    served = simulation.calls(since=5.0)
    assert sum(served.values()) >= 0.9 * 25 * quota.calls
    assert min(served.values()) >= max(served.values()) / 2
    # about one question a second each, whatever the number of calls
    assert len(simulation.visits) <= workers * 30 * 1.5


def test_more_processes_than_places_take_turns() -> None:
    """O44, O46: nobody starves."""
    simulation = Simulation()
    crowd(simulation, 20, Quota(5))
    simulation.run(40.0)
    served = simulation.calls()
    assert simulation.most_in(1.0) <= 5
    assert sum(served.values()) >= 0.6 * 5 * 40
    assert len(served) == 20
    assert min(served.values()) >= 3


def test_clocks_that_differ_and_a_late_request_change_nothing() -> None:
    """O46: two workers five minutes apart; the requests of one take long to arrive."""
    simulation, quota = Simulation(store_starts_at=5_000_000.0), Quota(10)
    early = Worker(simulation, 0, quota, clock_offset=300.0)
    late = Worker(simulation, 1, quota, clock_offset=-300.0, way=(1.5, 0.1))
    for each in (early, late):
        simulation.start(each.work())
    simulation.run(60.0)
    assert simulation.most_in(1.0) <= 10
    served = simulation.calls(since=5.0)
    # a place of the late one is taken for longer, which costs it and nobody else
    assert served[0] >= 0.6 * 10 * 55
    # one after the other, it can make no more
    assert served[1] >= 55 / 1.7


@settings(deadline=None, max_examples=12)
@given(
    ways=st.lists(st.tuples(st.floats(0, 1.5), st.floats(0, 1.5)), min_size=2, max_size=9),
    pauses=st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0]), min_size=9, max_size=9),
    begins=st.lists(st.floats(0, 20), min_size=9, max_size=9),
    quota=st.sampled_from([Quota(5), Quota(20), Quota(60, 30.0, burst=10)]),
)
def test_no_window_sees_more_than_the_quota_whatever_comes_and_goes(
    ways: list[tuple[float, float]], pauses: list[float], begins: list[float], quota: Quota
) -> None:
    simulation = Simulation()
    for n, way in enumerate(ways):
        worker = Worker(simulation, n, quota, way=way, pause=pauses[n], clock_offset=100.0 * n)
        # some end, and others are gone from one moment to the next
        simulation.start(worker.work(calls=20 + 10 * n), at=begins[n])
    simulation.run(90.0)
    for calls, seconds in quota.windows:
        assert simulation.most_in(seconds) <= calls


def test_process_that_ends_leaves_its_places_to_others_at_once() -> None:
    simulation = Simulation()
    alone = Worker(simulation, 0, Quota(20))
    simulation.start(alone.work(calls=100))
    simulation.run(60.0)
    ended = max(at for at, _ in simulation.arrivals)
    simulation = Simulation()
    simulation.start(Worker(simulation, 0, Quota(20)).work(calls=100))
    simulation.start(Worker(simulation, 1, Quota(20)).work(calls=21), at=ended + 0.1)
    simulation.run(60.0)
    last = max(at for at, number in simulation.arrivals if number == 1)
    assert last <= ended + 2.5


def test_process_that_dies_costs_its_part_for_seconds_only() -> None:
    simulation = Simulation()
    crowd(simulation, 2, Quota(20))
    simulation.run(10.0)
    simulation._due = [each for each in simulation._due if each[2].gi_frame.f_locals["self"].number == 0]
    simulation.run(40.0)
    assert simulation.most_in(1.0) <= 20
    assert simulation.calls(since=20.0)[0] >= 0.95 * 20 * 20


def test_two_idle_calls_cost_one_question_and_one_to_end() -> None:
    simulation = Simulation()
    simulation.start(Worker(simulation, 0, Quota(20)).work(calls=2))
    simulation.run(10.0)
    assert len(simulation.visits) == 2
    assert all(at == pytest.approx(0.014, abs=0.02) for at, _ in simulation.arrivals[:1])


def test_store_that_fails_leaves_each_process_its_part(caplog: pytest.LogCaptureFixture) -> None:
    """O45, where there is no other store: the rate holds all the same, and each process says it once."""
    simulation, quota = Simulation(), Quota(20)
    crowd(simulation, 4, quota)
    simulation.run(10.0)
    simulation.is_down = True
    with caplog.at_level(logging.INFO):
        simulation.run(40.0)
        assert [each.levelname for each in caplog.records] == ["WARNING"] * 4
        assert "the store is down" in caplog.text
        caplog.clear()
        simulation.is_down = False
        simulation.run(140.0)
    assert [each.levelname for each in caplog.records] == ["INFO"] * 4
    assert simulation.most_in(1.0) <= 20
    assert min(sum(simulation.calls(since=t).values()) for t in (10.0, 39.0, 100.0)) > 0


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_jump_of_the_stores_clock_holds_nobody_up(jump: float) -> None:
    """O51, on the store's side: no lease is longer than leases are."""
    simulation = Simulation()
    crowd(simulation, 2, Quota(20))
    simulation.run(10.0)
    simulation.store_offset += jump
    # one that was killed at that moment has left a lease that ends an hour later
    simulation._due = [each for each in simulation._due if each[2].gi_frame.f_locals["self"].number == 0]
    simulation.run(40.0)
    assert simulation.most_in(1.0) <= 20
    assert simulation.calls(since=25.0)[0] >= 0.95 * 20 * 15


def lease(wanted: int, *, since: int = 0, places: int = 0) -> Lease:
    return Lease(places, wanted, since, 10_000)


@pytest.mark.parametrize(
    ("quota", "claims", "entitled"),
    [
        (20, {"a": lease(2), "b": lease(40)}, {"a": 2, "b": 18}),
        (20, {n: lease(9) for n in "abc"}, {"a": 6, "b": 7, "c": 7}),
        (2, {"a": lease(1, since=3), "b": lease(1, since=1), "c": lease(1, since=2)}, {"a": 0, "b": 1, "c": 1}),
    ],
)
def test_divide_gives_what_is_wanted_or_an_equal_part(
    quota: int, claims: Mapping[str, Lease], entitled: Mapping[str, int]
) -> None:
    assert divide(quota, claims) == entitled


def test_entry_that_makes_no_sense_counts_as_none() -> None:
    for text in ("", "{", "[]", '{"a": 1}', '{"a": ["x", 1, 2, 3]}', "null"):
        assert read_entry(text) == {}
    assert read_entry(write_entry({"a": lease(3)})) == {"a": lease(3)}


def test_nothing_is_given_before_everybody_is_known() -> None:
    demand = Demand("me", 20, 1.0, wanted=5, in_flight=1, free_in_ms=(0, 300))
    leases, grant = settle({}, demand, now_ms=10_000, since_ms=9_500)
    # of its own it keeps what is on its way
    assert (grant.places, grant.returned, grant.again_seconds) == (1, 2, 0.5)
    assert leases["me"].places == 1
    _, later = settle(leases, demand, now_ms=10_500, since_ms=9_500)
    assert later.places == 5
