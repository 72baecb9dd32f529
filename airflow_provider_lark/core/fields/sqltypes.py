"""The SQL side as the mapping sees it: a :class:`Column`, and the Lark field to create where there is none yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.types import BigInteger

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    base_type,
    choices,
    decimal_digits,
)
from airflow_provider_lark.core.fields.schema import FieldType

__all__ = ["Column", "ColumnKind", "lark_field_for"]

_SELECT_OPTIONS_MAX = 20_000
_LARK_DIGITS = 15
_SCALE_FORMATTERS = ("0", "0.0", "0.00", "0.000", "0.0000")


def lark_field_for(column: Column) -> dict[str, Any]:
    """Return the definition of the field that holds every value of *column*, ready for the create call.

    Whole numbers that may exceed Lark's 15 digits become Text: NUMERIC beyond 15 digits without decimals, and a
    BIGINT key that the database does not count up itself (a snowflake id).

    :raises SchemaMismatch: no field can hold the column's type.
    """
    make = _MAKERS.get(column.kind) if column.kind else None
    if make is None:
        raise SchemaMismatch(
            f"column {column.describe()}: no Lark field can hold this type; leave the column out of the mapping"
        )
    return {"field_name": column.name, **make(column)}


def _text(_: Column) -> dict[str, Any]:
    return {"type": int(FieldType.TEXT), "ui_type": "Text"}


def _text_or_choice(column: Column) -> dict[str, Any]:
    allowed = choices(column)
    # a primary field must not be a select, and keys are what a primary field is for
    if allowed is None or column.is_key or len(allowed) > _SELECT_OPTIONS_MAX:
        return _text(column)
    names = getattr(base_type(column.type), "enums", sorted(allowed))
    return {
        "type": int(FieldType.SINGLE_SELECT),
        "ui_type": "SingleSelect",
        "property": {"options": [{"name": name} for name in names if name]},
    }


def _number(formatter: str) -> dict[str, Any]:
    return {"type": int(FieldType.NUMBER), "ui_type": "Number", "property": {"formatter": formatter}}


def _integer(column: Column) -> dict[str, Any]:
    if getattr(base_type(column.type), "display_width", None) == 1:
        return _checkbox(column)
    may_be_long = isinstance(base_type(column.type), BigInteger) and column.is_key and not column.autoincrement
    return _text(column) if may_be_long else _number("0")


def _decimal(column: Column) -> dict[str, Any]:
    before, after = decimal_digits(column)
    if before is None or after is None:
        return _number("0.00")
    if after <= 0 and before > _LARK_DIGITS:
        return _text(column)
    return _number(_SCALE_FORMATTERS[max(0, min(after, len(_SCALE_FORMATTERS) - 1))])


def _checkbox(column: Column) -> dict[str, Any]:
    if column.is_key:
        return _number("0")
    return {"type": int(FieldType.CHECKBOX), "ui_type": "Checkbox"}


def _date_time(formatter: str) -> dict[str, Any]:
    return {"type": int(FieldType.DATE_TIME), "ui_type": "DateTime", "property": {"date_formatter": formatter}}


_MAKERS: dict[ColumnKind, Callable[[Column], dict[str, Any]]] = {
    ColumnKind.TEXT: _text_or_choice,
    ColumnKind.INTEGER: _integer,
    ColumnKind.DECIMAL: _decimal,
    ColumnKind.FLOAT: lambda column: _number("0.00"),
    ColumnKind.BOOLEAN: _checkbox,
    ColumnKind.DATE: lambda column: _date_time("yyyy-MM-dd"),
    ColumnKind.DATE_TIME: lambda column: _date_time("yyyy-MM-dd HH:mm"),
    ColumnKind.TIME: _text,
    ColumnKind.JSON: _text,
    ColumnKind.UUID: _text,
    ColumnKind.ARRAY: lambda column: {"type": int(FieldType.MULTI_SELECT), "ui_type": "MultiSelect"},
}
