"""Columns of the types that people use, in tables of their own DDL: there and back, on each database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.plain import Plain

JSON = {"sqlite": ["JSON"], "postgresql": ["json", "jsonb"], "mysql": ["JSON"]}


@pytest.mark.parametrize("at", [0, 1])
def test_number_in_a_json_document_keeps_its_digits(plain: Any, engine: Any, at: int) -> None:
    kinds = JSON[engine.dialect.name]
    if at >= len(kinds):
        pytest.skip("PostgreSQL has two kinds of JSON")
    docs: Plain = plain(f"CREATE TABLE docs (id INTEGER PRIMARY KEY NOT NULL, doc {kinds[at]})", {"doc": 1})
    docs.run("""INSERT INTO docs VALUES (1, '{"a": 12345678901234567.89, "b": 1.0}'), (2, NULL), (3, 'null')""")

    engine_ = docs.engine()
    assert engine_.full().to_lark.created == 3
    # MariaDB's JSON is a text, which stays as it was written
    assert "12345678901234567.89" in docs.cells()[1]["doc"]
    assert [docs.cells()[key].get("doc") for key in (2,)] == [None]
    docs.edit(1, doc='{"a":[0.1,98765432109876543.21],"b":1e3}')
    report = engine_.incremental()
    assert (report.status, report.to_sql.updated) == ("ok", 1)
    assert "98765432109876543.21" in docs.text_of("doc")
    for again in (engine_.full(), engine_.incremental()):
        assert (again.to_sql.total, again.to_lark.total) == (0, 0)
    assert engine_.check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_decimal_that_sqlite_would_round_is_refused_by_name(plain: Any) -> None:
    sums: Plain = plain("CREATE TABLE sums (id INTEGER PRIMARY KEY NOT NULL, total DECIMAL(20, 4))", {"total": 1})
    sums.run("INSERT INTO sums VALUES (1, 1.5), (2, 2.5)")
    engine = sums.engine()
    engine.full()
    sums.edit(1, total="12345678901234.1234")
    sums.edit(2, total="123456789012.25")
    report = engine.incremental()
    assert (report.status, report.failed) == ("partial", 1)
    assert "a TEXT column keeps more" in report.problems[0]
    assert sums.ask("SELECT total FROM sums ORDER BY id") == [(1.5,), (123456789012.25,)]
    assert sums.cells()[1]["total"] == "12345678901234.1234"


TEXT, NUMBER, SELECT, MANY, MOMENT, FLAG = 1, 2, 3, 4, 5, 7
DAY = 1777651200000  # 2026-05-02 00:00 +08:00
UUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
# the column's type, the field's, a value in SQL, what Lark shows of it, what a person makes of it, what SQL says then
TYPES: dict[str, list[tuple[str, int, str, Any, Any, str]]] = {
    "sqlite": [
        ("DATE", MOMENT, "'2026-05-01'", DAY - 86_400_000, DAY, "2026-05-02"),
        ("DATETIME", MOMENT, "'1969-12-31 23:59:59'", -28_801_000, DAY, "2026-05-02 00:00:00.000000"),
        ("TIMESTAMP", MOMENT, "'2099-01-01 00:00:00'", 4_070_880_000_000, DAY, "2026-05-02 00:00:00.000000"),
        ("TIME", TEXT, "'09:30'", "09:30:00", "10:00", "10:00:00.000000"),
        ("BIGINT", TEXT, "9007199254740993", "9007199254740993", "9007199254740995", "9007199254740995"),
        ("BOOLEAN", FLAG, "1", True, False, "0"),
        ("DECIMAL(10, 2)", NUMBER, "1.25", 1.25, 2.5, "2.5"),
        ("UUID", TEXT, f"'{UUID}'", UUID, UUID.replace("f", "e"), UUID.replace("f", "e")),
        ("STRING", TEXT, "'a'", "a", "b", "b"),
        ("TIMESTAMPTZ", MOMENT, "'2026-05-01 00:00:00'", DAY - 86_400_000, DAY, "2026-05-02 00:00:00.000000"),
        ("JSONB", TEXT, "'[1.0]'", "[1]", "[2]", "[2]"),
    ],
    "postgresql": [
        ("date", MOMENT, "'2026-05-01'", DAY - 86_400_000, DAY, "2026-05-02"),
        ("timestamp", MOMENT, "'1969-12-31 23:59:59'", -28_801_000, DAY, "2026-05-02 00:00:00"),
        ("timestamptz", MOMENT, "'2099-01-01 00:00:00+08'", 4_070_880_000_000, DAY, "2026-05-01 16:00:00+00"),
        ("time", TEXT, "'09:30'", "09:30:00", "10:00", "10:00:00"),
        ("timetz", TEXT, "'09:30+08'", "09:30:00+08:00", "10:00-03:30", "10:00:00-03:30"),
        ("bigint", TEXT, "9007199254740993", "9007199254740993", "9007199254740995", "9007199254740995"),
        ("numeric", TEXT, "12345678901234567.89", "12345678901234567.89", "1e3", "1000"),
        ("numeric(5, -2)", NUMBER, "1200", 1200, 3400, "3400"),
        ("mood", SELECT, "'happy'", "happy", "sad", "sad"),
        ("mood[]", MANY, "'{happy,sad}'", ["happy", "sad"], ["sad"], "{sad}"),
        ("text[]", MANY, "'{a,b}'", ["a", "b"], ["c"], "{c}"),
        ("posint", NUMBER, "5", 5, 6, "6"),
        ("citext", TEXT, "'Abc'", "Abc", "abc", "abc"),
        ("char(5)", TEXT, "'ab'", "ab", "cd", "cd"),
        ("uuid", TEXT, f"'{UUID}'", UUID, UUID.replace("f", "e"), UUID.replace("f", "e")),
    ],
    "mysql": [
        ("DATE", MOMENT, "'2026-05-01'", DAY - 86_400_000, DAY, "2026-05-02"),
        ("DATETIME", MOMENT, "'1969-12-31 23:59:59'", -28_801_000, DAY, "2026-05-02 00:00:00"),
        ("DATETIME(3)", MOMENT, "'2099-01-01 00:00:00.5'", 4_070_880_000_500, DAY, "2026-05-02 00:00:00.000"),
        ("TIME", TEXT, "'09:30'", "09:30:00", "10:00", "10:00:00"),
        ("YEAR", NUMBER, "2026", 2026, 2027, "2027"),
        ("ENUM('x','y')", SELECT, "'x'", "x", "y", "y"),
        ("BIT(1)", FLAG, "b'1'", True, False, "\0"),
        ("TINYINT(1)", FLAG, "1", True, False, "0"),
        ("BIGINT UNSIGNED", TEXT, "18446744073709551615", "18446744073709551615", "7", "7"),
        ("DECIMAL(20, 4)", TEXT, "1234567890123456.1234", "1234567890123456.1234", "1.5", "1.5000"),
        ("INT(5) ZEROFILL", TEXT, "5", "5", "6", "00006"),
        ("CHAR(5)", TEXT, "'ab'", "ab", "cd", "cd"),
    ],
}
TYPES_OF_THEIR_OWN = """
CREATE EXTENSION IF NOT EXISTS citext;
DROP DOMAIN IF EXISTS posint; CREATE DOMAIN posint AS integer CHECK (VALUE > 0);
DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'happy');
"""


def test_value_of_each_type_goes_there_and_back(plain: Any, engine: Any) -> None:
    kind = engine.dialect.name
    cases = TYPES[kind]
    names = [f"v{at}" for at in range(len(cases))]
    columns = ", ".join(f"{name} {case[0]}" for name, case in zip(names, cases, strict=True))
    own = TYPES_OF_THEIR_OWN if kind == "postgresql" else ""
    things: Plain = plain(
        f"{own}CREATE TABLE things (id INTEGER PRIMARY KEY NOT NULL, {columns})",
        {name: case[1] for name, case in zip(names, cases, strict=True)},
    )
    things.run(f"INSERT INTO things VALUES (1, {', '.join(case[2] for case in cases)})")
    things.run("INSERT INTO things (id) VALUES (2)")
    sync = things.engine()

    assert sync.full().problems == []
    assert {case[0]: things.cells()[1].get(name) for name, case in zip(names, cases, strict=True)} == {
        case[0]: case[3] for case in cases
    }
    things.edit(1, **{name: case[4] for name, case in zip(names, cases, strict=True)})
    assert sync.incremental().problems == []
    assert {case[0]: str(things.text_of(name)).strip() for name, case in zip(names, cases, strict=True)} == {
        case[0]: case[5] for case in cases
    }
    for again in (sync.incremental(), sync.full()):
        assert (again.to_sql.total, again.to_lark.total) == (0, 0)
    assert sync.check().in_step


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_value_that_lark_cannot_hold_sets_its_row_aside_and_no_other(plain: Any) -> None:
    values = {
        "d": "'infinity'",
        "b": "'0001-01-01 BC'",
        "z": "'-infinity'",
        "t": "'24:00'",
        "n": "'NaN'",
        "f": "'Infinity'",
    }
    things: Plain = plain(
        "CREATE TABLE things (id integer PRIMARY KEY, d date, b date, z timestamptz, t time, n numeric, f double "
        "precision, a text[])",
        {"d": MOMENT, "b": MOMENT, "z": MOMENT, "t": TEXT, "n": NUMBER, "f": NUMBER, "a": MANY},
    )
    for at, (name, value) in enumerate({**values, "f": "'Infinity'", "a": "'{a,NULL}'"}.items(), 1):
        things.run(f"INSERT INTO things (id, {name}) VALUES ({at}, {value})")
    things.run("INSERT INTO things (id) VALUES (99)")
    report = things.engine().full()
    assert (report.status, list(things.cells())) == ("partial", [99])
    assert {problem.split(":")[0] for problem in report.problems} == {str(at) for at in range(1, 8)}
    assert things.ask("SELECT count(*) FROM things") == [(8,)]


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_zero_date_of_mysql_is_nothing_and_stays(plain: Any) -> None:
    things: Plain = plain("CREATE TABLE things (id INTEGER PRIMARY KEY NOT NULL, v DATE, n INT)", {"v": 5, "n": 2})
    things.run("SET SESSION sql_mode = ''", "INSERT INTO things VALUES (1, '0000-00-00', 1)")
    engine = things.engine()
    assert engine.full().status == "ok"
    things.edit(1, n=2)
    assert engine.incremental().status == "ok"
    assert things.ask("SELECT CAST(v AS CHAR), n FROM things") == [("0000-00-00", 2)]
    assert engine.check().in_step
