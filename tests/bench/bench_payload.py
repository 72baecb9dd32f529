"""Print what one cell of a whole record costs, beside the aim: python tests/bench/bench_payload.py [records]."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from time import process_time
from timeit import repeat
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.fields.plain.records import RecordEncoder, RecordReader
from airflow_provider_lark.core.fields.schema import Field, FieldType

AIM_NS = 5_000
MS = 1_767_225_600_123
PERSON = {"id": "ou_1", "name": "Ann", "en_name": "Ann", "email": "ann@x.y", "avatar_url": "https://x"}

# name, field type, natural value, what Lark shows of it
CASES: list[tuple[str, FieldType, Any, Any]] = [
    ("text, ascii", FieldType.TEXT, "Haidian", [{"type": "text", "text": "Haidian"}]),
    ("text, Chinese", FieldType.TEXT, "海淀区", [{"type": "text", "text": "海淀区"}]),
    ("text from a number", FieldType.TEXT, 110108, [{"type": "text", "text": "110108"}]),
    ("number, whole", FieldType.NUMBER, 110108, 110108),
    ("number, float", FieldType.NUMBER, 12.5, 12.5),
    ("number, Decimal", FieldType.NUMBER, Decimal("12.50"), 12.5),
    ("select", FieldType.SINGLE_SELECT, "open", "open"),
    ("multi-select", FieldType.MULTI_SELECT, ["red", "blue"], ["red", "blue"]),
    ("datetime, aware", FieldType.DATE_TIME, datetime(2026, 1, 1, tzinfo=UTC), MS),
    ("datetime, naive", FieldType.DATE_TIME, datetime(2026, 1, 1), MS),  # noqa: DTZ001
    ("datetime, ISO text", FieldType.DATE_TIME, "2026-01-01T08:00:00+08:00", MS),
    ("date", FieldType.DATE_TIME, date(2026, 1, 1), MS),
    ("checkbox", FieldType.CHECKBOX, True, True),
    ("person", FieldType.USER, "ou_1", [PERSON]),
    ("person by e-mail", FieldType.USER, "ann@x.y", [PERSON]),
    ("phone", FieldType.PHONE, "+86 138-0000-0000", "+8613800000000"),
    ("url", FieldType.URL, "https://x", {"text": "https://x", "link": "https://x"}),
    ("link", FieldType.SINGLE_LINK, ["rec1"], {"link_record_ids": ["rec1"]}),
    ("location", FieldType.LOCATION, "116.39,39.9", {"location": "116.39,39.9"}),
]


def main(count: int = 5_000) -> None:
    """Print nanoseconds of CPU a cell, the best of three, for each type and for a record of all."""
    print(f"{'ns a cell':24}{'encode':>9}{'read':>9}   aim: below {AIM_NS}")
    fields = [Field(f"fld{at}", name, kind) for at, (name, kind, _, _) in enumerate(CASES)]
    for field, (name, _, value, wire) in zip(fields, CASES, strict=True):
        print(f"{name:24}{_encode([field], {name: value}, count):>9}{_read([field], {name: wire}, count):>9}")
    natural = {name: value for name, _, value, _ in CASES}
    shown = {name: wire for name, _, _, wire in CASES}
    print(f"{'all in one record':24}{_encode(fields, natural, count):>9}{_read(fields, shown, count):>9}")


def _encode(fields: list[Field], record: dict[str, Any], count: int) -> int:
    encoder = RecordEncoder(
        fields, time_zone=ZoneInfo("Asia/Shanghai"), find_user_ids=lambda emails: dict.fromkeys(emails, "ou_1")
    )
    records = [record] * count
    return _ns(lambda: encoder.encode(records), count * len(record))


def _read(fields: list[Field], cells: dict[str, Any], count: int) -> int:
    reader = RecordReader(fields)
    wire = {"record_id": "rec1", "fields": cells}
    return _ns(lambda: [reader.read(wire) for _ in range(count)], count * len(cells))


def _ns(call: Any, cells: int) -> int:
    return round(min(repeat(call, number=1, repeat=3, timer=process_time)) / cells * 1e9)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
