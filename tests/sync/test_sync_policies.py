"""Conflicts, deletes and directions, as the mapping says."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import SafetyStop
from tests.sync.world import World, wrote


def clash(world: World) -> None:
    """Edit row 1 on both sides: the same field differently, and one more field on each."""
    world.update(1, name="sql", qty=11)
    world.edit(1, Name="lark", Done=True)


@pytest.mark.parametrize(
    ("policy", "name", "qty", "done"),
    [
        pytest.param("lark", "lark", 1, True, id="lark takes the row"),
        pytest.param("sql", "sql", 11, False, id="sql takes the row"),
        pytest.param("merge:lark", "lark", 11, True, id="merge, the same field to lark"),
        pytest.param("merge:sql", "sql", 11, True, id="merge, the same field to sql"),
    ],
)
def test_conflict_is_decided_noted_and_settled(world: World, policy: str, name: str, qty: int, done: bool) -> None:
    engine = world.ready(conflict=policy)
    clash(world)
    report = engine.incremental()
    assert report.conflicts == 1
    world.assert_in_step()
    row = world.rows()[1]
    assert (row["name"], int(row["qty"]), bool(row["done"])) == (name, qty, done)
    ((key, noted, status, kept),) = world.ask("SELECT record_id, policy, status, lark_values FROM sync_conflict")
    assert (key, noted, status, '"lark"' in kept) == ("1", policy, "closed", True)
    assert wrote(engine.incremental()) == (0, 0)


def test_newest_wins_by_the_time_of_the_edit(world: World) -> None:
    engine = world.ready(skew_seconds=0)
    world.update(1, name="sql")
    world.edit(1, Name="lark")
    world.execute("UPDATE sync_queue SET created_at = '2001-01-01 00:00:00' WHERE status = 'pending'")
    engine.incremental()
    assert world.rows()[1]["name"] == "lark"
    world.edit(2, Name="lark")
    world.update(2, name="sql")
    world.execute("UPDATE sync_queue SET created_at = '2037-01-01 00:00:00' WHERE status = 'pending'")
    engine.incremental()
    assert world.rows()[2]["name"] == "sql"
    world.assert_in_step()


def test_manual_conflict_waits_and_follows_the_resolution(world: World) -> None:
    engine = world.ready(conflict="manual")
    clash(world)
    assert (engine.incremental().skipped, world.rows()[1]["name"], world.by_code()[1]["Name"]) == (1, "sql", "lark")
    # waiting costs nothing, doubles nothing, and stops nobody else
    world.update(2, name="moves on")
    assert wrote(engine.incremental()) == (0, 1)
    assert wrote(engine.full()) == (0, 0)
    assert len(world.ask("SELECT id FROM sync_conflict")) == 1
    world.execute("UPDATE sync_conflict SET outcome = 'lark'")
    engine.incremental()
    assert world.rows()[1]["name"] == "lark"
    world.assert_in_step()
    assert world.ask("SELECT status FROM sync_conflict") == [("closed",)]


def test_manual_resolution_for_sql_reaches_lark(world: World) -> None:
    engine = world.ready(conflict="manual")
    clash(world)
    engine.incremental()
    world.execute("UPDATE sync_conflict SET outcome = 'sql'")
    engine.incremental()
    assert world.by_code()[1]["Name"] == "sql"
    world.assert_in_step()


def test_edit_survives_a_delete_on_the_other_side(world: World) -> None:
    engine = world.ready(conflict="merge:sql")
    world.delete(1)
    world.edit(1, Name="still wanted")
    world.update(2, name="still wanted too")
    world.remove(2)
    engine.incremental()
    engine.incremental()
    world.assert_in_step()
    assert {world.rows()[n]["name"] for n in (1, 2)} == {"still wanted", "still wanted too"}


def test_soft_delete_sets_the_column_and_a_set_column_deletes_the_record(world: World) -> None:
    engine = world.ready(deletes="soft:gone")
    world.remove(1)
    world.update(2, gone=True)
    engine.incremental()
    assert world.rows()[1]["gone"]
    assert 2 not in world.by_code()
    world.assert_in_step()
    world.update(2, gone=False)
    world.update(1, gone=False)
    engine.incremental()
    assert {1, 2} <= world.by_code().keys()
    world.assert_in_step()
    assert wrote(engine.incremental()) == (0, 0)


def test_ignored_delete_leaves_the_other_side_and_is_not_made_good(world: World) -> None:
    engine = world.ready(deletes="ignore")
    world.remove(1)
    world.delete(2)
    for run in (engine.incremental, engine.full, engine.incremental):
        assert wrote(run()) == (0, 0)
    assert (1 in world.rows(), 2 in world.by_code()) == (True, True)
    assert engine.check().in_step


def test_to_lark_never_writes_to_sql_and_full_overrules_lark(world: World) -> None:
    engine = world.ready(direction="to_lark")
    world.edit(1, Name="by hand")
    world.add(Name="theirs", Code=70)
    world.update(2, name="sql")
    report = engine.incremental()
    assert (wrote(report), "search" in report.api_calls) == ((0, 1), False)
    assert wrote(engine.full()) == (0, 1)
    assert (world.by_code()[1]["Name"], 70 in world.by_code(), 70 in world.rows()) == ("n1", True, False)
    assert engine.check().in_step


def test_to_sql_never_writes_to_lark_and_full_overrules_sql(world: World) -> None:
    world.changes = {"direction": "to_sql"}
    world.add(Name="a", Code=1)
    world.add(Name="b", Code=2)
    engine = world.engine()
    assert wrote(engine.full()) == (2, 0)
    world.update(1, name="drifted")
    world.insert({"code": 9, "name": "sql's own"})
    world.edit(2, Name="edited")
    assert wrote(engine.incremental()) == (1, 0)
    assert wrote(engine.full()) == (1, 0)
    assert (world.rows()[1]["name"], world.rows()[2]["name"], 9 in world.rows()) == ("a", "edited", True)
    assert world.ask("SELECT count(*) FROM sync_queue")[0][0] == 0
    assert engine.check().in_step


def test_blacklisted_key_is_left_alone_until_it_is_taken_off(world: World) -> None:
    engine = world.ready()
    world.execute("INSERT INTO sync_blacklist (record_id, reason) VALUES ('1', 'sync loop detected')")
    world.update(1, name="sql")
    world.update(2, name="goes")
    assert wrote(engine.incremental()) == (0, 1)
    assert world.by_code()[1]["Name"] == "n1"
    world.execute("DELETE FROM sync_blacklist")
    engine.incremental()
    world.assert_in_step()


@pytest.mark.parametrize("how", ["incremental", "full"])
def test_mass_delete_in_lark_is_held_until_a_person_allows_it(world: World, how: str) -> None:
    engine = world.ready(rows=60)
    world.remove(*range(1, 31))
    world.update(40, name="still synced")
    with pytest.raises(
        SafetyStop,
        match=r"records deleted in Lark whose rows are kept in SQL: 30.*at most 20 of 60.*allow_mass_deletes=True",
    ):
        getattr(engine, how)()
    assert len(world.rows()) == 60
    assert world.by_code()[40]["Name"] == "still synced"
    report = engine.full(allow_mass_deletes=True)
    assert report.to_sql.deleted == 30
    world.assert_in_step()


def test_emptied_sql_table_without_triggers_deletes_nothing_in_lark(world: World) -> None:
    engine = world.ready(rows=5)
    world.execute("DELETE FROM people")
    world.execute("DELETE FROM sync_queue")
    with pytest.raises(SafetyStop, match="rows deleted in SQL whose records are kept in Lark: 5"):
        engine.full()
    assert len(world.records()) == 5


def test_empty_read_of_a_full_table_deletes_nothing(world: World) -> None:
    engine = world.ready(rows=5)
    world.emu.faults.add("records/search", action="empty", times=None)
    runs: list[Any] = [engine.incremental, engine.full]
    for run in runs:
        with pytest.raises(
            SafetyStop, match="5 of 5 records are missing from Lark's results without being reported as deleted"
        ):
            run()
    assert len(world.rows()) == 5
    world.emu.faults.clear()
    assert wrote(engine.full()) == (0, 0)
