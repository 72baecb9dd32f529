"""One rate limit, many processes: no window of Lark's clock sees more calls than the quota, and everybody gets on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.api.calls.budget.division import Demand, Lease, divide, read_entry, settle, write_entry
from airflow_provider_lark.core.api.wire.limits import Quota
from tests.core.api.budget.simulation import Simulation, Worker


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
