"""How many records a write call carries: 1,000, or 500 where the tenant keeps refusing more."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.run.batch_rows import REMEMBERED_MS
from tests.clocks import JumpingClock
from tests.sync.world import World

lite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ROWS = 2000


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    return JumpingClock()


def load(world: World, rows: int = ROWS) -> SyncReport:
    world.insert(*({"code": n, "name": f"n{n}"} for n in range(1, rows + 1)))
    report = world.engine().full()
    assert (report.to_lark.created, report.failed) == (rows, 0)
    return report


def update_all(world: World, name: str) -> SyncReport:
    world.execute(world.table.update().values(name=name))
    report = world.engine().incremental()
    assert (report.to_lark.updated, report.failed) == (len(world.rows()), 0)
    return report


def limit(world: World) -> Any:
    return world.ask("SELECT batch_limit FROM sync_checkpoint")[0][0]


@lite_only
def test_batch_holds_a_thousand_records(world: World):
    assert load(world).api_calls["create"] == ROWS / 1000
    assert update_all(world, "x").api_calls["update"] == ROWS / 1000
    world.assert_in_step()
    assert limit(world) is None


@lite_only
@pytest.mark.parametrize("code", [1254104, 99992402])
def test_tenant_that_takes_500_costs_two_refusals_and_is_remembered_for_a_week(world: World, code: int):
    world.emu.switches.update({"batch_write_max": 500, "oversize_code": code})
    assert load(world).api_calls["create"] == ROWS / 500 + 2
    assert len(world.records()) == ROWS
    assert limit(world) == 500
    # the next runs do not try again
    assert update_all(world, "x").api_calls["update"] == ROWS / 500
    world.clock.sleep(REMEMBERED_MS / 1000)
    assert update_all(world, "y").api_calls["update"] == ROWS / 500 + 2
    world.assert_in_step()
    # what the tenant takes again is taken up
    world.clock.sleep(REMEMBERED_MS / 1000)
    world.emu.switches.batch_write_max = 1000
    assert update_all(world, "z").api_calls["update"] == ROWS / 1000
    assert limit(world) is None


@lite_only
def test_setup_forgets_the_limit(world: World):
    world.emu.switches.batch_write_max = 500
    load(world)
    world.engine().setup()
    assert limit(world) is None


@lite_only
def test_one_refusal_in_passing_is_not_remembered(world: World):
    """Input F2."""
    world.emu.faults.add("batch_create", code=1254104, times=1)
    assert load(world).api_calls["create"] == ROWS / 1000 + 2
    assert limit(world) is None


@lite_only
def test_bytes_that_are_too_many_do_not_lower_the_number_of_records(world: World):
    """Input F2."""
    world.emu.switches.max_changeset_bytes = 60_000
    load(world)
    world.assert_in_step()
    assert limit(world) is None


@lite_only
def test_bad_row_is_not_taken_for_a_limit(world: World):
    world.emu.faults.add("batch_create", code=99992402, contains="bad", times=None)
    world.insert(*({"code": n, "name": "bad" if n in (7, 1007) else "good"} for n in range(1, ROWS + 1)))
    report = world.engine().full()
    assert (report.to_lark.created, report.failed) == (ROWS - 2, 2)
    assert limit(world) is None


@lite_only
@pytest.mark.parametrize(
    "answer",
    [{"action": "error_after", "status": 504}, {"action": "drop_after"}, {"action": "error_after", "code": 1255040}],
    ids=["504", "cut", "1255040"],
)
def test_thousand_records_whose_answer_is_lost_are_there_once(world: World, answer: dict[str, Any]):
    """Input F1: unknown is not refused."""
    world.insert(*({"code": n, "name": "x"} for n in range(1, 1001)))
    world.emu.faults.add("batch_create", times=1, **answer)
    try:
        world.engine().full()
    except LarkError:
        world.engine().full()
    world.assert_in_step()
    assert limit(world) is None
