"""Types that SQLAlchemy does not know, or takes for others: nothing of theirs is cut, and messages name them."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.errors import SchemaMismatch
from tests.sync.own_table import OwnTable
from tests.sync.world import World

TEXT, NUMBER, OPTIONS = 1, 2, 4


def only(world: World, dialect: str) -> None:
    if world.sql.dialect.name != dialect:
        pytest.skip(f"a type of {dialect}'s")


def test_text_that_postgresql_would_cut_is_set_aside(world: World) -> None:
    only(world, "postgresql")
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "v": TEXT, "c": TEXT, "d": TEXT, "a": OPTIONS},
        "DROP DOMAIN IF EXISTS label",
        "CREATE DOMAIN label AS name CHECK (VALUE <> 'no')",
        'CREATE TABLE t (id INT PRIMARY KEY, v name, c "char", d label, a name[])',
        "INSERT INTO t VALUES (1, 'x', 'y', 'z', '{o}')",
    )
    engine = own.engine()
    engine.full()
    fits = "字" * 21
    own.add(
        {"id": 2, "v": fits, "c": "k", "d": "d" * 63, "a": ["p" * 63]},
        {"id": 3, "v": fits + "v"},
        {"id": 4, "c": "kk"},
        {"id": 5, "d": "d" * 64},
        {"id": 6, "a": ["short", "p" * 64]},
        {"id": 7, "c": "字"},
    )
    own.edit(own.find(id=1), v="v" * 64)
    report = engine.incremental()
    assert (report.failed, report.to_sql.created, report.to_lark.total, report.rewritten) == (6, 1, 0, 0)
    told = "\n".join(report.problems)
    assert "v (name): got a str, expected at most 63 bytes" in told
    assert 'c ("char"): got a str, expected at most 1 bytes' in told
    assert own.rows() == [(1, "x", "y", "z", ["o"]), (2, fits, "k", "d" * 63, ["p" * 63])]
    assert "v" * 64 in own.column("v")


@pytest.mark.filterwarnings("ignore:Did not recognize type")
def test_column_of_an_unknown_type_is_named_as_the_database_does(world: World) -> None:
    kind = {"postgresql": "xml", "mysql": "inet6", "sqlite": "BLOB"}[world.sql.dialect.name]
    own = OwnTable(world, "t", {"id": NUMBER, "v": TEXT}, f"CREATE TABLE t (id INT PRIMARY KEY, v {kind})")
    with pytest.raises(SchemaMismatch, match=rf"v \({kind}\)"):
        own.engine().full()


def test_number_alone_in_a_json_column_of_sqlite_stays_exact_or_is_set_aside(world: World) -> None:
    only(world, "sqlite")
    ddl = "CREATE TABLE t (id INTEGER PRIMARY KEY, v JSON)"
    own = OwnTable(world, "t", {"id": NUMBER, "v": TEXT}, ddl)
    kept = ["9223372036854775807", "12.5", "-0.000123456789012345", "[12345678901234567890]", '"12345678901234567890"']
    refused = ["12345678901234567890", "12345678901234567.89", "1" + "0" * 350, "0.1234567890123456"]
    own.add(*({"id": n, "v": text} for n, text in enumerate(kept + refused)))
    engine = own.engine()
    for run in (engine.full, engine.full):
        run()
    report = engine.full()
    assert report.rewritten == 0
    assert own.rows("count(*)") == [(len(kept),)]
    assert [record["v"] for record in own.records()] == kept + refused
    world.execute("UPDATE t SET v = v || ' ' WHERE id = 3")
    engine.incremental()
    assert own.column("v") == sorted(kept + refused)


def test_key_from_a_sequence_of_mariadb_is_made_by_the_database(world: World) -> None:
    only(world, "mysql")
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "v": TEXT},
        "CREATE OR REPLACE SEQUENCE numbers START WITH 100",
        "CREATE TABLE t (id INT PRIMARY KEY DEFAULT NEXTVAL(numbers), v VARCHAR(20))",
        "INSERT INTO t (v) VALUES ('first')",
    )
    engine = own.engine()
    own.add({"v": "without a key"}, {"v": "another"})
    report = engine.full()
    assert (report.status, report.to_sql.created) == ("ok", 2)
    assert own.rows("id") == [(100,), (101,), (102,)]
    assert own.column("id") == [100, 101, 102]
    # nor does the application meet a key that a person has typed
    own.add({"id": 104, "v": "typed"}, {"id": 3, "v": "below"})
    assert engine.incremental().warnings == []
    world.execute("INSERT INTO t (v) VALUES ('next')")
    assert own.rows("id") == [(3,), (100,), (101,), (102,), (104,), (105,)]
