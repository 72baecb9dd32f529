"""Booleans: checkboxes, which know no third state, and the columns that hold 0 and 1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.fields.column import ColumnKind
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, TextForm

_TRUE = frozenset({"true", "1", "yes", "是"})
_FALSE = frozenset({"false", "0", "no", "否"})


def _parse_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError


def _format_boolean(value: bool) -> str:
    return "true" if value else "false"


BOOLEAN = TextForm("boolean", _parse_boolean, _format_boolean, "true or false (also 1, 0, yes, no, 是, 否)")


def lark_checkbox(pair: FieldColumn) -> Converter:
    """A checkbox: an untouched one is absent and means no."""
    refuse = pair.refuse_lark

    def read(wire: Any) -> bool:
        if wire is True or wire is False:
            return wire
        if wire is None:
            return False
        raise refuse(wire, "true or false")

    return Converter(read, bool)


def sql_boolean(pair: FieldColumn, *, empty: bool | None) -> Converter:
    """A BOOLEAN column, or a number column that holds 0 and 1.

    :param empty: what NULL means: False beside a checkbox, which knows no third state.
    """
    refuse = pair.refuse_sql
    as_number = pair.column.kind is not ColumnKind.BOOLEAN

    def read(value: Any) -> bool | None:
        if value is True or value is False:
            return bool(value)
        if value is None:
            return empty
        if isinstance(value, (int, float, Decimal)) and value in (0, 1):
            return bool(value)
        if value in (b"\0", b"\1"):
            return bool(value == b"\1")
        raise refuse(value, "a boolean, 0 or 1")

    def write(value: bool | None) -> bool | int | None:
        return int(value) if as_number and value is not None else value

    return Converter(read, write)


def sql_zero_one(pair: FieldColumn) -> Converter:
    """A BOOLEAN column beside a Number field: 0 and 1."""
    inner = sql_boolean(pair, empty=None if pair.column.nullable else False)
    refuse = pair.refuse_lark

    def read(value: Any) -> Decimal | None:
        flag = inner.read(value)
        return None if flag is None else Decimal(int(flag))

    def write(number: Decimal | int | None) -> bool | None:
        if number is None:
            return None
        if number not in (0, 1):
            raise refuse(number, "0 or 1")
        return bool(number)

    return Converter(read, write)
