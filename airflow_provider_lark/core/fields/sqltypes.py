"""What to create where one side is still missing: the Lark field of a column, and the SQL type of a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import JSON, BigInteger, Boolean, DateTime, Double, String, Text

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    SqlType,
    base_type,
    choices,
    decimal_digits,
)
from airflow_provider_lark.core.fields.schema import Field, FieldType

__all__ = ["Column", "ColumnKind", "lark_field_for", "sql_type_for"]

_SELECT_OPTIONS_MAX = 20_000
_LARK_DIGITS = 15
_SCALE_FORMATTERS = ("0", "0.0", "0.00", "0.000", "0.0000")


def lark_field_for(column: Column) -> dict[str, Any]:
    """Return the definition of the field that holds every value of *column*, ready for the create call.

    Numbers that may exceed Lark's 15 digits become Text: NUMERIC of more digits, and a BIGINT that
    the database does not count up itself (a snowflake id).

    :raises SchemaMismatch: no field can hold the column's type.
    """
    make = _MAKERS.get(column.kind) if column.kind else None
    if make is None:
        raise SchemaMismatch(
            f"column {column.describe()}: no Lark field can store this type; leave the column out of the mapping"
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
    may_be_long = isinstance(base_type(column.type), BigInteger) and not column.autoincrement
    return _text(column) if may_be_long else _number("0")


def _decimal(column: Column) -> dict[str, Any]:
    before, after = decimal_digits(column)
    if before is None or after is None:
        # nobody has set a limit: people who keep amounts so want to see numbers; a longer one is refused by name
        return _number("0.00")
    if before + max(after, 0) > _LARK_DIGITS:
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


KEY_LENGTH = 255
"""Characters of a text column that is a key: MySQL's index takes 3,072 bytes."""

_MYSQL = ("mysql", "mariadb")


def sql_type_for(field: Field, dialect: str, *, is_key: bool = False) -> SqlType | None:
    """Return the type of the column that holds every value of *field*; None for a field without values: a button.

    Numbers become doubles, as in Lark, whatever the field shows of them.

    :param dialect: SQLAlchemy's name of the database.
    :param is_key: the column tells rows apart, so it must fit into an index.
    """
    kind = _result_type(field)
    if is_key and kind == FieldType.NUMBER:
        return BigInteger()
    make = _SQL_TYPES.get(kind)
    if make is None:
        return None
    found = make(field, dialect)
    return String(KEY_LENGTH) if is_key and isinstance(found, (Text, mysql.MEDIUMTEXT)) else found


def _result_type(field: Field) -> int:
    """Return the type of a formula's result where the field list tells it and a column of its own fits it."""
    if field.type != FieldType.FORMULA:
        return field.type
    told = field.property.get("type")
    code = told.get("data_type") if isinstance(told, dict) else None
    return code if code in (FieldType.NUMBER, FieldType.DATE_TIME) else FieldType.TEXT


def _long_text(_: Field, dialect: str) -> SqlType:
    # a Lark text of 100,000 characters exceeds MySQL's TEXT of 65,535 bytes
    return mysql.MEDIUMTEXT() if dialect in _MYSQL else Text()


def _json(_: Field, dialect: str) -> SqlType:
    return postgresql.JSONB() if dialect == "postgresql" else JSON()


def _one_or_many(field: Field, dialect: str) -> SqlType:
    return Text() if field.property.get("multiple", True) is False else _json(field, dialect)


def _instant(_: Field, dialect: str) -> SqlType:
    if dialect in _MYSQL:
        return mysql.DATETIME(fsp=3)
    return DateTime(timezone=dialect == "postgresql")


def _short(_: Field, dialect: str) -> SqlType:
    return String(64)


_SQL_TYPES: dict[int, Callable[[Field, str], SqlType]] = {
    FieldType.TEXT: _long_text,
    FieldType.NUMBER: lambda field, dialect: Double(),
    FieldType.SINGLE_SELECT: lambda field, dialect: Text(),
    FieldType.MULTI_SELECT: _json,
    FieldType.DATE_TIME: _instant,
    FieldType.CHECKBOX: lambda field, dialect: Boolean(),
    FieldType.USER: _one_or_many,
    FieldType.PHONE: _short,
    FieldType.URL: _long_text,
    FieldType.ATTACHMENT: _json,
    FieldType.SINGLE_LINK: _one_or_many,
    FieldType.LOOKUP: _long_text,
    FieldType.DUPLEX_LINK: _one_or_many,
    FieldType.LOCATION: _short,
    FieldType.GROUP_CHAT: _one_or_many,
    FieldType.STAGE: _long_text,
    FieldType.CREATED_TIME: _instant,
    FieldType.MODIFIED_TIME: _instant,
    FieldType.CREATED_USER: lambda field, dialect: Text(),
    FieldType.MODIFIED_USER: lambda field, dialect: Text(),
    FieldType.AUTO_NUMBER: lambda field, dialect: Text(),
}
