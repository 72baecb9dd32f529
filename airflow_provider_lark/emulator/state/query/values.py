"""Plain values of fields, as filters and sorts compare them (lark-api §4.3)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from airflow_provider_lark.emulator.tenant.kinds import FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record

Getter = Callable[[Record], Any]

TEXT_TYPES: Final = frozenset(
    {
        *(FieldType.TEXT, FieldType.PHONE, FieldType.URL),
        *(FieldType.LOCATION, FieldType.AUTO_NUMBER),
    }
)
LIST_TYPES: Final = frozenset(
    {
        *(FieldType.SINGLE_SELECT, FieldType.MULTI_SELECT, FieldType.USER, FieldType.GROUP_CHAT),
        *(FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK, FieldType.CREATED_USER, FieldType.MODIFIED_USER),
    }
)


def getter(column: Field, base: Base) -> Getter:
    """A function from record to the plain value: text, number, ms, bool, or list of names or ids."""
    special = _SPECIAL.get(column.type)
    if special is not None:
        return special(column, base)
    field_id = column.field_id
    return lambda record: record.cells.get(field_id)


def plain_text(held: Any) -> str | None:
    """A text cell without its segments (§3.2)."""
    if held is None or isinstance(held, str):
        return held
    return "".join(str(segment.get("text", "")) for segment in held)


def _text(column: Field, _base: Base) -> Getter:
    field_id = column.field_id

    def get(record: Record) -> Any:
        held = record.cells.get(field_id)
        return held if isinstance(held, str) else plain_text(held)

    return get


def _member(name: str) -> Callable[[Field, Base], Getter]:
    def build(column: Field, _base: Base) -> Getter:
        field_id = column.field_id
        return lambda record: (record.cells.get(field_id) or {}).get(name)

    return build


def _select(column: Field, _base: Base) -> Getter:
    field_id = column.field_id
    names = {each["id"]: each["name"] for each in column.options}

    def get(record: Record) -> Any:
        held = record.cells.get(field_id)
        if held is None:
            return None
        return [names[each] for each in ([held] if isinstance(held, str) else held) if each in names]

    return get


def _serial(_column: Field, _base: Base) -> Getter:
    # the numeric part only, without a custom prefix (§4.3)
    return lambda record: str(record.serial)


_SPECIAL: Final[dict[int, Callable[[Field, Base], Getter]]] = {
    FieldType.TEXT: _text,
    FieldType.URL: _member("text"),  # matches text, not link (§4.3)
    FieldType.LOCATION: _member("full_address"),
    FieldType.SINGLE_SELECT: _select,
    FieldType.MULTI_SELECT: _select,
    FieldType.AUTO_NUMBER: _serial,
    FieldType.CREATED_TIME: lambda _column, _base: attrgetter("created_ms"),
    FieldType.MODIFIED_TIME: lambda _column, _base: attrgetter("modified_ms"),
    FieldType.CREATED_USER: lambda _column, _base: lambda record: [record.created_by],
    FieldType.MODIFIED_USER: lambda _column, _base: lambda record: [record.modified_by],
}
