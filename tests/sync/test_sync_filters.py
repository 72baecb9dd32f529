"""Filters on both sides: what belongs, what leaves, what rests, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine, TableMapping
from airflow_provider_lark.core.errors import ConfigError, SafetyStop, SchemaMismatch
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.sync.binding.whole_base import look_around
from airflow_provider_lark.core.sync.mapping.whole_base import expand
from tests.sync.world import World, wrote

OPEN = {"done": False}
UNDONE = {"Done": False}


def by_sql(world: World, **changes: Any) -> dict[str, Any]:
    return {"sql": {"table": world.table.name, "filter": OPEN}, **changes}


def by_lark(world: World, filter: Any = UNDONE, **changes: Any) -> dict[str, Any]:
    return {"lark": {"app_token": world.app_token, "table_id": world.table_id, "filter": filter}, **changes}


def filled(world: World, rows: int = 4, **changes: Any) -> SyncEngine:
    """Bring both sides in step: the row with the highest code is done."""
    world.changes = changes
    world.insert(*({"code": n, "name": f"n{n}", "qty": n, "done": n == rows} for n in range(1, rows + 1)))
    engine = world.engine()
    engine.full()
    return engine


def resting(world: World) -> set[str]:
    return {key for (key,) in world.ask("SELECT record_id FROM sync_record_map WHERE outside")}


def test_sql_filter_lets_in_only_the_rows_that_meet_it(world: World) -> None:
    engine = filled(world, **by_sql(world))
    assert world.by_code().keys() == {1, 2, 3}
    assert engine.check().in_step
    assert engine.check().rows_sql == 3
    # a row that comes to match gets its record, and later changes follow
    world.update(4, done=False)
    assert wrote(engine.incremental()) == (0, 1)
    world.update(4, name="later")
    engine.incremental()
    world.assert_in_step()
    assert wrote(engine.full()) == (0, 0)


def test_delete_of_a_row_outside_the_filter_costs_no_call_and_no_failure(world: World) -> None:
    """O34: of a deleted row only the key is known."""
    engine = filled(world, **by_sql(world))
    world.delete(4)
    world.delete(1)
    world.update(2, done=True)
    world.delete(2)
    report = engine.incremental()
    # the open row's record goes, the closed one never had one, and the third follows the policy for deletes once
    assert (wrote(report), report.failed) == ((0, 2), 0)
    assert report.api_calls["delete"] == 1
    assert world.by_code().keys() == {3}
    assert world.ask("SELECT record_id FROM sync_queue WHERE status <> 'completed'") == []
    assert wrote(engine.incremental()) == (0, 0)


def test_row_that_leaves_is_kept_with_its_last_change_and_comes_back_to_its_record(world: World) -> None:
    """O35: a row whose value left the filter stayed on the other side as it was."""
    engine = filled(world, **by_sql(world))
    id_ = world.record_id(1)
    world.update(1, done=True, name="closed")
    assert wrote(engine.incremental()) == (0, 1)
    assert (world.by_code()[1]["Name"], world.by_code()[1]["Done"]) == ("closed", True)
    assert resting(world) == {"1"}
    # while it rests neither side is written to
    world.update(1, qty=77)
    world.edit(1, Name="by hand")
    assert wrote(engine.incremental()) == (0, 0)
    assert wrote(engine.full()) == (0, 0)
    assert engine.check().in_step
    # what both sides did meanwhile meets once it is back
    world.changes["conflict"] = "merge"
    world.update(1, done=False)
    world.engine().incremental()
    world.assert_in_step(without={4})
    record = world.by_code()[1]
    assert (record["id"], record["Name"], record["Qty"], record.get("Done", False)) == (id_, "by hand", 77, False)
    assert (resting(world), len(world.records())) == (set(), 3)
    assert wrote(engine.incremental()) == (0, 0)


def test_rows_that_leave_at_once_are_held_as_deletes_are(world: World) -> None:
    """O35: all 300 open rows are closed by one UPDATE."""
    engine = filled(world, 301, **by_sql(world, leaving="delete"))
    world.execute(world.table.update().values(done=True))
    with pytest.raises(SafetyStop, match="put outside the filter whose records are kept in Lark: 300"):
        engine.incremental()
    assert len(world.records()) == 300
    plan = engine.plan()
    assert {action.why.partition(";")[0] for action in plan.actions("lark", "hold")} == {"its row left the filter"}
    # one comes back before anybody decided; the others may go
    world.update(7, done=False)
    engine.incremental(allow_mass_deletes=True)
    assert world.by_code().keys() == {7}
    assert len(world.rows()) == 301
    assert wrote(engine.incremental()) == (0, 0)


def test_edit_in_lark_that_puts_the_row_outside_lets_its_record_go(world: World) -> None:
    engine = filled(world, **by_sql(world, leaving="delete"))
    world.edit(2, Done=True)
    engine.incremental()
    assert (world.rows()[2]["done"], world.by_code().keys()) == (True, {1, 3})
    # back again it is a new record of the same row
    world.update(2, done=False)
    assert wrote(engine.incremental()) == (0, 1)
    world.assert_in_step(without={4})
    assert wrote(engine.full()) == (0, 0)


def test_record_that_would_be_outside_sqls_filter_gets_no_row_until_it_would_not(world: World) -> None:
    engine = filled(world, **by_sql(world, leaving="delete"))
    world.add(Name="closed at once", Code=50, Done=True)
    assert wrote(engine.incremental()) == (0, 0)
    assert (50 in world.rows(), 50 in world.by_code()) == (False, True)
    assert engine.check().in_step
    world.edit(50, Done=False)
    assert wrote(engine.incremental()) == (1, 0)
    assert world.rows()[50]["name"] == "closed at once"
    assert wrote(engine.full()) == (0, 0)


def test_record_with_the_key_of_a_row_outside_makes_no_second_row(world: World) -> None:
    engine = filled(world, **by_sql(world))
    world.add(Name="twin", Code=4)
    report = engine.incremental()
    assert (wrote(report), report.failed, world.rows()[4]["name"]) == ((0, 0), 0, "n4")
    world.update(4, done=False, name="the row's")
    engine.incremental()
    assert len(world.records()) == 4
    world.assert_in_step()
    assert wrote(engine.full()) == (0, 0)


def test_lark_filter_keeps_other_records_out(world: World) -> None:
    world.add(Name="theirs", Code=1, Done=True)
    world.add(Name="no number at all", Done=True)
    engine = filled(world, **by_lark(world))
    # the twin of row 1 outside the filter is recognised; row 4 would be outside
    assert sorted(str(record.get("Code")) for record in world.records()) == ["1", "2", "3", "None"]
    assert (world.by_code()[1]["Name"], world.rows()[1]["name"]) == ("theirs", "n1")
    assert engine.check().in_step
    assert wrote(engine.incremental()) == (0, 0)
    # it comes in, and meets its row as any two that never agreed
    world.edit(1, Done=False)
    engine.incremental()
    assert world.rows()[1]["name"] == "theirs"
    assert wrote(engine.full()) == (0, 0)


@pytest.mark.parametrize("leaving", ["keep", "delete"])
def test_record_that_leaves_is_told_from_one_that_was_deleted(world: World, leaving: str) -> None:
    engine = filled(world, 5, **by_lark(world, leaving=leaving))
    world.edit(1, Done=True, Name="left")
    world.remove(2)
    engine.incremental()
    assert 2 not in world.rows()
    if leaving == "keep":
        assert (world.rows()[1]["name"], bool(world.rows()[1]["done"])) == ("left", True)
        assert resting(world) == {"1"}
    else:
        assert 1 not in world.rows()
    assert engine.check().in_step
    for run in (engine.incremental, engine.full):
        assert wrote(run()) == (0, 0)
    # it comes back to its old pair
    world.edit(1, Done=False, Name="back")
    engine.incremental()
    assert world.rows()[1]["name"] == "back"
    assert (resting(world), len(world.records())) == (set(), 3)
    assert wrote(engine.full()) == (0, 0)


def test_records_that_leave_at_once_are_held_until_they_are_back_or_a_person_decides(world: World) -> None:
    engine = filled(world, 61, **by_lark(world, leaving="delete"))
    for code in range(1, 61):
        world.edit(code, Done=True)
    for run in (engine.incremental, engine.full, engine.incremental):
        with pytest.raises(SafetyStop, match="put outside the filter whose rows are kept in SQL: 60"):
            run()
        assert len(world.rows()) == 61
    world.edit(5, Done=False)
    with pytest.raises(SafetyStop, match="59"):
        engine.incremental()
    engine.incremental(allow_mass_deletes=True)
    assert world.rows().keys() == {5, 61}
    assert wrote(engine.full()) == (0, 0)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["incremental", "full"])
def test_records_that_leave_on_several_pages_are_counted_together(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setitem(BitableStore.__init__.__kwdefaults__, "page_size", 20)
    engine = filled(world, 71, **by_lark(world, leaving="delete"))
    for code in range(1, 61):
        world.edit(code, Done=True)
    with pytest.raises(SafetyStop, match="put outside the filter whose rows are kept in SQL: 60"):
        getattr(engine, way)()
    assert len(world.rows()) == 71, "no page alone is deleted"
    for code in range(31, 61):
        world.edit(code, Done=False)
    with pytest.raises(SafetyStop, match="30"):
        engine.incremental()
    engine.incremental(allow_mass_deletes=True)
    assert world.rows().keys() == set(range(31, 72))
    for code in range(31, 51):
        world.edit(code, Done=True, Name="left")
        world.edit(code + 10, Name="edited")
    getattr(engine, way)()
    assert world.rows().keys() == set(range(51, 72)), "together they are within the limit"
    assert wrote(engine.full()) == (0, 0)
    assert engine.check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_check_says_what_it_leaves_out_because_the_other_side_has_left(world: World) -> None:
    world.changes = {**by_lark(world), "sql": {"table": "people", "filter": {"qty": {"isLess": 100}}}}
    world.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(1, 5)))
    engine = world.engine()
    engine.full()
    assert engine.check().waiting == {}
    # a record leaves while its row stays, and a row while its record stays
    world.edit(1, Done=True)
    world.update(2, qty=200)
    engine.incremental()
    world.update(1, done=False)
    world.edit(2, Qty=2)
    report = engine.check()
    assert (report.in_step, report.pending, report.waiting["outside"]) == (True, 2, 2)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_filters_of_a_whole_base_hold_in_each_table_and_one_that_lacks_the_field_is_refused_alone(
    world: World,
) -> None:
    number, flag = {"field_name": "code", "type": 2}, {"field_name": "done", "type": 7}
    made = {
        name: world.emu.state.create_table(world.app_token, name, fields).table_id
        for name, fields in {"todo": [number, flag], "jobs": [number, flag], "notes": [number]}.items()
    }
    for name, column in {"todo": ", done BOOLEAN", "jobs": ", done BOOLEAN", "notes": ""}.items():
        world.execute(f"CREATE TABLE {name} (code INTEGER PRIMARY KEY{column})")
    for name in ("todo", "jobs"):
        world.execute(f"INSERT INTO {name} VALUES (1, FALSE), (2, TRUE), (100, FALSE)")
        cells = [{"code": 3}, {"code": 4, "done": True}, {"code": 101}]
        world.emu.person.add_records(world.app_token, made[name], cells)
    lark = {"app_token": world.app_token, "tables": "*", "exclude": ["people"], "filter": {"done": False}}
    pattern = TableMapping.from_dict(
        {"lark": lark, "sql": {"table": "*", "filter": {"code": {"isLess": 100}}}, "leaving": "delete"}
    )
    found = expand(pattern, look_around(world.client, world.sql, pattern), ())
    engines = {
        each.name: SyncEngine(world.client, world.sql, each, clock=world.clock, lease_wait_seconds=0)
        for each in found.mappings
    }
    assert sorted(engines) == ["jobs", "notes", "todo"]
    with pytest.raises(SchemaMismatch, match=r"mapping 'notes': lark\.filter: field 'done' does not exist"):
        engines["notes"].full()
    for name in ("todo", "jobs"):
        # row 2 is no record inside Lark's filter, row 100 is none of the mapping's, and so are records 4 and 101
        assert wrote(engines[name].full()) == (1, 1)
        assert {row.code for row in world.ask(f"SELECT code FROM {name}")} == {1, 2, 3, 100}
        assert engines[name].check().in_step
        world.execute(f"UPDATE {name} SET code = 150 WHERE code = 100")
        assert wrote(engines[name].incremental()) == (0, 0)


def test_other_filter_deletes_nothing_and_says_what_it_put_out(world: World) -> None:
    filled(world, 4, **by_sql(world, leaving="delete"))
    other = {"sql": {"table": "people", "filter": {"qty": {"isGreater": 2}}}, "leaving": "delete"}
    report = world.engine(**other).incremental()
    assert wrote(report) == (0, 1)
    assert any("2 pairs no longer belong to it. Nothing was deleted" in told for told in report.warnings)
    assert (world.by_code().keys(), resting(world)) == ({1, 2, 3, 4}, {"1", "2"})
    assert wrote(world.engine(**other).full()) == (0, 0)
    # without a filter all belong again, each with its old record
    world.update(1, name="meanwhile")
    world.changes = {}
    world.engine().incremental()
    world.assert_in_step()
    assert resting(world) == set()


def test_pair_that_rests_and_loses_a_side_is_over(world: World) -> None:
    engine = filled(world, 5, **by_sql(world))
    world.update(1, done=True)
    world.update(2, done=True)
    engine.incremental()
    world.delete(1)
    world.remove(2)
    for run in (engine.incremental, engine.full, engine.incremental):
        assert wrote(run()) == (0, 0)
    assert (1 in world.by_code(), 2 in world.rows()) == (True, True)


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"sql": {"table": "people", "filter": {"statsu": "open"}}}, SchemaMismatch, "no column 'statsu'"),
        ({"filter": {"Nme": "x"}}, SchemaMismatch, "lark.filter: field 'Nme' does not exist; did you mean 'Name'"),
        ({"sql": {"table": "people", "filter": {"qty": "many"}}}, ConfigError, "sql.filter: column qty .*a number"),
        ({"sql": {"table": "people", "filter": {"qty": {"contains": 1}}}}, ConfigError, "contains is not supported"),
        ({"filter": {"Done": None}}, ConfigError, "an empty checkbox counts as false"),
    ],
)
def test_filter_that_does_not_fit_is_refused_before_anything_is_made(
    world: World, changes: dict[str, Any], error: type[Exception], told: str
) -> None:
    if "filter" in changes:
        changes = by_lark(world, **changes)
    engine = world.engine(**changes)
    for work in (engine.setup, engine.full, engine.plan):
        with pytest.raises(error, match=told):
            work()
    if "sync_checkpoint" in world.tables():
        assert world.ask("SELECT table_name FROM sync_checkpoint") == []
    assert len(world.client.bitable.list_fields(app_token=world.app_token, table_id=world.table_id)) == 4
