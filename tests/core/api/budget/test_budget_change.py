"""From Redis to SQL while it is down, and back: in no second more calls than the limit, and everybody goes on."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_lark.core.api.calls.budget import change
from airflow_provider_lark.core.api.calls.budget.change import ChangingStore
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.errors import Unreachable
from tests.core.api.budget.simulation import Simulation, T, Worker

SECOND = Quota(20)


class Redis:
    """Another store of a simulation, with a clock of its own.

    :ivar lost: the workers that do not reach it.
    """

    def __init__(self, simulation: Simulation, offset: float = 77_777.0) -> None:
        self.simulation, self.offset = simulation, offset
        self.born_ms: int | None = None
        self.entries: dict[str, str] = {}
        self.is_down = False
        self.lost: set[int] = set()

    def seen_by(self, number: int) -> SeenRedis:
        return SeenRedis(self, number)

    def restart(self) -> None:
        self.entries, self.born_ms, self.is_down = {}, None, False


class SeenRedis:
    def __init__(self, redis: Redis, number: int) -> None:
        self.redis, self.number = redis, number

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        redis = self.redis
        if redis.is_down or self.number in redis.lost:
            raise Unreachable("Redis failed (ConnectionError)")
        now_ms = round((redis.simulation.now + redis.offset) * 1000)
        redis.born_ms = redis.born_ms or now_ms
        known = {name: redis.entries.get(name, "") for name in names}
        entries, result = decide(Page(known, now_ms, redis.born_ms + 6000))
        redis.entries |= entries
        return result


def start(workers: int, quota: Quota = SECOND) -> tuple[Simulation, Redis]:
    simulation = Simulation()
    redis = Redis(simulation)
    for n in range(workers):
        worker = Worker(simulation, n, quota, clock_offset=1000.0 * n)
        worker.store = ChangingStore(redis.seen_by(n), simulation, called="Redis", name=f"app {n}", clock=worker)
        simulation.start(worker.work(), at=n * 0.017)
    return simulation, redis


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # of the process, which is one for each worker elsewhere
    monkeypatch.setattr(change, "_TOLD", set())


def test_redis_that_goes_and_comes_back_never_lets_more_through(caplog: pytest.LogCaptureFixture) -> None:
    """O45: eight processes, Redis ended in mid-run and started again, empty, after 20 s."""
    simulation, redis = start(8)
    with caplog.at_level(logging.INFO):
        simulation.run(30.0)
        assert not caplog.records
        redis.is_down = True
        simulation.run(50.0)
        assert [each.levelname for each in caplog.records] == ["WARNING"] * 8
        assert "shared through the database for now: " in caplog.text
        caplog.clear()
        redis.restart()
        simulation.run(100.0)
    assert {each.levelname for each in caplog.records} == {"INFO"}
    assert simulation.most_in(1.0) <= 20
    served = [sum(simulation.calls(since=t).values()) - sum(simulation.calls(since=t + 10).values()) for t in range(90)]
    # before, between and after; and in no ten seconds does nobody get on
    assert min(served[15], served[40], served[85]) >= 0.85 * 200
    assert len(simulation.calls(since=85.0)) == 8
    assert len(simulation.calls(since=42.0)) == 8


def test_redis_is_asked_and_the_database_only_which_one_counts() -> None:
    simulation, _ = start(4)
    simulation.run(20.0)
    before = len(simulation.visits)
    simulation.run(50.0)
    assert simulation.most_in(1.0) <= 20
    assert sum(simulation.calls(since=20.0).values()) >= 0.9 * 30 * 20
    assert len(simulation.visits) - before <= 4 * 30 / 3 + 4


def test_process_that_alone_cannot_reach_redis_takes_the_others_with_it() -> None:
    """O45's sibling: a part of the network is cut off."""
    simulation, redis = start(4)
    simulation.run(30.0)
    redis.lost = {2}
    simulation.run(200.0)
    assert simulation.most_in(1.0) <= 20
    # they try again, ever less often
    assert sum(simulation.calls(since=30.0).values()) >= 0.6 * 170 * 20
    assert simulation.calls(since=100.0)[2] >= 100


def test_redis_that_forgot_everything_unnoticed_gives_nothing_at_first() -> None:
    simulation, redis = start(3)
    simulation.run(30.0)
    redis.restart()
    late = Worker(simulation, 9, SECOND)
    late.store = ChangingStore(redis.seen_by(9), simulation, called="Redis", name="app 9", clock=late)
    simulation.start(late.work(), at=30.001)
    simulation.run(60.0)
    assert simulation.most_in(1.0) <= 20
    assert simulation.calls()[9] >= 50


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_workers_clock_that_jumps_changes_nothing(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """O51: only the clock that never jumps is asked for waits and leases."""
    simulation, _ = start(2)
    monkeypatch.setattr(
        Worker, "now", lambda worker: worker.simulation.now + (jump if worker.simulation.now > 20 else 0)
    )
    simulation.run(50.0)
    assert simulation.most_in(1.0) <= 20
    assert sum(simulation.calls(since=20.0).values()) >= 0.9 * 30 * 20


def test_both_down_leaves_each_its_part() -> None:
    simulation, redis = start(4)
    simulation.run(30.0)
    redis.is_down = simulation.is_down = True
    simulation.run(60.0)
    redis.is_down = simulation.is_down = False
    simulation.run(120.0)
    assert simulation.most_in(1.0) <= 20
    assert len(simulation.calls(since=110.0)) == 4
