"""Filters where something else is at work too: events that tell of records, and a database that was restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import SafetyStop
from tests.clocks import JumpingClock
from tests.sync.dumps import Dump
from tests.sync.test_sync_filters import by_lark, by_sql, filled, resting
from tests.sync.test_sync_told_changes import told
from tests.sync.world import World, wrote

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return JumpingClock()


def unseen_by_the_search(world: World, *ids: str) -> None:
    for id_ in ids:
        world.emu.faults.add("search", action="stale", record=id_, times=None)


@pytest.mark.parametrize("leaving", ["keep", "delete"])
def test_event_of_a_record_that_left_is_taken_for_leaving_and_one_that_never_was_in_makes_no_row(
    world: World, leaving: str
) -> None:
    engine = filled(world, 5, **by_lark(world, leaving=leaving))
    engine.incremental()
    world.clock.sleep(5)
    left, stays = world.record_id(1), world.record_id(2)
    world.edit(1, Done=True, Name="left")
    world.edit(2, Name="edited")
    stranger, newcomer = world.add(Code=70, Name="outside", Done=True), world.add(Code=71, Name="inside")
    unseen_by_the_search(world, left, stays, stranger, newcomer)
    engine.incremental(lambda: told(world, left, stays, stranger, newcomer))
    world.emu.faults.clear()
    rows = world.rows()
    assert (rows[2]["name"], rows[71]["name"]) == ("edited", "inside")
    assert 70 not in rows
    # the stranger is known by its key, should a row of it come
    assert resting(world) == {"1", "70"}
    if leaving == "keep":
        assert rows[1]["name"] == "left"
    else:
        assert 1 not in rows
    for run in (engine.incremental, engine.full, engine.incremental):
        assert wrote(run()) == (0, 0)
    assert engine.check().in_step
    # an event of one that rests brings nothing over, and one that tells of its return brings it back to its row
    world.clock.sleep(5)
    world.edit(1, Done=False, Name="back")
    unseen_by_the_search(world, left)
    engine.incremental(lambda: told(world, left, stranger))
    world.emu.faults.clear()
    assert (world.rows()[1]["name"], resting(world)) == ("back", {"70"})
    assert wrote(engine.full()) == (0, 0)


def test_event_of_a_record_that_sqls_filter_does_not_let_in_makes_no_row_and_its_own_row_goes_as_the_mapping_says(
    world: World,
) -> None:
    engine = filled(world, 4, **by_sql(world, leaving="delete"))
    engine.incremental()
    world.clock.sleep(5)
    mine, stranger = world.record_id(1), world.add(Code=70, Name="outside", Done=True)
    world.edit(1, Done=True)
    unseen_by_the_search(world, mine, stranger)
    engine.incremental(lambda: told(world, mine, stranger))
    world.emu.faults.clear()
    assert 70 not in world.rows()
    assert bool(world.rows()[1]["done"])
    engine.incremental()
    assert 1 not in world.by_code()
    for run in (engine.incremental, engine.full):
        assert wrote(run()) == (0, 0)


@pytest.mark.parametrize(("by", "leaving"), [(by_sql, "delete"), (by_lark, "keep")])
def test_restored_database_heals_within_its_filter(
    world: World, tmp_path: Path, by: Callable[..., dict[str, Any]], leaving: str
) -> None:
    """O52, with filters: what left, came back, and was made or deleted inside since the dump."""
    engine = filled(world, 40, **by(world, leaving=leaving))
    world.update(39, done=True)
    engine.incremental()
    dump = Dump(world.sql, tmp_path)
    for code in range(1, 11):
        world.update(code, name=f"sql {code}")
        world.edit(code + 10, Name=f"lark {code + 10}")
    # one leaves and one comes back, on the side that has the filter
    world.update(21, done=True)
    world.update(39, done=False)
    engine.incremental()
    world.insert({"code": 90, "name": "program", "done": False}, {"code": 91, "name": "outside", "done": True})
    world.add(Code=92, Name="person")
    engine.incremental()
    world.remove(31, 32)
    world.delete(33)
    engine.incremental()
    engine.incremental()
    assert wrote(engine.full()) == (0, 0)
    records = {record["id"]: record for record in world.records()}
    before = {code: row["name"] for code, row in world.rows().items()}
    dump.restore()
    for run in (engine.incremental, engine.full):
        with pytest.raises(SafetyStop, match=r"older than Lark|kept in SQL"):
            run()
    world.engine().incremental(allow_mass_deletes=True)
    world.engine().full()
    assert {record["id"]: record for record in world.records()} == records, "Lark is the newer of the two"
    assert world.ask("SELECT COUNT(*) FROM sync_conflict") == [(0,)]
    rows = {code: row["name"] for code, row in world.rows().items()}
    # gone with the dump is the row that never had a record
    del before[91]
    if leaving == "delete":
        # and the restored row whose record went when it left goes as a person decided
        del before[21]
    assert rows == before
    for run in (engine.incremental, engine.full):
        assert wrote(run()) == (0, 0)
    assert engine.check().in_step
