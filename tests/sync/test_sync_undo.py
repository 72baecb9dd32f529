"""Taking a run's writes back: exact where nobody has touched the row since, named where somebody has."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import ConfigError, OutcomeUnknown
from airflow_provider_lark.core.sync.explain.explanation import explain
from airflow_provider_lark.core.sync.report import UndoReport
from airflow_provider_lark.core.sync.undo.carry_out import carry_out
from airflow_provider_lark.core.sync.undo.links import links_to, plan_links, set_links
from airflow_provider_lark.core.sync.undo.plan import UndoPlan, plan_undo
from tests.sync.test_sync_links import Shop
from tests.sync.world import World, wrote

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def last_run(world: World) -> str:
    (row,) = world.ask("SELECT run_id FROM sync_run ORDER BY id DESC LIMIT 1")
    return str(row.run_id)


def plan(world: World, run_id: str, **options: Any) -> UndoPlan:
    found = plan_undo(world.engine(), run_id, **options)
    assert found is not None
    return found


def undo(world: World, run_id: str, **options: Any) -> tuple[UndoPlan, UndoReport]:
    found = plan(world, run_id, **options)
    return found, carry_out(world.engine(), found, **options)


def run(world: World) -> str:
    world.engine().incremental(allow_mass_deletes=True)
    return last_run(world)


def names(world: World) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the names in SQL and in Lark, by key."""
    lark = {int(code): record.get("Name") for code, record in world.by_code().items() if code is not None}
    return {code: row["name"] for code, row in world.rows().items()}, lark


def assert_quiet(world: World) -> None:
    """The next runs write nothing, and a check finds nothing."""
    assert wrote(world.engine().incremental()) == (0, 0)
    assert wrote(world.engine().full()) == (0, 0)
    assert world.engine().check().in_step


def left(plan: UndoPlan) -> dict[str, tuple[str, str]]:
    return {each.key: (each.column, each.why) for each in plan.left}


def test_undo_field_by_field_keeps_what_was_changed_since(world: World) -> None:
    """O11."""
    world.ready(40)
    world.execute("UPDATE people SET name = 'run', qty = 77")
    undone = run(world)
    for code in range(1, 6):
        world.edit(code, Name="person")
    for code in range(6, 11):
        world.edit(code, Qty=99)
    world.delete(11, 12)
    run(world)
    found = plan(world, undone)
    assert {key: why for key, why in left(found).items() if why[0] == "name"} == {
        str(code): ("name", "changed since") for code in range(1, 6)
    }
    assert {key for key, why in left(found).items() if why == ("qty", "changed since")} == set(map(str, range(6, 11)))
    assert {key for key, (column, _) in left(found).items() if not column} == {"11", "12"}
    before = names(world)
    assert before == names(world), "a plan writes nothing"
    report = carry_out(world.engine(), found)
    assert (report.to_lark.updated, report.to_sql.total, report.not_done) == (38, 0, 12)
    records = world.by_code()
    assert {code: (records[code]["Name"], records[code]["Qty"]) for code in (1, 6, 13)} == {
        1: ("person", 1),
        6: ("n6", 99),
        13: ("n13", 13),
    }
    assert all(records[code]["Name"] == f"n{code}" for code in range(6, 41) if code in records)
    assert_quiet(world)
    (line,) = world.ask("SELECT operation, lark_updated FROM sync_run WHERE operation = 'undo'")
    assert tuple(line) == ("undo", 38)


def test_undo_of_a_pull_gives_the_rows_back_and_both_sides_go_on(world: World) -> None:
    world.ready(3)
    world.edit(1, Name="x1", Qty=5)
    world.edit(2, Name="x2")
    undone = run(world)
    found, report = undo(world, undone)
    assert not found.left
    assert (report.to_sql.updated, report.to_lark.total, report.status) == (2, 0, "ok")
    assert names(world) == ({1: "n1", 2: "n2", 3: "n3"}, {1: "x1", 2: "x2", 3: "n3"})
    assert_quiet(world)
    world.edit(1, Name="y1")
    world.update(2, name="y2")
    assert wrote(world.engine().incremental()) == (1, 1)
    assert names(world) == ({1: "y1", 2: "y2", 3: "n3"},) * 2
    assert world.rows()[1]["qty"] == 1, "a field that was taken back stays so until it is edited"


def test_undo_of_an_undo_does_it_again_and_an_undo_twice_is_refused_by_name(world: World) -> None:
    world.ready(2)
    world.update(1, name="new")
    undone = run(world)
    undo(world, undone)
    first = last_run(world)
    found, report = undo(world, undone)
    assert left(found) == {"1": ("name", f"run {first} wrote it again")}
    assert not found.steps
    assert report.to_lark.total == 0
    undo(world, first)
    assert names(world)[1][1] == "new"
    assert_quiet(world)


