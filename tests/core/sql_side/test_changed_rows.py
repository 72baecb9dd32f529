"""Rows in the order of their last change, by every type of column that can tell, on each database."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.sql_side.change_column import PER_SECOND, ChangeColumn, is_usable
from airflow_provider_lark.core.sql_side.changed_rows import Changed, ChangedRows, Lower, Place
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec, reflect_table

MOMENTS = ("2026-11-27 10:00:00.123456", "2026-11-27 10:00:00.123456", "2026-11-27 10:00:01", "2099-01-01 00:00:00")
NUMBERS = (1_790_000_000, 1_790_000_000, 1_790_000_001, 4_070_908_800)

#: by database: the column's type, what stands in its rows, and what a number counts
TYPES: list[tuple[str, str, tuple[Any, ...], str | None]] = [
    ("sqlite", "TEXT", MOMENTS, None),
    ("sqlite", "DATETIME", MOMENTS, None),
    ("sqlite", "TIMESTAMP", tuple(each.replace(" ", "T") for each in MOMENTS), None),
    ("sqlite", "INTEGER", NUMBERS, "seconds"),
    ("sqlite", "REAL", tuple(each + 0.25 for each in NUMBERS), "seconds"),
    ("postgresql", "timestamptz", MOMENTS, None),
    ("postgresql", "timestamp", (*MOMENTS[:3], "infinity"), None),
    ("postgresql", "timestamp(0)", MOMENTS, None),
    ("postgresql", "date", MOMENTS, None),
    ("postgresql", "bigint", tuple(each * 1_000 for each in NUMBERS), "milliseconds"),
    ("postgresql", "numeric", tuple(each * 1_000_000 for each in NUMBERS), "microseconds"),
    ("postgresql", "double precision", tuple(each + 0.125 for each in NUMBERS), "seconds"),
    ("mysql", "datetime", MOMENTS, None),
    ("mysql", "datetime(6)", (*MOMENTS[:3], "9999-12-31 23:59:59.999999"), None),
    ("mysql", "timestamp(3) NULL", (*MOMENTS[:3], "2037-01-01 00:00:00"), None),
    ("mysql", "date", MOMENTS, None),
    ("mysql", "bigint unsigned", tuple(each * 1_000 for each in NUMBERS), "milliseconds"),
    ("mysql", "decimal(20,0)", tuple(each * 1_000 for each in NUMBERS), "milliseconds"),
    ("mysql", "int", (1, 1, 2, 7), None),
]
NOW_MS = 1_795_773_603_000  # 2026-11-27 10:00:03 UTC
LIMITS = {"seconds": 1_790_000_002, "milliseconds": 1_790_000_002_000, "microseconds": 1_790_000_002_000_000}


def rows_of(conn: Any, unit: str | None) -> tuple[ChangedRows, ChangeColumn]:
    table = reflect_table(conn, "watched")
    columns = {column.name: Column.from_reflected(column, conn.dialect.name) for column in table.columns}
    assert is_usable(columns["changed"])
    column = ChangeColumn(columns["changed"], PER_SECOND[unit] if unit else None, UTC)
    spec = TableSpec("watched", None, (columns["a"], columns["b"]), ("a", "b"), table)
    return ChangedRows(conn, spec, KeyCodec(spec.key), column), column


@pytest.mark.parametrize(
    ("engine", "kind", "values", "unit"),
    [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in TYPES],
    indirect=["engine"],
)
def test_pages_hold_every_row_once_and_nothing_ahead_is_the_newest(
    engine: Engine, kind: str, values: tuple[Any, ...], unit: str | None
) -> None:
    """O40: of times, days and numbers; the order is that of the value and then of a text key of two columns."""
    with engine.begin() as conn:
        key = "a varchar(10) NOT NULL, b varchar(10) NOT NULL"
        conn.execute(text(f"CREATE TABLE watched ({key}, changed {kind}, PRIMARY KEY (a, b))"))
        rows = [{"a": f"k{n % 3}", "b": f"x{n}", "v": value} for n, value in enumerate(values * 3)]
        conn.execute(text("INSERT INTO watched VALUES (:a, :b, :v)"), rows)
        conn.execute(text("INSERT INTO watched VALUES ('null', 'null', NULL)"))
    with open_session(engine) as conn:
        if engine.dialect.name == "mysql":
            conn.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        watched, column = rows_of(conn, unit)
        column = watched.as_written()
        limit = LIMITS[unit] if unit else column.at(NOW_MS)
        newest = watched.newest(limit)
        assert newest is not None
        if column.is_bounded:
            assert watched.newest(newest) == newest
        for lower, count in ((Lower(_least(watched, column)), 12), (Lower(newest), None)):
            found = _all(watched, lower, limit if column.is_bounded else None)
            assert len({each.key for each in found}) == len(found)
            assert count is None or len(found) == count
            assert sum(each.is_ahead for each in found) == (3 if column.is_bounded else 0)
        at = [each for each in _all(watched, Lower(newest), None) if each.value == newest]
        over = _all(watched, Lower(newest, is_over=True), None)
        assert at
        assert len(over) == len(_all(watched, Lower(newest), None)) - len(at)
        # where the clock has gone back, the lesser bound counts
        if column.is_bounded:
            back = Lower(newest, is_over=True, at_most=_less(newest))
            assert len(_all(watched, back, None)) > len(over)


def _least(watched: ChangedRows, column: ChangeColumn) -> Any:
    return 0 if column.is_number else "1971-01-01"


def _less(value: Any) -> Any:
    return "2000-01-01" if isinstance(value, str) and "-" in value else 5


def _all(watched: ChangedRows, lower: Lower, ahead: Any) -> list[Changed]:
    found: list[Changed] = []
    after: Place | None = None
    while True:
        page, after = watched.page(lower, after=after, ahead=ahead, limit=2)
        found += page
        if after is None:
            return found


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_hour_that_comes_twice_is_read_once_and_the_session_keeps_its_zone(engine: Engine) -> None:
    """The clocks are put back: two instants that a session in Berlin shows alike."""
    with engine.begin() as conn:
        conn.exec_driver_sql("SET time_zone = '+00:00'")
        key = "a varchar(10) NOT NULL, b varchar(10) NOT NULL"
        conn.execute(text(f"CREATE TABLE watched ({key}, changed timestamp NULL, PRIMARY KEY (a, b))"))
        for hour in (0, 1):
            conn.execute(text(f"INSERT INTO watched VALUES ('a', '{hour}', '2026-10-25 0{hour}:30:00')"))
            conn.execute(text(f"INSERT INTO watched VALUES ('b', '{hour}', '2026-10-25 0{hour}:30:00')"))
    with open_session(engine) as conn:
        conn.exec_driver_sql("SET SESSION time_zone = '+02:00'")
        watched, _ = rows_of(conn, None)
        assert [each.value for each in _all(watched, Lower("1971-01-01"), None)] == [
            "2026-10-25 00:30:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 01:30:00",
        ]  # fmt: skip
        assert conn.exec_driver_sql("SELECT @@SESSION.time_zone").scalar() == "+02:00"


def test_time_without_a_zone_is_that_of_the_mapping() -> None:
    from sqlalchemy.dialects.mysql import DATETIME

    shanghai = ChangeColumn(Column("changed", DATETIME(), dialect="mysql"), None, ZoneInfo("Asia/Shanghai"))
    assert shanghai.at(NOW_MS) == "2026-11-27 18:00:03.000"
    assert shanghai.moment_ms("2026-11-27 18:00:00", NOW_MS) == NOW_MS - 3_000
