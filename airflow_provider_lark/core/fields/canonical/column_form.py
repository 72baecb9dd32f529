"""The canonical form that a column has by itself: what a text, or a formula, beside it is taken as."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_lark.core.fields.canonical import boolean, day, number, text
from airflow_provider_lark.core.fields.canonical import time as clock
from airflow_provider_lark.core.fields.canonical.json import JSON_FORM, sql_json
from airflow_provider_lark.core.fields.column import ColumnKind
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, TextForm


def column_form(pair: FieldColumn) -> tuple[TextForm, Converter]:
    """Return the column's own canonical form and converter: what a text, or a formula, is taken as."""
    make = _COLUMN_FORMS.get(pair.column.kind) if pair.column.kind else None
    if make is None:
        raise pair.mismatch("map a list column to a MultiSelect, User, GroupChat or link field")
    return make(pair)


def _number_column(pair: FieldColumn) -> tuple[TextForm, Converter]:
    form = number.float_text(pair) if pair.column.kind is ColumnKind.FLOAT else number.NUMBER
    return form, number.sql_number(pair, for_lark_number=False)


def _boolean_column(pair: FieldColumn) -> tuple[TextForm, Converter]:
    return boolean.BOOLEAN, boolean.sql_boolean(pair, empty=None if pair.column.nullable else False)


def _date_time_column(pair: FieldColumn) -> tuple[TextForm, Converter]:
    return clock.instant_form(pair.time_zone, clock.settle_instant(pair)), clock.sql_date_time(pair)


_COLUMN_FORMS: dict[ColumnKind, Callable[[FieldColumn], tuple[TextForm, Converter]]] = {
    ColumnKind.TEXT: lambda pair: (text.TEXT, text.sql_text(pair)),
    ColumnKind.INTEGER: _number_column,
    ColumnKind.DECIMAL: _number_column,
    ColumnKind.FLOAT: _number_column,
    ColumnKind.BOOLEAN: _boolean_column,
    ColumnKind.DATE: lambda pair: (day.DATE, day.sql_date(pair)),
    ColumnKind.DATE_TIME: _date_time_column,
    ColumnKind.TIME: lambda pair: (day.time_form(pair), day.sql_time(pair)),
    ColumnKind.UUID: lambda pair: (text.UUID_FORM, text.sql_uuid(pair)),
    ColumnKind.JSON: lambda pair: (JSON_FORM, sql_json(pair)),
}
