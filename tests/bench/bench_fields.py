"""Print what one cell costs: python tests/bench/bench_fields.py [rounds]."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from time import process_time
from timeit import repeat
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import Column

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MS = 1_767_225_600_123

# name, field type, column type, zone, wire value, SQL value
CASES: list[tuple[str, FieldType, Any, tzinfo, Any, Any]] = [
    ("text, ascii", FieldType.TEXT, sa.VARCHAR(80), UTC, [{"type": "text", "text": "Haidian"}], "Haidian"),
    ("text, Chinese", FieldType.TEXT, sa.VARCHAR(80), UTC, [{"type": "text", "text": "海淀区"}], "海淀区"),
    ("text in MySQL's TEXT", FieldType.TEXT, mysql.TEXT(), UTC, [{"type": "text", "text": "海淀区"}], "海淀区"),
    ("select", FieldType.SINGLE_SELECT, sa.VARCHAR(80), UTC, "open", "open"),
    ("number, whole", FieldType.NUMBER, sa.INTEGER(), UTC, 110108, 110108),
    ("number, fraction", FieldType.NUMBER, sa.NUMERIC(10, 2), UTC, 12.5, Decimal("12.50")),
    ("number, float column", FieldType.NUMBER, sa.DOUBLE(), UTC, 12.5, 12.5),
    ("text beside INTEGER", FieldType.TEXT, sa.INTEGER(), UTC, [{"type": "text", "text": "110108"}], 110108),
    ("checkbox", FieldType.CHECKBOX, sa.BOOLEAN(), UTC, True, True),
    ("datetime, UTC", FieldType.DATE_TIME, sa.DateTime(), UTC, MS, datetime(2026, 1, 1)),  # noqa: DTZ001
    ("datetime, Shanghai", FieldType.DATE_TIME, sa.DateTime(), SHANGHAI, MS, datetime(2026, 1, 1)),  # noqa: DTZ001
    ("datetime, Berlin", FieldType.DATE_TIME, sa.DateTime(), BERLIN, MS, datetime(2026, 1, 1)),  # noqa: DTZ001
    ("datetime, aware", FieldType.DATE_TIME, sa.DateTime(True), UTC, MS, datetime(2026, 1, 1, tzinfo=UTC)),
    ("date, Shanghai", FieldType.DATE_TIME, sa.DATE(), SHANGHAI, MS, date(2026, 1, 1)),
    ("multi-select, text", FieldType.MULTI_SELECT, sa.TEXT(), UTC, ["red", "blue"], '["red","blue"]'),
    ("person, text", FieldType.USER, sa.TEXT(), UTC, [{"id": "ou_1", "name": "N"}], '["ou_1"]'),
]


def _ns(call: Callable[[], Any], rounds: int) -> int:
    return round(min(repeat(call, number=rounds, repeat=5, timer=process_time)) / rounds * 1e9)


def main(rounds: int = 20_000) -> None:
    """Print nanoseconds of CPU a call, the best of five."""
    empty = _ns(lambda: None, rounds)
    print(f"{'ns a cell':24}{'from_lark':>11}{'to_sql':>9}{'from_sql':>10}{'to_lark':>9}")
    for name, kind, column_type, zone, wire, value in CASES:
        column = Column("c", column_type, dialect="postgresql")
        codec = build_codec(Field("fld", "F", kind), column, time_zone=zone)
        from_lark, to_sql, from_sql, to_lark = codec.from_lark, codec.to_sql, codec.from_sql, codec.to_lark
        canonical = from_lark(wire)
        figures = [
            _ns(lambda f=from_lark, v=wire: f(v), rounds),  # type: ignore[misc]  # bound now, called now
            _ns(lambda f=to_sql, v=canonical: f(v), rounds),  # type: ignore[misc]
            _ns(lambda f=from_sql, v=value: f(v), rounds),  # type: ignore[misc]
            _ns(lambda f=to_lark, v=canonical: f(v), rounds),  # type: ignore[misc]
        ]
        print(f"{name:24}" + "".join(f"{max(0, n - empty):>{w}}" for n, w in zip(figures, (11, 9, 10, 9), strict=True)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
