"""Read shapes of the deprecated record routes, where they differ from those of search (lark-api §3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.tenant.kinds import FieldType
from airflow_provider_lark.emulator.tenant.model import Field, Record


@dataclass(frozen=True)
class OldReading:
    """Renders records for ``GET …/records``.

    :param text_as_array: texts as segments, as search gives them.
    :param formula_refs: formulas and lookups as ``[{text, type}]`` instead of plain text.
    """

    reading: Reading
    text_as_array: bool = False
    formula_refs: bool = False

    def fields_of(self, record: Record) -> dict[str, Any]:
        """All filled fields by name."""
        shown = self.reading.fields_of(record)
        columns = [each for each in self.reading.table.fields if each.name in shown]
        return {each.name: _render(self, each, shown[each.name]) for each in columns}


def number_text(value: float) -> str:
    """A number as text, without an exponent."""
    return format(Decimal(repr(value)), "f")


def _render(old: OldReading, column: Field, shown: Any) -> Any:
    shape = _SHAPES.get(column.type)
    return shown if shape is None else shape(old, column, shown)


def _joined(segments: Any) -> str:
    return "".join(str(each.get("text", "")) for each in segments)


def _text(old: OldReading, _column: Field, shown: Any) -> Any:
    return shown if old.text_as_array else _joined(shown)


def _number(_old: OldReading, _column: Field, shown: Any) -> Any:
    return number_text(shown)


def _links(old: OldReading, column: Field, shown: Any) -> Any:
    table_id = (column.settings or {}).get("table_id", "")
    target = old.reading.base.tables.get(table_id)
    record_ids: list[str] = shown.get("link_record_ids", [])
    texts: list[str] = []
    if target is not None:
        reading = Reading(old.reading.base, target, old.reading.directory, origin=old.reading.origin)
        primary = target.fields[0]
        for record_id in record_ids:
            record = target.records.get(record_id)
            value = reading.fields_of(record).get(primary.name) if record is not None else None
            texts.append(_joined(value) if isinstance(value, list) else str(value or ""))
    return [
        {
            "record_ids": record_ids,
            "table_id": table_id,
            "text": ",".join(texts),
            "text_arr": texts,
            "type": "text",
        }
    ]


def _computed(old: OldReading, _column: Field, shown: Any) -> Any:
    values = shown.get("value", []) if isinstance(shown, dict) else [shown]
    texts = [each["text"] if isinstance(each, dict) and "text" in each else _plain(each) for each in values]
    return [{"text": each, "type": "text"} for each in texts] if old.formula_refs else ",".join(texts)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else str(value)


def _single_person(_old: OldReading, _column: Field, shown: Any) -> Any:
    return shown[0]


_SHAPES: Final[dict[int, Callable[[OldReading, Field, Any], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_LINK: _links,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOOKUP: _computed,
    FieldType.FORMULA: _computed,
    FieldType.CREATED_USER: _single_person,
    FieldType.MODIFIED_USER: _single_person,
}
