"""Keys are exact: two texts that differ in one byte are two keys, whatever a collation makes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.database.mysql_options import exact_collation
from tests.sync.own_table import OwnTable
from tests.sync.world import World, wrote


@pytest.fixture
def codes(world: World) -> Iterator[OwnTable]:
    """A table whose key's collation overlooks case."""
    kind = {"sqlite": "TEXT COLLATE NOCASE", "mysql": "VARCHAR(20) COLLATE utf8mb4_general_ci"}
    if world.sql.dialect.name == "postgresql":
        icu = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        with world.sql.begin() as conn:
            conn.exec_driver_sql(f"CREATE COLLATION IF NOT EXISTS any_case {icu}")
    key = kind.get(world.sql.dialect.name, "VARCHAR(20) COLLATE any_case")
    ddl = f"CREATE TABLE codes (code {key} NOT NULL PRIMARY KEY, n INTEGER)"
    table = OwnTable(world, "codes", {"code": 1, "n": 2}, ddl)
    yield table
    if world.sql.dialect.name == "postgresql":
        world.execute("DROP TABLE codes")
        world.execute("DROP COLLATION any_case")


def settle(engine: SyncEngine, runs: int = 4) -> list[Any]:
    return [engine.incremental() for _ in range(runs)]


@pytest.mark.parametrize("other", ["abc ", "ABC", "abc\u3000"])
def test_key_that_only_the_collation_takes_for_another_is_set_aside(codes: OwnTable, other: str) -> None:
    engine = codes.engine()
    codes.world.execute("INSERT INTO codes VALUES ('abc', 1)")
    engine.full()
    first = codes.records()[0]["record_id"]
    second = codes.add({"code": other, "n": 2})[0]
    reports = settle(engine)
    is_same_row = len(codes.by_key()) == 1
    if is_same_row:
        assert f"record {second} has the key {other!r}" in reports[0].problems[0]
        assert f"treats as equal to the key 'abc' of record {first}" in reports[0].problems[0]
        assert reports[0].status == "partial"
    else:
        # this database tells the two apart
        assert sorted(codes.by_key()) == sorted(["abc", other])
    assert len(codes.records()) == 2
    # the first pair is whole, both ways
    codes.world.execute("UPDATE codes SET n = 7 WHERE code = 'abc' AND n = 1")
    engine.incremental()
    assert {record["record_id"]: record["n"] for record in codes.records()} == {first: 7, second: 2}
    codes.edit(first, n=8)
    engine.incremental()
    assert codes.by_key()["abc"]["n"] == 8
    assert wrote(engine.full()) == (0, 0)
    if is_same_row:
        # a delete of the refused record is none of the row
        codes.remove(second)
        engine.incremental()
        assert codes.by_key()["abc"]["n"] == 8


def test_refused_record_with_another_key_arrives(codes: OwnTable) -> None:
    engine = codes.engine()
    codes.world.execute("INSERT INTO codes VALUES ('abc', 1)")
    engine.full()
    second = codes.add({"code": "ABC", "n": 2})[0]
    assert engine.incremental().failed == 1
    codes.edit(second, code="xyz")
    engine.incremental()
    assert {key: row["n"] for key, row in codes.by_key().items()} == {"abc": 1, "xyz": 2}
    assert codes.world.ask("SELECT COUNT(*) FROM sync_queue WHERE status <> 'completed'") == [(0,)]
    assert engine.check().in_step


on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SPELLINGS = [
    "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT)",
    'CREATE TABLE plain ("id" integer not null primary key, name TEXT)',
    "CREATE TABLE plain (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
    "CREATE TABLE plain (id INTEGER, name TEXT, PRIMARY KEY(id))",
    "CREATE TABLE plain (id INTEGER, name TEXT, CONSTRAINT pk PRIMARY KEY (id) ON CONFLICT ABORT)",
    "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT) STRICT",
]


