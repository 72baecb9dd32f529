"""``sync_run``: one line for each run that did something or ended otherwise than the one before."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import LarkError, SafetyStop, SchemaMismatch
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.history.runs import PastRuns
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def lines(world: World) -> list[PastRuns]:
    """Return the lines, the oldest first."""
    with world.sql.connect() as conn:
        return Ledger(conn, "people").runs.latest(limit=100)[::-1]


def told(line: PastRuns) -> tuple[Any, ...]:
    return line.operation, line.status, line.runs, {name: count for name, count in line.counts.items() if count}


def test_runs_tell_what_they_wrote_and_idle_ones_share_a_line(world: World) -> None:
    engine = world.ready(rows=3)
    for _ in range(3):
        engine.incremental()
    world.edit(1, Name="lark")
    world.update(2, name="sql")
    report = engine.incremental()
    engine.incremental()
    first, idle, busy, after = lines(world)
    assert told(first) == ("full", "ok", 1, {"lark_created": 3})
    assert told(idle) == ("incremental", "ok", 3, {})
    assert told(busy) == ("incremental", "ok", 1, {"lark_updated": 1, "sql_updated": 1})
    assert told(after) == ("incremental", "ok", 1, {})
    assert busy.api_calls == report.api_calls["total"]
    assert 0 <= busy.seconds <= report.seconds
    assert busy.run_id == engine.run_id
    assert [line.pending for line in lines(world)] == [0, 0, 0, 0]
    assert all(line.ended_seconds < 3600 and line.oldest_seconds is None for line in lines(world))


def test_row_that_fails_is_named_and_what_waits_is_counted_with_its_age(world: World) -> None:
    engine = world.ready(rows=2)
    world.emu.faults.add("batch_update", code=1254060, status=200, times=None, contains="refused")
    world.update(1, name="refused")
    engine.incremental()
    line = lines(world)[-1]
    assert (line.status, line.counts["failed"]) == ("partial", 1)
    assert line.error is not None
    assert line.error.startswith("1: ")
    assert line.pending == 1
    assert line.oldest_seconds is not None
    assert line.oldest_seconds >= 0


@ON_SQLITE
def test_held_deletes_and_drift_end_a_run_with_their_own_status(world: World) -> None:
    engine = world.ready(rows=60)
    world.delete(*range(1, 41))
    with pytest.raises(SafetyStop):
        engine.incremental()
    engine.check()
    held, drift = lines(world)[-2:]
    assert told(held) == ("incremental", "held", 1, {"held": 40})
    assert held.error is not None
    assert "kept in Lark: 40" in held.error
    assert told(drift)[:2] == ("check", "ok")  # what waits is no drift
    world.execute("DELETE FROM sync_queue")
    engine.check()
    assert told(lines(world)[-1]) == ("check", "drift", 1, {"different": 40})


@ON_SQLITE
def test_failure_before_the_run_begins_leaves_a_line_and_the_same_again_is_counted(world: World) -> None:
    engine = world.ready(rows=1)
    world.execute("ALTER TABLE people RENAME COLUMN qty TO quantity")
    for _ in range(3):
        with pytest.raises(SchemaMismatch) as caught:
            engine.incremental()
    assert told(lines(world)[-1]) == ("incremental", "failed", 3, {})
    assert lines(world)[-1].error == str(caught.value)
    # a plan is no run
    with pytest.raises(SchemaMismatch):
        engine.plan()
    assert lines(world)[-1].runs == 3


@ON_SQLITE
def test_failure_where_there_is_no_ledger_is_told_as_it_is(world: World) -> None:
    with pytest.raises(LarkError) as caught:
        world.engine(fields={"Nothing": "name", "Code": "code"}).full()
    assert "Nothing" in str(caught.value)


@ON_SQLITE
def test_run_that_ends_in_the_middle_says_so(world: World) -> None:
    engine = world.ready(rows=1)
    world.update(1, name="new")
    world.emu.faults.add("search", code=99991672, status=400, times=None)
    with pytest.raises(LarkError):
        engine.incremental()
    line = lines(world)[-1]
    assert line.status == "failed"
    assert line.pending == 1
    world.emu.faults.clear()
    engine.incremental()
    world.assert_in_step()
