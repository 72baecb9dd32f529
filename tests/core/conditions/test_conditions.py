"""Which rows meet which conditions: judged by three databases, foreseen from values, and judged on Lark's cells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from airflow_provider_lark.core.conditions.condition import read_filter
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.lark_side.record_filter import bind_record_filter
from airflow_provider_lark.core.sql_side.reflection import reflect_table
from airflow_provider_lark.core.sql_side.row_filter import bind_row_filter

ZONE = ZoneInfo("Asia/Shanghai")
#: by key: status, quantity, flag, day, moment (wall clock in Shanghai)
ROWS: dict[int, tuple[Any, ...]] = {
    1: ("open", Decimal("1.50"), True, date(2026, 5, 1), datetime.fromisoformat("2026-05-01T23:59:59")),
    2: ("closed", Decimal("100.00"), False, date(2026, 5, 2), datetime.fromisoformat("2026-05-02T00:00:00")),
    3: (None, None, None, None, None),
    4: ("", Decimal("-3.00"), True, date(2025, 1, 1), datetime.fromisoformat("2025-01-01T12:00:00")),
    5: ("re-open 100%_", Decimal("1.50"), False, date(2026, 5, 1), datetime.fromisoformat("2026-05-01T00:00:00")),
}
CASES: list[tuple[Any, set[int]]] = [
    ({"status": "open"}, {1}),
    ({"status": ["open", "closed"]}, {1, 2}),
    ({"status": None}, {3, 4}),
    ({"status": ["open", None]}, {1, 3, 4}),
    ({"status": {"isNot": "open"}}, {2, 3, 4, 5}),
    ({"status": {"isNot": ["open", None]}}, {2, 5}),
    ({"status": {"isNot": None}}, {1, 2, 5}),
    ({"status": {"isEmpty": False}}, {1, 2, 5}),
    ({"status": {"contains": "open"}}, {1, 5}),
    ({"status": {"contains": ["clos", "%_"]}}, {2, 5}),
    ({"status": {"doesNotContain": "open"}}, {2, 3, 4}),
    ({"qty": 1.5}, {1, 5}),
    ({"qty": {"isGreater": 1.5}}, {2}),
    ({"qty": {"isGreaterEqual": "1.5", "isLess": 100}}, {1, 5}),
    ({"qty": {"isNot": 1.5}}, {2, 3, 4}),
    ({"flag": True}, {1, 4}),
    ({"flag": False}, {2, 3, 5}),
    ({"flag": {"isNot": True}}, {2, 3, 5}),
    ({"moment": "2026-05-01"}, {1, 5}),
    ({"moment": date(2026, 5, 1)}, {1, 5}),
    ({"moment": {"isGreater": "2026-05-01"}}, {2}),
    ({"moment": {"isLessEqual": "2026-05-01"}}, {1, 4, 5}),
    ({"moment": {"isNot": "2026-05-01"}}, {2, 3, 4}),
    ({"moment": "2026-04-30T16:00:00Z"}, {5}),
    ({"moment": {"isGreaterEqual": "2026-05-01 23:59:59"}}, {1, 2}),
    ([{"status": "closed"}, {"qty": {"isLess": 0}, "flag": True}], {2, 4}),
]
DAYS: list[tuple[Any, set[int]]] = [
    ({"day": "2026-05-01"}, {1, 5}),
    ({"day": {"isGreater": "2026-05-01"}}, {2}),
    ({"day": {"isNotEmpty": True}}, {1, 2, 4, 5}),
]
FIELDS = [
    Field(f"fld{at}", name, kind, "", {}, is_primary=False)
    for at, (name, kind) in enumerate([("status", 1), ("qty", 2), ("flag", 7), ("moment", 5), ("tags", 4), ("sum", 20)])
]


@pytest.fixture
def stored(engine: Engine) -> Iterator[sa.Table]:
    made = sa.Table(
        "judged",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("status", sa.String(40)),
        sa.Column("qty", sa.Numeric(10, 2)),
        sa.Column("flag", sa.Boolean),
        sa.Column("day", sa.Date),
        sa.Column("moment", sa.DateTime),
        sa.Column("data", sa.JSON),
    )
    made.create(engine)
    names = ("status", "qty", "flag", "day", "moment")
    with engine.begin() as conn:
        # as the sync writes: SQLite keeps decimals as numbers
        rows = [{"id": id_, **dict(zip(names, row, strict=True))} for id_, row in ROWS.items()]
        if engine.dialect.name == "sqlite":
            rows = [{**row, "qty": None if row["qty"] is None else float(row["qty"])} for row in rows]
        conn.execute(sa.text("INSERT INTO judged (id, status, qty, flag) VALUES (:id, :status, :qty, :flag)"), rows)
        for row in rows:
            conn.execute(made.update().where(made.c.id == row["id"]).values(day=row["day"], moment=row["moment"]))
    yield reflect_table(engine, "judged")
    made.drop(engine)


def test_database_judges_rows_and_no_foresight_contradicts_it(engine: Engine, stored: sa.Table) -> None:
    wrong = []
    for raw, expected in CASES + DAYS:
        bound = bind_row_filter(
            read_filter(raw, "f"), stored, dialect=engine.dialect.name, zone=ZONE, where="mapping 'm': sql.filter"
        )
        with engine.connect() as conn:
            found = set(conn.scalars(sa.select(stored.c.id).where(bound.expression)))
        foreseen = {
            id_: bound.foresee(dict(zip(("status", "qty", "flag", "day", "moment"), row, strict=True)))
            for id_, row in ROWS.items()
        }
        if found != expected or any(told is not (id_ in found) for id_, told in foreseen.items()):
            wrong.append((raw, found, foreseen))
    assert wrong == []


def test_case_is_the_collations_and_is_not_foreseen(engine: Engine, stored: sa.Table) -> None:
    bound = bind_row_filter(
        read_filter({"status": "OPEN"}, "f"), stored, dialect=engine.dialect.name, zone=ZONE, where="w"
    )
    with engine.connect() as conn:
        found = set(conn.scalars(sa.select(stored.c.id).where(bound.expression)))
    assert found == ({1} if engine.dialect.name == "mysql" else set())
    assert [bound.foresee({"status": text}) for text in ("OPEN", "open", "closed", None)] == [True, None, False, False]
    # of a column that nobody has told, nothing is known
    assert bound.foresee({}) is None


def test_records_are_judged_alike_on_lark_s_cells() -> None:
    def cells(row: tuple[Any, ...]) -> dict[str, Any]:
        status, qty, flag, _, moment = row
        told = {
            "status": [{"type": "text", "text": status}] if status else None,
            "qty": None if qty is None else float(qty),
            "flag": flag,
            "moment": None if moment is None else int(moment.replace(tzinfo=ZONE).timestamp() * 1000),
        }
        return {name: value for name, value in told.items() if value is not None}

    wrong = []
    for raw, expected in CASES:
        bound = bind_record_filter(
            read_filter(raw, "f"), lambda name: find_field(name, FIELDS, where="f"), zone=ZONE, where="w"
        )
        found = {id_ for id_, row in ROWS.items() if bound.judge(cells(row))}
        if found != expected:
            wrong.append((raw, found))
    assert wrong == []


def test_cell_of_several_values_meets_what_one_of_them_meets() -> None:
    def judge(raw: Any, tags: Any) -> bool:
        bound = bind_record_filter(
            read_filter(raw, "f"), lambda name: find_field(name, FIELDS, where="f"), zone=UTC, where="w"
        )
        return bound.judge({"tags": tags})

    assert judge({"tags": "a"}, ["a", "b"])
    assert judge({"tags": ["x", "b"]}, ["a", "b"])
    assert not judge({"tags": {"isNot": "a"}}, ["a", "b"])
    assert judge({"tags": {"isNot": "a"}}, [])
    # a shape that is not known is not inside
    assert not judge({"tags": None}, {"odd": 1})


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ([], "f: has no conditions"),
        ({}, "f: has no conditions"),
        ([{"a": 1}, {}], r"f\[1\]: has no conditions"),
        ({"a": {}}, "f.a: no comparison given"),
        ({"a": {"equals": 1}}, "f.a.equals: unknown comparison"),
        ({"a": {"isGreatr": 1}}, "did you mean 'isGreater'"),
        ({"a": ""}, "f.a: needs a non-empty value"),
        ({"a": []}, "an empty list fits no row"),
        ({"a": {"isLess": [1, 2]}}, "takes one value"),
        ({"a": {"isLess": None}}, "needs a value"),
        ({"a": {"isEmpty": "yes"}}, "expected true or false"),
        ({"a": [{"is": 1}]}, "found dict"),
        ("open", "expected conditions such as"),
    ],
)
def test_filter_of_another_shape_is_refused_by_name(raw: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_filter(raw, "f")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("raw", "error", "told"),
    [
        ({"statsu": "x"}, SchemaMismatch, "no column 'statsu'; did you mean 'status'"),
        ({"status": 7}, ConfigError, "column status .*: expected a text, found int; write it in quotes"),
        ({"qty": "x"}, ConfigError, "expected a number"),
        ({"qty": {"contains": 1}}, ConfigError, "contains is not supported; use one of is, isNot"),
        ({"status": {"isGreater": "a"}}, ConfigError, "isGreater is not supported"),
        ({"flag": None}, ConfigError, "NULL counts as false"),
        ({"moment": "tomorrow"}, ConfigError, "expected a date or a datetime"),
        ({"day": "2026-13-01"}, ConfigError, "expected a date such as"),
        ({"data": "x"}, ConfigError, "use one of isEmpty, isNotEmpty"),
    ],
)
def test_condition_that_does_not_fit_its_column_is_refused(
    engine: Engine, stored: sa.Table, raw: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        bind_row_filter(read_filter(raw, "f"), stored, dialect="sqlite", zone=ZONE, where="mapping 'm': sql.filter")


def test_filter_goes_to_plain_data_and_back() -> None:
    for raw, _ in CASES + DAYS:
        filter_ = read_filter(raw, "f")
        assert read_filter(filter_.to_plain(), "f") == filter_


def test_formula_cannot_be_filtered_by() -> None:
    with pytest.raises(ConfigError, match="records cannot be filtered by this field"):
        bind_record_filter(read_filter({"sum": 1}, "f"), lambda _: FIELDS[5], zone=UTC, where="w")
