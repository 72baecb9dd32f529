"""From a value of SQL to the value that a field is written, through the codecs of the sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import types as sa

from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec, build_codec
from airflow_provider_lark.core.fields.column import Column, SqlType
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.sql_side.row_query import Processor, process
from airflow_provider_lark.core.transfer.to_bitable.sql_users import SqlUsers

Encode = Callable[[Any], Any]

#: the column that a value of a query is taken to come from; the first class that fits decides
VALUE_TYPES: tuple[tuple[type | tuple[type, ...], SqlType], ...] = (
    (str, sa.Text()),
    (bool, sa.Boolean()),
    (int, sa.BigInteger()),
    (float, sa.Double()),
    (Decimal, sa.Numeric()),
    (datetime, sa.DateTime()),
    (date, sa.Date()),
    (time, sa.Time()),
    # MySQL's drivers give a TIME so
    (timedelta, sa.Time()),
    (UUID, sa.Uuid()),
    ((list, dict, tuple), sa.JSON()),
)


def column_encoder(field: Field, column: Column, zone: Zone, users: SqlUsers, convert: Processor) -> Encode:
    """Return the encoder of a table's column.

    :raises SchemaMismatch: the column does not fit the field.
    """
    codec = build_codec(field, column, time_zone=zone, user_key=users.key, find_user_id=users.find)
    if convert is None:
        return _through(codec)
    from_sql, to_lark = codec.from_sql, codec.to_lark
    return lambda value: to_lark(from_sql(process(convert, value)))


def value_encoder(field: Field, name: str, zone: Zone, users: SqlUsers) -> Encode:
    """Return the encoder of a query's column, whose type is told by each value: it may differ from row to row."""
    encoders: dict[type, Encode] = {}

    def encode(value: Any) -> Any:
        kind = type(value)
        found = encoders.get(kind)
        if found is None:
            found = encoders[kind] = _encoder_for(field, name, value, zone, users)
        return found(value)

    return encode


def _encoder_for(field: Field, name: str, value: Any, zone: Zone, users: SqlUsers) -> Encode:
    sql_type = sa.Text() if value is None else type_of_value(value)
    if sql_type is None:
        raise ValueMismatch(
            f"column {name!r} to field {field.describe()}: a {type(value).__name__} cannot be stored in Lark; CAST it "
            "to text"
        )
    try:
        return column_encoder(field, Column(name, sql_type), zone, users, None)
    except SchemaMismatch as error:
        if value is None:
            return lambda value: None
        raise ValueMismatch(error.message) from None


def type_of_value(value: Any) -> SqlType | None:
    """Return the type of the column that a driver reads *value* from, None for bytes and the like."""
    return next((sql_type for kinds, sql_type in VALUE_TYPES if isinstance(value, kinds)), None)


def _through(codec: ValueCodec) -> Encode:
    from_sql, to_lark = codec.from_sql, codec.to_lark
    return lambda value: to_lark(from_sql(value))
