"""Undo and explain on tables as strangers bring them: composite keys, odd names, unmapped and computed columns."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.sync.explain.explanation import explain
from airflow_provider_lark.core.sync.undo.carry_out import carry_out
from airflow_provider_lark.core.sync.undo.plan import plan_undo
from tests.sync.own_table import OwnTable
from tests.sync.test_sync_undo import ON_SQLITE, assert_quiet, names, plan, run, undo
from tests.sync.world import World, wrote

TYPES = {
    "区 域": 1,
    "no": 2,
    "a[0]": 1,
    "when": 5,
    "tags": {"type": 4, "property": {"options": [{"name": "x"}, {"name": "y"}]}},
    "twice": 2,
}
DDL = {
    "sqlite": """CREATE TABLE "Odd-Ones" ("区 域" VARCHAR(20) NOT NULL, no INTEGER NOT NULL, "a[0]" VARCHAR(40),
        "when" DATETIME, tags JSON, twice INTEGER GENERATED ALWAYS AS (no * 2) STORED, secret VARCHAR(9) DEFAULT 'dflt',
        PRIMARY KEY ("区 域", no))""",
    "postgresql": """CREATE TABLE "Odd-Ones" ("区 域" VARCHAR(20) NOT NULL, no INTEGER NOT NULL, "a[0]" VARCHAR(40),
        "when" TIMESTAMP, tags JSONB, twice INTEGER GENERATED ALWAYS AS (no * 2) STORED,
        secret VARCHAR(9) DEFAULT 'dflt',
        PRIMARY KEY ("区 域", no))""",
    "mysql": """CREATE TABLE `Odd-Ones` (`区 域` VARCHAR(20) NOT NULL, no INTEGER NOT NULL, `a[0]` VARCHAR(40),
        `when` DATETIME, tags JSON, twice INTEGER GENERATED ALWAYS AS (no * 2) STORED, secret VARCHAR(9) DEFAULT 'dflt',
        PRIMARY KEY (`区 域`, no)) CHARACTER SET utf8mb4""",
}


def test_undo_on_a_table_of_composite_key_and_odd_names_is_exact(world: World) -> None:
    """O4, O11, O12."""
    quote = world.sql.dialect.identifier_preparer.quote
    odd = OwnTable(world, "Odd-Ones", TYPES, DDL[world.sql.dialect.name], time_zone="Asia/Shanghai", max_delete_rows=5)
    table, area, text = quote("Odd-Ones"), quote("区 域"), quote("a[0]")
    rows = [f"('北京', {n}, '[red]{n}', '2026-01-0{n} 08:30:00', '[\"x\"]')" for n in range(1, 7)]
    world.execute(f"INSERT INTO {table} ({area}, no, {text}, {quote('when')}, tags) VALUES {', '.join(rows)}")
    odd.engine().full()
    before = (odd.records(), world.ask(f"SELECT {area}, no, {text}, {quote('when')} FROM {table} ORDER BY no"))
    world.execute(f"UPDATE {table} SET {text} = NULL, {quote('when')} = '2020-01-01 00:00:00' WHERE no < 3")
    world.execute(f"DELETE FROM {table} WHERE no = 6")
    (edited,) = [each["record_id"] for each in odd.records() if each["no"] == 4]
    odd.edit(edited, **{"a[0]": "person", "tags": ["y"]})
    (removed,) = [each["record_id"] for each in odd.records() if each["no"] == 5]
    odd.remove(removed)
    engine = odd.engine()
    engine.incremental()
    told = explain(world.client, world.sql, engine.mapping, '["北京","1"]')
    assert told is not None
    assert told.state.word == "in step"
    assert told.to_dict()["events"][-1]["after"]["a[0]"] is None
    found = plan_undo(odd.engine(), engine.run_id)
    assert found is not None
    assert not found.left
    report = carry_out(odd.engine(), found)
    assert report.status == "ok", (report.left, report.problems)
    rows_now = world.ask(f"SELECT {area}, no, {text}, {quote('when')} FROM {table} ORDER BY no")
    # SQLite keeps times as texts, which a program writes otherwise than a driver
    assert [row[:3] for row in rows_now[2:]] == [row[:3] for row in before[1][2:]], (
        "what a program wrote stays, and so does its side"
    )
    named = {each["no"]: {k: v for k, v in each.items() if k in TYPES} for each in odd.records()}
    was = {each["no"]: {k: v for k, v in each.items() if k in TYPES} for each in before[0]}
    was[4] = {**was[4], "a[0]": "person", "tags": ["y"]}
    assert named == was
    assert wrote(odd.engine().incremental()) == (0, 0)
    assert wrote(odd.engine().full()) == (0, 0)
    assert odd.engine().check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_undo_of_many_rows_costs_a_handful_of_calls(world: World) -> None:
    """O11: 1,000 rows."""
    world.ready(1000)
    world.execute("UPDATE people SET name = 'run'")
    engine = world.engine()
    engine.incremental()
    found = plan_undo(world.engine(), engine.run_id)
    assert found is not None
    assert len(found.steps) == 1000
    report = carry_out(world.engine(), found)
    assert report.to_lark.updated == 1000
    # a page of 200: two look-ups and one update; the field list and the token
    assert report.api_calls["total"] <= 5 * 3 + 2
    assert {row["name"] for row in world.rows().values()} == {"run"}
    assert wrote(world.engine().incremental()) == (0, 0)


@ON_SQLITE
def test_undo_of_a_delete_that_is_killed_before_lark_is_asked_is_finished_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is back and no trigger notes it: without an entry in the queue only a full sync would make its record."""
    world.ready(3)
    world.delete(1)
    undone = run(world)
    found = plan(world, undone)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("airflow_provider_lark.core.sync.undo.carry_out.create_records", die)
        with pytest.raises(KeyboardInterrupt):
            carry_out(world.engine(), found)
    assert set(names(world)[1]) == {2, 3}
    world.engine().incremental()
    everyone = {1: "n1", 2: "n2", 3: "n3"}
    assert names(world) == (everyone, everyone)
    assert_quiet(world)


