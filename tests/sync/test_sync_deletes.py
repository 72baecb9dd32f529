"""Absence is not deletion: only what is known to be deleted is deleted on the other side; many, only when allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import LarkError, SafetyStop
from airflow_provider_lark.core.sync.metrics import backlog
from tests.sync.own_table import OwnTable
from tests.sync.test_sync_regressions import due
from tests.sync.world import World, wrote

ROWS = 60

Run = Callable[[SyncEngine], Any]
RUNS: list[Run] = [lambda engine: engine.incremental(), lambda engine: engine.full()]


def stopped(run: Callable[[], Any]) -> str:
    with pytest.raises(SafetyStop) as caught:
        run()
    return str(caught.value)


def statuses(world: World) -> dict[tuple[str, str], int]:
    found = world.ask("SELECT operation, status, COUNT(*) FROM sync_queue GROUP BY operation, status")
    return {(operation, status): count for operation, status, count in found if status != "completed"}


# in SQL


def test_rows_that_a_program_deletes_in_mass_keep_their_records_until_a_person_allows_it(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.execute("DELETE FROM people WHERE code <= 30")
    world.update(40, name="still synced")
    world.edit(41, Name="also synced")
    said = stopped(engine.incremental)
    assert "rows deleted in SQL whose records are kept in Lark: 30 (this run deleted 0 records)" in said
    assert "at most 20 of 60" in said
    assert len(world.records()) == ROWS
    assert (world.by_code()[40]["Name"], world.rows()[41]["name"]) == ("still synced", "also synced")
    assert statuses(world) == {("DELETE", "held"): 30}
    waiting = backlog(world.sql, "people")
    assert (waiting.pending, waiting.held) == (0, 30)
    # it stays so, at no further cost, and is said again
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.full)
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.incremental)
    assert len(world.records()) == ROWS
    assert engine.incremental(allow_mass_deletes=True).to_lark.deleted == 30
    world.assert_in_step()
    assert statuses(world) == {}
    assert wrote(engine.incremental()) == (0, 0)


def test_emptied_table_keeps_all_its_records_and_a_full_sync_may_be_told_to_delete_them(world: World) -> None:
    engine = world.ready(rows=5)
    world.execute("DELETE FROM people")
    assert "rows deleted in SQL whose records are kept in Lark: 5" in stopped(engine.incremental)
    assert len(world.records()) == 5
    assert engine.full(allow_mass_deletes=True).to_lark.deleted == 5
    assert world.records() == []


def test_rows_that_come_back_keep_their_records_and_their_comments(world: World) -> None:
    engine = world.ready(rows=ROWS)
    ids = {code: world.record_id(code) for code in (1, 2)}
    world.execute("DELETE FROM people")
    stopped(engine.incremental)
    # a reload puts most of them back, one of them changed
    world.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(1, 51)))
    world.update(2, name="changed")
    assert "rows deleted in SQL whose records are kept in Lark: 10" in stopped(engine.incremental)
    assert {code: world.record_id(code) for code in (1, 2)} == ids
    assert world.by_code()[2]["Name"] == "changed"
    # few enough by now, but nobody has said that these were meant
    assert len(world.records()) == ROWS
    world.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(51, ROWS + 1)))
    assert engine.incremental().status == "ok"
    world.assert_in_step()


def test_reload_between_two_runs_is_no_mass_delete(world: World) -> None:
    engine = world.ready(rows=ROWS)
    ids = {record["id"] for record in world.records()}
    world.execute("DELETE FROM people")
    world.insert(*({"code": n, "name": f"new{n}", "qty": n} for n in range(1, ROWS + 1)))
    assert engine.incremental().to_lark.deleted == 0
    assert {record["id"] for record in world.records()} == ids
    world.assert_in_step()


def test_few_deletes_go_on_while_many_are_held(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.execute("DELETE FROM people WHERE code <= 30")
    stopped(engine.incremental)
    world.delete(40)
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.incremental)
    assert 40 not in world.by_code()
    assert 30 in world.by_code()


def test_deletes_within_the_limit_of_each_run_are_carried_out(world: World) -> None:
    engine = world.ready(rows=ROWS)
    for start in (1, 21):
        world.execute(f"DELETE FROM people WHERE code BETWEEN {start} AND {start + 14}")
        assert engine.incremental().to_lark.deleted == 15
    world.assert_in_step()


@pytest.mark.parametrize("options", [{"max_delete_ratio": 1}, {"max_delete_rows": 59}])
def test_mapping_lifts_or_widens_the_guard_for_good(world: World, options: dict[str, Any]) -> None:
    engine = world.ready(rows=ROWS, **options)
    world.execute("DELETE FROM people WHERE code <= 59")
    assert engine.incremental().to_lark.deleted == 59
    world.execute("DELETE FROM people")
    if "max_delete_ratio" in options:
        engine.incremental()
        assert world.records() == []
    else:
        assert "rows deleted in SQL whose records are kept in Lark: 1" in stopped(engine.incremental)


def test_held_row_whose_record_a_person_edits_comes_back(world: World) -> None:
    engine = world.ready(rows=ROWS, conflict="merge:lark")
    world.execute("DELETE FROM people WHERE code <= 30")
    stopped(engine.incremental)
    world.edit(1, Name="still wanted")
    stopped(engine.incremental)
    assert world.rows()[1]["name"] == "still wanted"
    assert "rows deleted in SQL whose records are kept in Lark: 29" in stopped(engine.incremental)
    engine.incremental(allow_mass_deletes=True)
    world.assert_in_step()
    assert 1 in world.rows()


def test_held_row_whose_record_a_person_deletes_is_settled(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.execute("DELETE FROM people WHERE code <= 30")
    stopped(engine.incremental)
    world.remove(1)
    assert "rows deleted in SQL whose records are kept in Lark: 29" in stopped(engine.incremental)
    assert statuses(world) == {("DELETE", "held"): 29}


def test_rows_marked_as_deleted_in_mass_keep_their_records(world: World) -> None:
    engine = world.ready(rows=ROWS, deletes="soft:gone")
    world.execute(world.table.update().where(world.table.c.code <= 30).values(gone=True))
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.incremental)
    assert len(world.records()) == ROWS
    world.execute(world.table.update().where(world.table.c.code <= 10).values(gone=False))
    assert "rows deleted in SQL whose records are kept in Lark: 20" in stopped(engine.incremental)
    engine.incremental(allow_mass_deletes=True)
    world.assert_in_step()
    assert len(world.records()) == 40


def test_one_way_mapping_to_lark_has_the_same_guard(world: World) -> None:
    engine = world.ready(rows=ROWS, direction="to_lark")
    world.execute("DELETE FROM people WHERE code <= 30")
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.incremental)
    assert len(world.records()) == ROWS
    assert "rows deleted in SQL whose records are kept in Lark: 30" in stopped(engine.full)
    assert len(world.records()) == ROWS
    engine.full(allow_mass_deletes=True)
    assert len(world.records()) == 30


def test_ignored_deletes_are_never_held(world: World) -> None:
    engine = world.ready(rows=ROWS, deletes="ignore")
    world.execute("DELETE FROM people WHERE code <= 30")
    world.remove(*range(41, 61))
    for run in RUNS:
        assert wrote(run(engine)) == (0, 0)
    assert (len(world.records()), len(world.rows())) == (40, 30)


@pytest.mark.parametrize("how", ["truncate", "drop"])
def test_table_emptied_behind_the_triggers_deletes_nothing_without_a_word(world: World, how: str) -> None:
    engine = world.ready(rows=ROWS)
    if how == "drop":
        world.table.drop(world.sql)
        world.table.create(world.sql)
        engine = world.engine()
    else:
        world.execute("DELETE FROM people" if world.sql.dialect.name == "sqlite" else "TRUNCATE TABLE people")
    if world.sql.dialect.name != "sqlite" or how == "drop":
        # no trigger has told of it
        assert engine.incremental().to_lark.deleted == 0
    assert "rows deleted in SQL whose records are kept in Lark: 60" in stopped(engine.full)
    assert len(world.records()) == ROWS
    # filled again, as it was: nothing is left to delete, whether or not a trigger tells
    world.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(1, ROWS + 1)))
    world.execute("DELETE FROM sync_queue WHERE status = 'pending'")
    assert engine.full().status == "ok"
    world.assert_in_step()
    assert statuses(world) == {}


def test_update_whose_row_is_not_to_be_seen_is_set_aside(world: World) -> None:
    engine = world.ready()
    world.execute("DELETE FROM people WHERE code = 1")
    # as where a policy, a view or a filter hides it: the change was noted, the delete was not
    world.execute("UPDATE sync_queue SET operation = 'UPDATE' WHERE status = 'pending'")
    report = engine.incremental()
    assert (report.status, report.failed, report.to_lark.deleted) == ("partial", 1, 0)
    assert "row '1' was not found, but no delete was captured for it" in report.problems[0]
    assert 1 in world.by_code()
    world.insert({"code": 1, "name": "back", "qty": 1})
    engine.incremental()
    world.assert_in_step()
    assert statuses(world) == {}


# in Lark


def test_records_deleted_in_mass_keep_their_rows_and_are_said_to(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.remove(*range(1, 31))
    world.delete(60)
    said = stopped(engine.incremental)
    assert "records deleted in Lark whose rows are kept in SQL: 30 (this run deleted 0 rows)" in said
    assert statuses(world) == {("PULL", "held"): 30}
    assert 60 not in world.by_code()
    calls = world.client.calls.snapshot()
    assert "records deleted in Lark whose rows are kept in SQL: 30" in stopped(engine.incremental)
    # known by now: neither scanned for nor asked for again
    assert world.client.calls.since(calls) == {"fields": 1, "search": 1}
    assert engine.incremental(allow_mass_deletes=True).to_sql.deleted == 30
    world.assert_in_step()
    assert statuses(world) == {}


def test_records_that_are_restored_are_paired_as_before(world: World) -> None:
    engine = world.ready(rows=ROWS)
    table = world.emu.state.bases[world.app_token].tables[world.table_id]
    kept = {world.record_id(code): table.records[world.record_id(code)] for code in range(1, 31)}
    world.remove(*range(1, 31))
    stopped(engine.incremental)
    for id_, record in kept.items():
        table.records[id_] = record
    table.revision += 1
    assert engine.incremental().status == "ok"
    assert statuses(world) == {}
    world.assert_in_step()
    assert wrote(engine.full()) == (0, 0)


def test_held_row_that_a_program_edits_gets_a_new_record(world: World) -> None:
    engine = world.ready(rows=ROWS, conflict="merge:sql")
    world.remove(*range(1, 31))
    stopped(engine.incremental)
    world.update(1, name="edited")
    stopped(engine.incremental)
    assert world.by_code()[1]["Name"] == "edited"
    assert "records deleted in Lark whose rows are kept in SQL: 29" in stopped(engine.incremental)


def test_mass_delete_met_by_pushes_is_held_too(world: World) -> None:
    # the clock of a lagging replica hides the deletes from the count, and updates run into them
    engine = world.ready(rows=ROWS, conflict="lark", direction="both")
    world.remove(*range(1, 31))
    world.execute("UPDATE people SET name = 'edited' WHERE code <= 30")
    assert "deleted in Lark" in stopped(engine.incremental)
    assert len(world.rows()) == ROWS


def test_hidden_records_are_neither_deleted_nor_counted(world: World) -> None:
    engine = world.ready(rows=ROWS)
    hidden = [world.record_id(code) for code in range(1, 31)]
    world.emu.state.hide_records(world.app_token, world.table_id, hidden)
    report = engine.incremental()
    assert (report.status, wrote(report)) == ("ok", (0, 0))
    assert "hidden from the app by advanced permissions: 30" in report.warnings[0]
    # that is known by now
    assert "search" in engine.incremental().api_calls
    assert engine.incremental().api_calls["total"] == 2
    assert wrote(engine.full()) == (0, 0)
    assert len(world.rows()) == ROWS


@pytest.mark.parametrize("policy", ["lark", "sql"])
def test_edits_of_records_that_were_hidden_meanwhile_arrive_when_they_are_back(world: World, policy: str) -> None:
    engine = world.ready(rows=10, conflict=policy, direction="both")
    for code in (2, 3):
        world.edit(code, Name=f"edited {code}")
    world.emu.state.hide_records(world.app_token, world.table_id, [world.record_id(code) for code in (2, 3)])
    # the watermark passes both edits while nobody sees them
    world.edit(5, Name="later")
    world.insert({"code": 100, "name": "new"})
    assert engine.incremental().status == "ok"
    assert engine.incremental().status == "ok"
    world.emu.state.show_records(world.app_token, world.table_id)
    world.update(3, name="sql 3")
    report = engine.incremental()
    assert (report.to_sql.updated, report.conflicts) == ((2, 1) if policy == "lark" else (1, 1))
    assert {code: row["name"] for code, row in world.rows().items() if code in (2, 3, 5)} == {
        2: "edited 2",
        3: "edited 3" if policy == "lark" else "sql 3",
        5: "later",
    }
    engine.incremental()
    world.assert_in_step()
    # they are known again: what is back costs nothing
    assert "batch_get" not in engine.incremental().api_calls
    assert not world.ask("SELECT lark_record_id FROM sync_record_map WHERE out_of_sight")


def test_hidden_records_that_lark_calls_absent_meet_the_limit(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.emu.switches.names_hidden_records = False
    world.emu.state.hide_records(world.app_token, world.table_id, [world.record_id(code) for code in range(1, 31)])
    assert "records deleted in Lark whose rows are kept in SQL: 30" in stopped(engine.incremental)
    assert len(world.rows()) == ROWS
    world.emu.state.show_records(world.app_token, world.table_id)
    assert engine.incremental().status == "ok"
    assert statuses(world) == {}
    world.assert_in_step()


@pytest.mark.parametrize("code", [1254302, 1254043])
def test_deleting_tells_gone_hidden_and_deleted_apart(world: World, code: int) -> None:
    engine = world.ready(rows=10)
    world.emu.switches.hidden_record_code = code
    hidden = [world.record_id(row) for row in (2, 3)]
    world.emu.state.hide_records(world.app_token, world.table_id, hidden)
    world.remove(1)
    world.delete(1, 2, 3, 4)
    report = engine.incremental()
    assert (report.failed, report.to_lark.deleted) == (2, 1)
    assert all("Lark hides its record from the app" in problem for problem in report.problems)
    world.emu.state.show_records(world.app_token, world.table_id)
    due(world)
    engine.incremental()
    engine.incremental()
    # the row that a program deleted stays deleted, and its record goes
    assert sorted(world.rows()) == list(range(5, 11))
    world.assert_in_step()


@pytest.mark.parametrize("code", [1254302, 1254043])
def test_edits_of_hidden_records_are_set_aside_and_the_others_land(world: World, code: int) -> None:
    engine = world.ready(rows=10)
    world.emu.switches.hidden_record_code = code
    world.emu.state.hide_records(world.app_token, world.table_id, [world.record_id(row) for row in (2, 3)])
    world.execute("UPDATE people SET name = 'edited' WHERE code <= 5")
    report = engine.incremental()
    assert (report.failed, report.to_lark.updated, len(world.rows())) == (2, 3, 10)
    world.emu.state.show_records(world.app_token, world.table_id)
    due(world)
    engine.incremental()
    engine.incremental()
    world.assert_in_step()


# met for the first time


def refused(problems: list[str], count: int) -> bool:
    return len(problems) == min(count, 20)


@pytest.mark.parametrize("how", ["incremental", "full"])
def test_records_refused_at_first_sight_are_no_missing_rows(world: World, how: str) -> None:
    world.ready(rows=0)
    for n in range(1, 101):
        world.add(Code=n, Name="x" * 21 if n <= 30 else f"n{n}")
    engine = world.engine()
    report = getattr(engine, how)()
    assert (report.status, report.failed, report.to_sql.created) == ("partial", 30, 70)
    assert refused(report.problems, 30)
    for run in (engine.full, engine.incremental, engine.full):
        again = run()
        assert again.status in ("ok", "partial")
        assert wrote(again) == (0, 0)
    assert statuses(world) == {("PULL", "failed"): 30}
    assert len(world.records()) == 100


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_records_refused_for_a_key_that_only_the_database_makes(world: World) -> None:
    ddl = "CREATE TABLE plain (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT)"
    table = OwnTable(world, "plain", {"id": 2, "name": 1}, ddl)
    engine = table.engine()
    for n in range(100, 130):
        table.add({"id": n, "name": "typed"})
    table.add({"name": "made"})
    report = engine.full()
    assert (report.status, report.failed, report.to_sql.created) == ("partial", 30, 1)
    again = engine.full()
    assert (again.status, wrote(again)) == ("partial", (0, 0))
    assert len(table.by_key()) == 1
    assert not [entry for entry in statuses(world) if entry[0] == "DELETE"]


def test_error_that_ends_a_run_carries_the_problems_found_so_far(world: World) -> None:
    engine = world.ready(rows=ROWS)
    world.edit(50, Name="x" * 21)
    world.execute("DELETE FROM people WHERE code <= 30")
    with pytest.raises(SafetyStop) as caught:
        engine.incremental()
    assert "could not be synced" in str(caught.value)
    (problem,) = caught.value.problems
    assert "'50'" in problem
    world.edit(51, Name="x" * 21)
    world.update(52, name="sent")
    world.emu.faults.add("batch_update", code=99991672, status=400, times=None)
    with pytest.raises(LarkError) as other:
        engine.incremental()
    assert "'51'" in other.value.problems[0]
