"""A database that was restored from a backup: what the ledger does not know any more is found, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.sync import flow
from tests.sync.dumps import Dump
from tests.sync.test_sync_verdicts import ON_SQLITE, carry_out, verdict
from tests.sync.world import World

ROWS = 130


def live_on(world: World) -> None:
    """50 edits each way, 5 creates and 5 deletes each way, and the runs that carry them over."""
    engine = world.engine()
    for code in range(1, 51):
        world.update(code, name=f"sql {code}", qty=code + 0.5)
    engine.incremental()
    for code in range(51, 101):
        world.edit(code, Name=f"lark {code}")
    for n in range(5):
        world.add(Name=f"person {n}")
    world.insert(*({"code": 900 + n, "name": f"program {n}"} for n in range(5)))
    engine.incremental()
    world.delete(*range(101, 106))
    world.remove(*range(106, 111))
    engine.incremental()
    engine.incremental()
    world.assert_in_step()


def test_restored_database_is_recognised_and_a_full_sync_heals_it(world: World, tmp_path: Path) -> None:
    """O52: table and ledger older than Lark."""
    engine = world.ready(ROWS)
    dump = Dump(world.sql, tmp_path)
    live_on(world)
    before = world.rows()
    records = {record["id"]: record for record in world.records()}
    dump.restore()
    assert world.rows()[1]["name"] == "n1"
    with pytest.raises(SafetyStop, match="older than Lark") as stop:
        engine.incremental()
    assert "rows are kept in SQL: 10" in str(stop.value)
    with pytest.raises(SafetyStop, match="rows are kept in SQL: 10"):
        engine.full()
    now = world.rows()
    assert {code: row for code, row in now.items() if code in before} == before
    assert sorted(now.keys() - before.keys()) == list(range(101, 111))
    assert {record["id"]: record for record in world.records()} == records
    assert world.ask("SELECT COUNT(*) FROM sync_conflict") == [(0,)]
    report = world.engine().incremental(allow_mass_deletes=True)
    assert (report.to_sql.deleted, report.to_lark.total) == (10, 0)
    world.assert_in_step()


def test_table_restored_alone_is_refused_and_takes_lark_s_values_when_told_so(world: World, tmp_path: Path) -> None:
    """O52: the business table is older than its ledger; pushed, it would overwrite in Lark what people edited."""
    world.ready(ROWS)
    dump = Dump(world.sql, tmp_path, "people")
    live_on(world)
    before, records = world.rows(), world.records()
    dump.restore()
    with pytest.raises(SafetyStop, match=r"rows that the sync wrote to people.*--uncaptured lark"):
        world.engine().full()
    assert world.records() == records
    report = world.engine().full(uncaptured="lark")
    assert (report.to_lark.total, report.conflicts, report.skipped) == (0, 0, 10)
    assert world.records() == records
    now = world.rows()
    assert {code: row for code, row in now.items() if code in before} == before
    left = world.ask("SELECT record_id FROM sync_blacklist ORDER BY record_id")
    assert [int(key) for (key,) in left] == sorted(now.keys() - before.keys()) == list(range(101, 111))
    later = world.engine().full()
    assert (later.to_lark.total, later.to_sql.total, len(world.rows())) == (0, 0, ROWS + 10)


def test_table_filled_with_triggers_off_is_pushed_when_told_so(world: World, tmp_path: Path) -> None:
    world.ready(ROWS)
    dump = Dump(world.sql, tmp_path, "people")
    for code in range(1, 6):
        world.edit(code, Name=f"lark {code}")
    world.engine().incremental()
    dump.restore()
    with pytest.raises(SafetyStop):
        world.engine().full()
    assert world.engine().full(uncaptured="sql").to_lark.updated == 5
    world.assert_in_step()


def test_ledger_restored_alone_heals_without_doubles_or_conflicts(world: World, tmp_path: Path) -> None:
    """O52: the ledger is older than both tables."""
    world.ready(ROWS)
    dump = Dump(world.sql, tmp_path)
    live_on(world)
    rows, records = world.rows(), world.records()
    (tmp_path / "now").mkdir()
    table = Dump(world.sql, tmp_path / "now", "people")
    dump.restore()
    table.restore()
    report = world.engine().full()
    assert (report.to_lark.total, report.to_sql.total, report.conflicts) == (0, 0, 0)
    assert (world.rows(), world.records()) == (rows, records)


@ON_SQLITE
def test_rows_that_are_kept_get_their_records_again_once(world: World, tmp_path: Path) -> None:
    engine = world.ready(12)
    dump = Dump(world.sql, tmp_path)
    world.update(1, name="sql")
    world.delete(2)
    engine.incremental()
    dump.restore()
    with pytest.raises(SafetyStop, match="rows are kept in SQL: 1 "):
        engine.incremental()
    given = verdict(world, "held_rows", "keep")
    assert carry_out(world.engine(), given, full=True) == {given.id: "applied"}
    world.assert_in_step()
    assert sorted(world.rows()) == list(range(1, 13))


@ON_SQLITE
def test_run_that_dies_before_it_looks_at_deletes_does_not_forget_what_it_met(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = world.ready(12)
    dump = Dump(world.sql, tmp_path)
    world.update(1, name="sql")
    world.delete(2)
    engine.incremental()
    dump.restore()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(flow, "settle_lark_deletes", die)
        with pytest.raises(KeyboardInterrupt):
            engine.incremental()
    assert world.rows()[1]["name"] == "sql"
    with pytest.raises(SafetyStop, match="older than Lark"):
        world.engine().incremental()
    assert 2 in world.rows()


@ON_SQLITE
def test_deletes_beside_edits_of_people_and_own_writes_are_no_restore(world: World) -> None:
    engine = world.ready(12)
    for code in range(1, 6):
        world.edit(code, Name=f"lark {code}")
        world.update(code + 5, name=f"sql {code}")
    world.remove(11)
    report = engine.incremental()
    assert (report.to_sql.deleted, report.to_sql.updated, report.to_lark.updated) == (1, 5, 5)
    world.edit(6, Name="after our own write")
    world.remove(12)
    assert engine.incremental().to_sql.deleted == 1
    world.assert_in_step()
    assert world.ask("SELECT COUNT(*) FROM sync_scan") == [(0,)]


@ON_SQLITE
def test_rows_that_differ_for_a_reason_that_the_ledger_knows_are_no_restore(world: World) -> None:
    world.ready(3, conflict="manual")
    for code in (1, 2, 3):
        world.edit(code, Name=f"lark {code}")
    world.engine().incremental()
    world.update(1, name="sql")
    world.edit(1, Name="other")
    world.update(2, name="refused by Lark")
    world.emu.faults.add("batch_update", code=1254060, times=None)
    world.engine().incremental()
    world.emu.faults.clear()
    assert world.ask("SELECT COUNT(*) FROM sync_conflict WHERE status = 'open'") == [(1,)]
    world.engine().full()