@ON_SQLITE
def test_undo_of_a_run_that_a_later_one_built_on_names_that_run(world: World) -> None:
    world.ready(2)
    world.update(1, name="one", qty=4)
    first = run(world)
    world.update(1, name="two")
    second = run(world)
    found, _ = undo(world, first)
    assert left(found) == {"1": ("name", f"run {second} wrote it again")}
    assert (world.by_code()[1]["Name"], world.by_code()[1]["Qty"]) == ("two", 1)
    assert_quiet(world)


def test_undo_of_rows_and_records_that_the_run_made_removes_them_once(world: World) -> None:
    world.ready(10, record_id_column="lark_id")
    world.insert({"code": 50, "name": "by a program"})
    world.add(Code=60, Name="by a person")
    world.add(Name="without a key")
    undone = run(world)
    (made,) = [code for code, row in world.rows().items() if row["name"] == "without a key"]
    assert world.rows()[50]["lark_id"]
    found, report = undo(world, undone)
    assert not found.left
    assert (report.to_sql.deleted, report.to_lark.deleted, report.to_lark.updated, report.status) == (2, 1, 1, "ok")
    (kept,) = [record for record in world.records() if record.get("Name") == "without a key"]
    assert kept.get("Code") is None, "the key that the database made goes with its row"
    sql, lark = names(world)
    assert {50: "by a program"}.items() <= sql.items()
    assert 60 not in sql
    assert made not in sql
    assert 50 not in lark
    assert lark[60] == "by a person"
    assert world.rows()[50]["lark_id"] is None
    assert_quiet(world)


def test_undo_of_deletes_brings_both_sides_back_as_one_pair(world: World) -> None:
    """O12, without links."""
    world.ready(10, record_id_column="lark_id")
    world.delete(1)
    world.remove(2)
    undone = run(world)
    found, report = undo(world, undone)
    assert not found.left
    assert all("a new record id" in step.note for step in found.steps)
    assert (report.to_sql.created, report.to_lark.created) == (2, 2)
    world.assert_in_step()
    assert len(world.records()) == 10
    for code in (1, 2):
        assert world.rows()[code]["lark_id"] == world.record_id(code)
        assert world.rows()[code]["name"] == f"n{code}"
    assert_quiet(world)
    world.update(1, name="goes on")
    run(world)
    assert names(world)[1][1] == "goes on"


@ON_SQLITE
def test_undo_of_soft_deletes_takes_the_mark_off(world: World) -> None:
    world.ready(10, deletes="soft:gone")
    world.update(1, gone=True)
    world.remove(2)
    undone = run(world)
    found, _ = undo(world, undone)
    assert not found.left
    assert not world.rows()[1]["gone"]
    assert not world.rows()[2]["gone"]
    world.assert_in_step()
    assert_quiet(world)


@ON_SQLITE
def test_undo_of_a_delete_of_what_is_back_is_refused_by_name(world: World) -> None:
    world.ready(10)
    world.delete(1, 2)
    undone = run(world)
    world.insert({"code": 1, "name": "again"})
    assert left(plan(world, undone))["1"] == ("", "its row was inserted again since; the next run makes its record")
    again = run(world)
    assert left(plan(world, undone))["1"] == ("", f"run {again} wrote to it since")
    undo(world, undone)
    assert len(world.records()) == 10
    assert_quiet(world)


@ON_SQLITE
def test_undo_of_more_creates_than_may_be_deleted_is_left_to_a_person(world: World) -> None:
    world.ready(4, max_delete_rows=2, max_delete_ratio=0.1)
    world.insert(*({"code": n, "name": "many"} for n in range(10, 16)))
    undone = run(world)
    found, report = undo(world, undone)
    assert not found.steps
    assert len(found.left) == report.not_done == 6
    assert "max_delete_rows" in found.left[0].why
    assert len(world.records()) == 10
    found, report = undo(world, undone, allow_mass_deletes=True)
    assert report.to_lark.deleted == 6
    assert_quiet(world)


def test_change_between_plan_and_undo_is_left(world: World) -> None:
    world.ready(4)
    world.update(1, name="a1")
    world.update(2, name="a2")
    world.edit(3, Name="b3")
    world.edit(4, Name="b4")
    undone = run(world)
    found = plan(world, undone)
    assert len(found.steps) == 4
    world.edit(1, Name="person")
    world.update(3, name="program")
    report = carry_out(world.engine(), found)
    assert report.not_done == 2
    assert sorted(report.left) == ["1: changed since the plan was made", "3: changed since the plan was made"]
    sql, lark = names(world)
    assert (lark[1], lark[2], sql[3], sql[4]) == ("person", "n2", "program", "n4")


@ON_SQLITE
def test_edit_that_no_run_has_met_survives_the_undo(world: World) -> None:
    """What SQL holds now is not taken for agreed: the next run carries it over."""
    world.ready(2)
    world.update(1, name="run")
    undone = run(world)
    world.update(1, name="pending")
    undo(world, undone)
    assert names(world)[1][1] == "n1"
    assert wrote(world.engine().incremental()) == (0, 1)
    assert names(world)[1][1] == "pending"


