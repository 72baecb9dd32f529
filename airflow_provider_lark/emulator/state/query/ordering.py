"""``sort`` of records/search (lark-api §2.4, §4.5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.state.query.values import getter
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.kinds import SELECTS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record, Table

MAX_SORTS: Final = 100
MAX_LENGTH: Final = 1000

_TIMES: Final = frozenset({FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})


def parse_sort(sort: object, table: Table, *, strict: bool = True) -> list[tuple[Field, bool]]:
    """The fields to sort by and whether descending.

    :raises ApiError: 1254016 for an unknown field; ``last_modified_time`` and its like are no fields (§4.5).
    """
    if sort is None:
        return []
    if not isinstance(sort, list):
        raise ApiError(1254016, "sort must be a list")
    if len(sort) > MAX_SORTS:
        raise ApiError(1254016, f"a search may have at most {MAX_SORTS} sorts")
    if len(json.dumps(sort, ensure_ascii=False, separators=(",", ":"))) > MAX_LENGTH:
        raise ApiError(1254108, f"a sort may have at most {MAX_LENGTH} characters")
    parsed: list[tuple[Field, bool]] = []
    for each in sort:
        if not isinstance(each, Mapping):
            raise ApiError(1254016, "a sort must be {field_name, desc}")
        unknown = sorted(set(each) - {"field_name", "desc"})
        if unknown and strict:
            raise invalid(f"sort.{unknown[0]}", "", f"sort: unknown member {unknown[0]!r}")
        name, desc = each.get("field_name"), False if each.get("desc") is None else each["desc"]
        if not isinstance(desc, bool):
            raise invalid("sort.desc", desc, "desc must be true or false")
        column = table.field_named(name) if isinstance(name, str) else None
        if column is None:
            raise ApiError(1254016, "the sort contains an unknown field")
        parsed.append((column, desc))
    return parsed


def order(records: list[Record], sorts: list[tuple[Field, bool]], base: Base, switches: Switches) -> list[Record]:
    """The records in order; empty cells come last, equal ones keep the table's order."""
    for column, desc in reversed(sorts):
        if column.type in _TIMES and switches.sort_ms_exact:
            records = sorted(records, key=getter(column, base), reverse=desc)
            continue
        key = _key(column, base, switches)
        filled = [(value, record) for record in records if (value := key(record)) is not None]
        empty = [record for record in records if key(record) is None] if len(filled) < len(records) else []
        filled.sort(key=lambda pair: pair[0], reverse=desc)
        records = [record for _, record in filled] + empty
    return records


def _key(column: Field, base: Base, switches: Switches) -> Callable[[Record], Any]:
    get = getter(column, base)
    if column.type in _TIMES and not switches.sort_ms_exact:
        return lambda record: get(record) // 1000
    if column.type == FieldType.AUTO_NUMBER:
        return lambda record: record.serial
    if column.type in SELECTS:
        rank = {each["name"]: place for place, each in enumerate(column.options)}
        return lambda record: [rank[each] for each in held] if (held := get(record)) else None
    if column.type in {FieldType.NUMBER, FieldType.DATE_TIME, FieldType.CHECKBOX}:
        return get

    def as_text(record: Record) -> str | None:
        held = get(record)
        return held if held is None or isinstance(held, str) else json.dumps(held, sort_keys=True)

    return as_text