@on_sqlite
@pytest.mark.parametrize("ddl", SPELLINGS)
def test_two_records_without_a_key_get_the_keys_that_sqlite_makes(world: World, ddl: str) -> None:
    if "STRICT" in ddl and sqlite3.sqlite_version_info < (3, 37):
        pytest.skip("this SQLite knows no STRICT")
    table = OwnTable(world, "plain", {"id": 2, "name": 1}, ddl)
    engine = table.engine()
    world.execute("INSERT INTO plain (name) VALUES ('a')")
    engine.full()
    table.add({"name": "b"})
    table.add({"name": "c"})
    assert engine.incremental().to_sql.created == 2
    assert sorted(row["name"] for row in table.by_key().values()) == ["a", "b", "c"]
    engine.incremental()
    assert engine.check().in_step


NO_KEY_MADE = [
    "CREATE TABLE plain (id INT PRIMARY KEY, name TEXT)",
    "CREATE TABLE plain (id INTEGER PRIMARY KEY DESC, name TEXT)",
    "CREATE TABLE plain (id BIGINT PRIMARY KEY, name TEXT)",
    "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT) WITHOUT ROWID",
]


@on_sqlite
@pytest.mark.parametrize("ddl", NO_KEY_MADE)
def test_record_without_a_key_is_set_aside_where_sqlite_makes_none(world: World, ddl: str) -> None:
    table = OwnTable(world, "plain", {"id": 2, "name": 1}, ddl)
    engine = table.engine()
    world.execute("INSERT INTO plain VALUES (1, 'a')")
    engine.full()
    table.add({"name": "b"})
    table.add({"id": 5, "name": "c"})
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (1, 1)
    assert "the database does not generate a value for id; fill in the key in Lark" in report.problems[0]
    assert sorted(table.by_key()) == [1, 5]


@on_sqlite
def test_key_with_a_default_besides_the_row_id_is_made_by_sqlite(world: World) -> None:
    code = "code TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8))))"
    ddl = f"CREATE TABLE plain (id INTEGER PRIMARY KEY, {code}, name TEXT)"
    table = OwnTable(world, "plain", {"code": 1, "name": 1}, ddl)
    engine = table.engine(sql={"table": "plain", "key": ["code"]})
    table.add({"name": "b"})
    table.add({"name": "c"})
    assert engine.full().to_sql.created == 2
    engine.incremental()
    assert engine.check().in_step
    assert world.ask("SELECT count(DISTINCT code) FROM plain") == [(2,)]


def test_keys_that_differ_in_blanks_or_case_are_two_where_the_column_says_so(world: World) -> None:
    dialect = world.sql.dialect
    exact = f" COLLATE {exact_collation(dialect)}" if dialect.name == "mysql" else ""
    ddl = f"CREATE TABLE plain (code VARCHAR(20){exact} NOT NULL PRIMARY KEY, n INTEGER)"
    table = OwnTable(world, "plain", {"code": 1, "n": 2}, ddl)
    engine = table.engine()
    world.execute("INSERT INTO plain VALUES ('a', 1), ('a ', 2), ('A', 3)")
    assert engine.full().to_lark.created == 3
    world.execute("UPDATE plain SET n = 20 WHERE code = 'a '")
    world.execute("DELETE FROM plain WHERE code = 'A'")
    engine.incremental()
    assert {record["code"]: record["n"] for record in table.records()} == {"a": 1, "a ": 20}
    assert engine.check().in_step


@on_sqlite
@pytest.mark.parametrize("way", ["REPLACE", "IGNORE"])
def test_constraint_that_would_give_way_refuses_the_row_that_clashes(world: World, way: str) -> None:
    ddl = f"CREATE TABLE plain (id INTEGER PRIMARY KEY, mail TEXT UNIQUE ON CONFLICT {way})"
    table = OwnTable(world, "plain", {"id": 2, "mail": 1}, ddl, "INSERT INTO plain VALUES (1, 'a'), (2, 'b')")
    engine = table.engine()
    engine.full()
    table.add({"id": 3, "mail": "a"}, {"id": 4, "mail": "d"}, {"mail": "b"})
    table.edit(table.find(id=2), mail="d")
    report = engine.incremental()
    # one of the two that want 'd' gets it
    assert (report.status, report.to_sql.deleted) == ("partial", 0)
    assert any("column mail" in problem and "UNIQUE" in problem for problem in report.problems)
    assert {1, 2} <= set(table.by_key())
    engine.full()
    engine.full()
    assert len(table.records()) == 5
    assert {1, 2} <= set(table.by_key())