@ON_SQLITE
def test_undo_where_the_database_refuses_a_value_leaves_the_row_with_the_reason(world: World) -> None:
    world.ready(3)
    world.edit(1, Name="x1")
    undone = run(world)
    world.execute("CREATE UNIQUE INDEX ux ON people (name)")
    world.update(2, name="n1")
    found, report = undo(world, undone)
    assert len(found.steps) == 1
    assert report.status == "partial"
    assert report.not_done == 1
    assert names(world)[0][1] == "x1"


@ON_SQLITE
def test_undo_that_is_killed_before_lark_answers_is_finished_by_what_the_next_run_finds(world: World) -> None:
    world.ready(2)
    world.update(1, name="run")
    undone = run(world)
    found = plan(world, undone)
    world.emu.faults.add("batch_update", action="drop_after", times=None)
    # one that repeats would wait for as long as calls are repeated
    hasty = LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, max_attempts=1)
    with hasty as client, pytest.raises(OutcomeUnknown):
        carry_out(SyncEngine(client, world.sql, world.mapping()), found)
    world.emu.faults.clear()
    world.engine().incremental()
    assert names(world) == ({1: "run", 2: "n2"}, {1: "n1", 2: "n2"})
    assert_quiet(world)


@ON_SQLITE
def test_undo_of_a_pruned_run_says_that_its_bases_are_gone(world: World) -> None:
    """O13."""
    world.ready(2, retention_days=1)
    world.update(1, name="new")
    undone = run(world)
    old = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 days')"
    world.execute(f"UPDATE sync_change SET created_at = {old}")
    world.execute(f"UPDATE sync_run SET started_at = {old}")
    world.engine().full()
    with pytest.raises(ConfigError, match="this run's bases are gone"):
        plan(world, undone)
    assert plan_undo(world.engine(), "nobody") is None


@ON_SQLITE
def test_undo_of_a_run_without_history_says_why(world: World) -> None:
    world.ready(1, history="none")
    world.update(1, name="new")
    undone = run(world)
    assert world.ask("SELECT * FROM sync_change") == []
    with pytest.raises(ConfigError, match="history: none"):
        plan(world, undone)


@ON_SQLITE
@pytest.mark.parametrize("kind", [pytest.param(18, id="one-way link"), pytest.param(21, id="two-way link")])
def test_links_to_a_record_that_comes_back_are_set_again(world: World, kind: int) -> None:
    """O12."""
    shop = Shop(world, kind)
    world.execute("INSERT INTO orders VALUES (1, 1), (2, 1), (3, 1), (4, 2)")
    shop.orders.full()
    world.delete(1)
    undone = run(world)
    assert shop.links() == {1: [], 2: [], 3: [], 4: [2]}
    found = plan(world, undone)
    assert found.new_records == ["1"]
    assert links_to(shop.orders.mapping, "people")
    assert not links_to(world.mapping(), "people")
    links = plan_links(shop.engine(), "people", found.new_records, undone)
    assert [(step.key, step.changes[0].new) for step in links.steps] == [("1", 1), ("2", 1), ("3", 1)]
    carry_out(world.engine(), found)
    shop.edit(3, [world.record_id(2)])
    report = set_links(shop.engine(), links, "people", found.new_records)
    assert (report.to_lark.updated, report.left) == (2, ["3: changed since the plan was made"])
    assert shop.links() == {1: [1], 2: [1], 3: [2], 4: [2]}
    assert wrote(shop.engine().incremental()) == (1, 0), "what a person linked meanwhile"
    assert wrote(shop.engine().full()) == (0, 0)
    assert_quiet(world)


@ON_SQLITE
def test_undo_in_a_mapping_that_flows_one_way_stays_until_the_other_side_is_edited(world: World) -> None:
    world.ready(2)
    world.changes = {"direction": "to_sql"}
    world.edit(1, Name="x1")
    undone = run(world)
    found, _ = undo(world, undone)
    assert not found.left
    assert names(world) == ({1: "n1", 2: "n2"}, {1: "x1", 2: "n2"})
    assert_quiet(world)
    world.edit(1, Name="y1")
    run(world)
    assert names(world)[0][1] == "y1"


@ON_SQLITE
def test_explain_tells_an_undo_for_what_it_is(world: World) -> None:
    world.ready(1)
    world.edit(1, Name="x1")
    undo(world, run(world))
    found = explain(world.client, world.sql, world.mapping(), "1")
    assert found is not None
    assert (found.state.word, found.events[-1].why) == ("kept apart", "an undo took a run's write back")


@ON_SQLITE
def test_undo_without_triggers_is_no_change_of_a_program(world: World) -> None:
    world.ready(10, capture="scan")
    world.edit(1, Name="x1")
    world.update(2, name="y2")
    world.insert({"code": 50, "name": "new"})
    world.add(Code=60, Name="by a person")
    world.remove(3)
    undone = run(world)
    found, report = undo(world, undone)
    assert not found.left
    assert report.status == "ok"
    sql, lark = names(world)
    assert (sql[1], lark[1], sql[2], lark[2], sql[3], lark[3]) == ("n1", "x1", "y2", "n2", "n3", "n3")
    assert 60 not in sql
    assert 50 not in lark
    assert_quiet(world)
