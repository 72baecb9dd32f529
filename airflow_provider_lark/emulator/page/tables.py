"""Bases and the records of a table on the page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.kinds import LINKS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record, Table

MAX_SHOWN: Final = 2_000
"""Characters of a text that are shown: a page of a hundred cells of 100,000 would take the browser many seconds."""
_LONG: Final = frozenset({FieldType.TEXT, FieldType.URL, FieldType.LOOKUP, FieldType.FORMULA})


def list_bases(state: State) -> list[dict[str, Any]]:
    """Bases with their tables and how many records these hold."""
    with state.lock:
        return [
            {
                "app_token": base.app_token,
                "name": base.name,
                "time_zone": base.time_zone,
                "tables": [
                    {"table_id": each.table_id, "name": each.name, "records": len(each.records)}
                    for each in base.tables.values()
                ],
            }
            for base in state.bases.values()
        ]


def show_table(state: State, base: Base, table: Table, offset: int, limit: int) -> dict[str, Any]:
    """Fields, and *limit* records from *offset* on in the order of their creation, as people see them.

    :returns: cells by field_id in read shape; of links also ``shown``: what stands in the first field of each linked
        record, which ``titles`` describes by the link's field_id. Long texts are cut, and say so.
    """
    reading = Reading(base, table, state.directory, origin=state.origin)
    names = [(each.field_id, each.name) for each in table.fields]
    texts = [each.field_id for each in table.fields if each.type in _LONG]
    far = {each.field_id: _Far.of(state, base, each) for each in table.fields if each.type in LINKS}
    links = [(field_id, found) for field_id, found in far.items() if found is not None]

    def row(record: Record) -> dict[str, Any]:
        fields = reading.fields_of(record)
        cells = {field_id: fields[name] for field_id, name in names if name in fields}
        cells.update({field_id: _cut(cells[field_id]) for field_id in texts if field_id in cells})
        for field_id, found in links:
            if field_id in cells:
                # the answer of fields_of is shared with other readers
                linked = cells[field_id]["link_record_ids"] if cells[field_id] else []
                cells[field_id] = {"link_record_ids": linked, "shown": [found.title_of(each) for each in linked]}
        return {"record_id": record.record_id, "cells": cells}

    return {
        "app_token": base.app_token,
        "base": base.name,
        "time_zone": base.time_zone,
        "table_id": table.table_id,
        "name": table.name,
        "fields": [_field(each) for each in table.fields],
        "titles": {field_id: _field(found.first) for field_id, found in links},
        "total": len(table.records),
        "offset": offset,
        "rows": [row(each) for each in islice(table.records.values(), offset, offset + limit)],
    }


def _cut(value: Any) -> Any:
    """*value* with its texts cut where they are long; the held ones stay as they are."""
    if isinstance(value, str):
        rest = len(value) - MAX_SHOWN
        return value if rest <= 0 else f"{value[:MAX_SHOWN]} … ({rest:,} more characters)"
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return {name: _cut(each) for name, each in value.items()} if isinstance(value, dict) else value


def _field(column: Field) -> dict[str, Any]:
    return {
        "field_id": column.field_id,
        "name": column.name,
        "type": column.type,
        "ui_type": column.ui_type,
        "is_primary": column.is_primary,
        "property": column.settings or {},
    }


@dataclass(frozen=True)
class _Far:
    """The table that a field links to, and the first field of its records, which people call them by."""

    table: Table
    first: Field
    reading: Reading

    @classmethod
    def of(cls, state: State, base: Base, column: Field) -> _Far | None:
        """None where that table is gone."""
        table = base.tables.get((column.settings or {}).get("table_id", ""))
        first = next((each for each in table.fields if each.is_primary), None) if table is not None else None
        if table is None or first is None:
            return None
        return cls(table, first, Reading(base, table, state.directory, origin=state.origin))

    def title_of(self, record_id: str) -> Any:
        """What stands there, in read shape; None where nothing does, or the record is gone."""
        record = self.table.records.get(record_id)
        return None if record is None else self.reading.fields_of(record).get(self.first.name)
