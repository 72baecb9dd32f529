"""Keys and cells that a driver, a connection or a column has no room for set their own row aside, and no other."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.savepoints import isolate
from airflow_provider_lark.core.sql_side.statements import write
from tests.databases import SERVERS
from tests.sync.own_table import OwnTable
from tests.sync.world import World

TEXT, NUMBER = 1, 2


def mysql_only(world: World) -> None:
    if world.sql.dialect.name != "mysql":
        pytest.skip("character sets of columns and connections are MySQL's")


def bytes_table(world: World) -> OwnTable:
    return OwnTable(
        world,
        "t",
        {"code": TEXT, "n": NUMBER},
        "CREATE TABLE t (code VARCHAR(20) CHARACTER SET utf8mb3 PRIMARY KEY, n INTEGER)",
    )


def test_key_outside_the_character_set_of_its_column_is_set_aside(world: World) -> None:
    mysql_only(world)
    own = bytes_table(world)
    engine = own.engine()
    engine.full()
    own.add(*({"code": f"k{n}", "n": n} for n in range(5)), {"code": "K😁", "n": 9}, {"code": "字", "n": 10})
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (1, 6)
    assert "K😁" in report.problems[0] or "utf8mb3" in report.problems[0]
    for run in (engine.full, engine.incremental, engine.full):
        run()
        own.due()
    assert own.rows("count(*)") == [(6,)]
    assert len(own.records()) == 7
    own.edit(own.find(code="K😁"), code="Kx")
    engine.incremental()
    assert own.rows("count(*)") == [(7,)]


@pytest.fixture
def latin(world: World) -> Iterator[World]:
    """The world with a MySQL connection of latin1, or in a PostgreSQL database of LATIN1."""
    if world.sql.dialect.name == "mysql":
        engine = create_engine(world.sql.url.update_query_dict({"charset": "latin1"}), poolclass=NullPool)
        yield replace(world, sql=engine)
        engine.dispose()
        return
    if world.sql.dialect.name != "postgresql":
        pytest.skip("SQLite knows UTF-8 only")
    variable, default = SERVERS["postgresql"]
    url = make_url(os.environ.get(variable, default))
    server = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    name = f"lark_latin_{os.getpid()}_{secrets.token_hex(2)}"
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"))
    engine = create_engine(url.set(database=name), poolclass=NullPool)
    try:
        yield replace(world, sql=engine)
    finally:
        engine.dispose()
        with server.connect() as conn:
            conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.mark.parametrize("where", ["cell", "key"])
def test_text_that_the_connection_or_database_cannot_carry_is_set_aside(latin: World, where: str) -> None:
    own = OwnTable(
        latin,
        "t",
        {"code": TEXT, "备注": TEXT},
        "CREATE TABLE t (code VARCHAR(20) PRIMARY KEY, note VARCHAR(20))",
        fields=[{"field": "code", "column": "code"}, {"field": "备注", "column": "note"}],
    )
    engine = own.engine()
    engine.full()
    odd = {"code": "中文", "备注": "plain"} if where == "key" else {"code": "odd", "备注": "中文"}
    own.add(*({"code": f"k{n}", "备注": "é"} for n in range(5)), odd, {"code": "k9", "备注": "ü"})
    report = engine.incremental()
    carried = latin.sql.dialect.name == "mysql" and not report.failed
    # a session that is set to UTF-8 whatever the connection says carries it
    assert (report.failed, report.to_sql.created) == ((0, 7) if carried else (1, 6))
    for run in (engine.full, engine.incremental):
        run()
        own.due()
    assert own.rows("count(*)") == [(7 if carried else 6,)]
    assert len(own.records()) == 7
    if not carried:
        own.edit(own.find(**odd), code="fine", 备注="plain")
        engine.incremental()
        assert own.rows("count(*)") == [(7,)]
        assert engine.check().in_step


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"name": "half of an emoji \ud83d"}, id="surrogate"),
        pytest.param({"name": "nul \0"}, id="nul"),
        pytest.param({"n": 2**70}, id="large"),
        pytest.param({"name": ["no", "text"]}, id="list"),
        pytest.param({"name": object()}, id="object"),
    ],
)
def test_whatever_a_driver_raises_is_isolated(world: World, odd: dict[str, object]) -> None:
    world.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(40), n BIGINT)")
    refused: list[int] = []
    rows = [{"id": n, "name": f"n{n}", "n": n} | (odd if n == 4 else {}) for n in range(1, 9)]
    with write_transaction(world.sql) as conn:
        isolate(
            conn,
            rows,
            lambda some: write(conn, text("INSERT INTO t VALUES (:id, :name, :n)"), list(some)) and None,
            lambda row, exc: refused.append(row["id"]),
        )
    stored = [row[0] for row in world.ask("SELECT id FROM t ORDER BY id")]
    assert refused in ([4], [])
    assert stored == [n for n in range(1, 9) if n not in refused]
    if "n" in odd or "half" in str(odd.get("name")):
        assert refused == [4]


def test_names_of_the_refusing_constraint_are_told_and_no_value(world: World) -> None:
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "a": TEXT, "b": NUMBER, "c": NUMBER},
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(20) UNIQUE, b INTEGER, c INTEGER, "
        "CONSTRAINT b_small CHECK (b < 10), CONSTRAINT to_other FOREIGN KEY (c) REFERENCES other (id))",
    )
    engine = own.engine()
    engine.full()
    own.add(
        {"id": 1, "a": "secret"},
        {"id": 2, "a": "secret"},
        {"id": 3, "b": 4711},
        {"id": 4, "c": 4712},
    )
    report = engine.incremental()
    is_sqlite = world.sql.dialect.name == "sqlite"
    # whether SQLite checks foreign keys is up to the session
    assert report.failed in ((2, 3) if is_sqlite else (3,))
    told = "\n".join(report.problems)
    assert "column a" in told
    assert "b_small" in told
    if not is_sqlite:
        assert "constraint to_other, column c" in told
    assert not any(value in told for value in ("secret", "4711", "4712"))
    assert not any(value in str(world.ask("SELECT * FROM sync_queue")) for value in ("secret", "4711", "4712"))


@pytest.mark.parametrize(
    ("kind", "good", "bad", "words"),
    [
        ("VARCHAR(3)[]", ["abc", "x"], ["abcdef", "x"], "at most 3 characters"),
        ("CHAR(3)[]", ["ab"], ["abcd"], "at most 3 characters"),
        ("mood[]", ["sad", "ok"], ["glad"], "one of the column's values (2)"),
    ],
)
def test_item_that_its_array_would_cut_is_set_aside(
    world: World, kind: str, good: list[str], bad: list[str], words: str
) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("arrays are PostgreSQL's")
    world.execute("DROP TYPE IF EXISTS mood CASCADE")
    world.execute("CREATE TYPE mood AS ENUM ('ok', 'sad')")
    own = OwnTable(world, "t", {"id": NUMBER, "v": 4}, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})")
    engine = own.engine()
    own.add({"id": 1, "v": good}, {"id": 2, "v": bad})
    report = engine.full()
    assert (report.status, report.to_sql.created, report.failed, report.rewritten) == ("partial", 1, 1, 0)
    assert words in report.problems[0]
    # what a person typed stays
    assert {record["id"]: record["v"] for record in own.records()} == {1: good, 2: bad}
    engine.incremental()
    engine.full()
    assert {record["id"]: record["v"] for record in own.records()} == {1: good, 2: bad}
    world.execute("DROP TABLE t")
    world.execute("DROP TYPE mood")


def test_long_texts_that_no_statement_could_note_at_once_reach_lark(world: World) -> None:
    kind = "LONGTEXT" if world.sql.dialect.name == "mysql" else "TEXT"
    own = OwnTable(world, "t", {"id": NUMBER, "v": TEXT}, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})")
    # as JSON, and once more as base, 24 MB: MariaDB takes statements of 16 MB
    with world.sql.begin() as conn:
        insert = text("INSERT INTO t VALUES (:id, :v)")
        conn.execute(insert, [{"id": n, "v": "字" * 8000} for n in range(250)])
    engine = own.engine()
    assert engine.full().to_lark.created == 250
    with world.sql.begin() as conn:
        conn.execute(text("UPDATE t SET v = :v"), {"v": "文" * 16000})
    assert engine.incremental().to_lark.updated == 250
    assert set(own.column("v")) == {"文" * 16000}


def test_year_of_two_digits_is_set_aside(world: World) -> None:
    mysql_only(world)
    own = OwnTable(world, "t", {"id": NUMBER, "y": NUMBER}, "CREATE TABLE t (id INTEGER PRIMARY KEY, y YEAR)")
    years = [26, 70, 1900, 2156, 0, 1901, 2155]
    own.add(*({"id": n, "y": year} for n, year in enumerate(years)))
    report = own.engine().full()
    assert (report.to_sql.created, report.failed, report.rewritten) == (3, 4, 0)
    assert "a year from 1901 to 2155, or 0" in report.problems[0]
    assert own.rows("id, y") == [(4, 0), (5, 1901), (6, 2155)]
    assert own.column("y") == sorted(years)


def test_text_that_sqlite_makes_a_number_of_is_set_aside(world: World) -> None:
    if world.sql.dialect.name != "sqlite":
        pytest.skip("columns take any value on SQLite only")
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "v": TEXT, "n": NUMBER},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v STRING, n INTEGER)",
        "INSERT INTO t VALUES (1, 'x', 1)",
    )
    engine = own.engine()
    engine.full()
    own.add({"id": 2, "v": "007"}, {"id": 3, "v": "abc"}, {"v": "1e3"})
    own.edit(own.find(id=1), v="12345678901234567890")
    report = engine.incremental()
    assert (report.status, report.to_sql.total, report.failed) == ("partial", 1, 3)
    assert "stored a different value in v, which cannot be read as the column's type" in report.problems[0]
    assert own.rows("id, v") == [(1, "x"), (3, "abc")]
    assert own.column("v") == ["007", "12345678901234567890", "1e3", "abc"]