@ON_SQLITE
def test_undo_of_a_delete_leaves_nothing_in_the_queue(world: World) -> None:
    world.ready(3)
    world.delete(1, 2)
    undone = run(world)
    undo(world, undone)
    assert world.ask("SELECT id FROM sync_queue WHERE status <> 'completed'") == []
    assert set(names(world)[1]) == {1, 2, 3}
    assert_quiet(world)


@ON_SQLITE
def test_key_of_an_undone_row_that_sqlite_gives_again_is_that_of_the_new_row_alone(world: World) -> None:
    """Without AUTOINCREMENT the next row gets the key of the last one that was deleted."""
    world.ready(3)
    kept = world.add(Name="by a person")
    found, report = undo(world, run(world))
    assert not found.left
    assert (report.to_sql.deleted, report.to_lark.updated) == (1, 1)
    world.insert({"name": "a program's"})
    person = world.add(Name="another person's")
    run(world)
    assert {4: "a program's", 5: "another person's"}.items() <= names(world)[0].items()
    assert names(world)[0] == names(world)[1]
    records = {record["id"]: record for record in world.records()}
    assert (records[kept]["Name"], records[kept].get("Code"), records[person]["Code"]) == ("by a person", None, 5)
    assert len(records) == 6
    assert world.ask("SELECT id FROM sync_queue WHERE status <> 'completed'") == []
    assert_quiet(world)


@ON_SQLITE
def test_row_that_stays_at_an_undo_gets_its_key_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is taken back first; an undo that dies then leaves a pair, and the row can still be undone."""
    world.ready(3)
    world.add(Name="by a person")
    undone = run(world)
    found = plan(world, undone)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("airflow_provider_lark.core.sync.undo.carry_out.write_rows", die)
        with pytest.raises(KeyboardInterrupt):
            carry_out(world.engine(), found)
    assert {record.get("Code") for record in world.records()} == {1, 2, 3, None}
    world.engine().full()
    world.assert_in_step()
    assert names(world)[1][4] == "by a person"


@ON_SQLITE
def test_row_that_the_database_keeps_at_an_undo_gets_its_key_back(world: World) -> None:
    world.ready(3)
    world.add(Name="by a person")
    undone = run(world)
    world.execute("CREATE TRIGGER keep BEFORE DELETE ON people BEGIN SELECT RAISE(ABORT, 'kept'); END")
    _, report = undo(world, undone)
    assert report.status == "partial"
    assert "SQLITE_CONSTRAINT_TRIGGER" in str(report.left)
    run(world)
    world.assert_in_step()
    assert names(world)[1][4] == "by a person"
    assert_quiet(world)
