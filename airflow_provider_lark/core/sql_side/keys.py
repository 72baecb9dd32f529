"""The SQL key as canonical text, alike in Python, in the triggers and in the ledger's joins.

A single column's key is its text; a composite one is a compact JSON array of texts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import CITEXT

from airflow_provider_lark.core.database.mysql_options import exact_collation, is_mysql
from airflow_provider_lark.core.database.quoting import quote
from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    base_type,
    decimal_digits,
    integer_range,
    is_padded,
)
from airflow_provider_lark.core.side import Key


class KeyCodec:
    """Turns the values of the key columns into a :data:`Key` and back.

    :param columns: the key columns in the order of the key.
    :raises SchemaMismatch: a column's type has no text form that every database writes alike.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._parts = [(column, _writer_of(column), _reader_of(column)) for column in columns]

    def to_key(self, values: Sequence[Any]) -> Key:
        """Return the key of a row from its key columns' values, as they are read from or bound to SQL.

        :raises ValueMismatch: a value is NULL or is not of its column's type.
        """
        texts = [_checked(column, value, write) for (column, write, _), value in zip(self._parts, values, strict=True)]
        return Key(texts[0] if len(texts) == 1 else _to_json(texts))

    def to_values(self, key: Key) -> tuple[Any, ...]:
        """Return the values to bind to the key columns.

        :raises ValueMismatch: no row can have this key.
        """
        texts = [str(key)] if len(self._parts) == 1 else self._split(key)
        return tuple(_checked(column, text, read) for (column, _, read), text in zip(self._parts, texts, strict=True))

    def normalize(self, text: str) -> Key:
        """Return the one spelling of a key that a person or another program has written."""
        return self.to_key(self.to_values(Key(text)))

    def _split(self, key: Key) -> list[str]:
        try:
            texts = json.loads(key)
        except ValueError:
            texts = None
        if not isinstance(texts, list) or len(texts) != len(self._parts) or not all(isinstance(t, str) for t in texts):
            raise ValueMismatch(f"key: expected a JSON array of {len(self._parts)} strings")
        return texts


def key_sql(dialect: Dialect, columns: Sequence[Column], row: str) -> str:
    """Return the SQL expression of the key's text.

    :param row: what the columns are qualified with: ``NEW``, ``OLD`` or a quoted alias.
    """
    texts = [_text_sql(dialect, column, f"{row}.{quote(dialect, column.name)}") for column in columns]
    if len(texts) == 1:
        return texts[0]
    if dialect.name == "sqlite":
        return f"json_array({', '.join(texts)})"
    if is_mysql(dialect):
        parts = ", ',', ".join(f"JSON_QUOTE({text})" for text in texts)
        return f"CONCAT('[', {parts}, ']') COLLATE {exact_collation(dialect)}"
    return "'[' || " + " || ',' || ".join(f"to_json({text})::text" for text in texts) + " || ']'"


def exact_sql(dialect: Dialect, column: Column, row: str) -> str | None:
    """Return an expression that is equal only to a key column's very text; None where its own equality is that.

    A collation may take ``abc``, ``ABC`` and ``abc`` with a blank behind it for one key, but they are three, as Lark
    sees them.
    """
    if column.kind is not ColumnKind.TEXT:
        return None
    value = f"{row}.{quote(dialect, column.name)}"
    if is_mysql(dialect):
        return _text_sql(dialect, column, value)
    if dialect.name == "sqlite":
        return f"{value} COLLATE BINARY"
    own = base_type(column.type)
    blind = isinstance(own, CITEXT) or getattr(own, "collation", None)
    return f'{value}::text COLLATE "C"' if blind else None


def exact_key_sql(dialect: Dialect, columns: Sequence[Column], row: str) -> str:
    """Return the same as :func:`key_sql`, to group or compare by: equal for the very same text alone."""
    text = key_sql(dialect, columns, row)
    if is_mysql(dialect):
        return text
    return f"({text}) COLLATE {'BINARY' if dialect.name == 'sqlite' else quote(dialect, 'C')}"


def _text_sql(dialect: Dialect, column: Column, value: str) -> str:
    if is_mysql(dialect):
        if getattr(column.type, "zerofill", False):
            value = f"CAST({value} AS UNSIGNED)"
        # not CAST AS CHAR: that would use the character set of whoever installs the trigger
        return f"CONVERT({value} USING utf8mb4) COLLATE {exact_collation(dialect)}"
    if dialect.name == "sqlite":
        return f"CAST({value} AS TEXT)"
    if column.kind is ColumnKind.DATE:
        # a cast would follow the session's DateStyle
        return f"to_char({value}, 'YYYY-MM-DD')"
    return f"{value}::text"


def _to_json(texts: Sequence[str]) -> str:
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _checked(column: Column, value: Any, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError, ArithmeticError):
        raise ValueMismatch(
            f"key column {column.describe()}: expected {_EXPECTED[_kind(column)]}, got {type(value).__name__}"
        ) from None


_EXPECTED = {
    ColumnKind.TEXT: "text",
    ColumnKind.INTEGER: "a whole number in the column's range",
    ColumnKind.DECIMAL: "a whole number in the column's range",
    ColumnKind.UUID: "a UUID",
    ColumnKind.DATE: "a date (YYYY-MM-DD)",
}


def _kind(column: Column) -> ColumnKind:
    kind = column.kind
    whole = kind is not ColumnKind.DECIMAL or decimal_digits(column)[1] == 0
    if kind not in _EXPECTED or not whole:
        raise SchemaMismatch(
            f"key column {column.describe()} cannot be a key: only integers, text, UUIDs and dates have the same text "
            "form in every database; choose other columns under key:"
        )
    return kind


def _writer_of(column: Column) -> Callable[[Any], str]:
    kind = _kind(column)
    if kind is ColumnKind.TEXT:
        return _write_padded if is_padded(column) else _write_text
    if kind is ColumnKind.UUID:
        return lambda value: str(value if isinstance(value, UUID) else UUID(value))
    if kind is ColumnKind.DATE:
        return _write_date
    return lambda value: str(_whole(value))


def _reader_of(column: Column) -> Callable[[str], Any]:
    kind = _kind(column)
    if kind is ColumnKind.TEXT:
        return _read_text
    if kind is ColumnKind.UUID:
        return UUID
    if kind is ColumnKind.DATE:
        return date.fromisoformat
    if kind is ColumnKind.DECIMAL:
        limit = 10 ** (decimal_digits(column)[0] or 38)
        return lambda text: Decimal(_in_range(text, 1 - limit, limit - 1))
    least, greatest = integer_range(column)
    return lambda text: _in_range(text, least, greatest)


def _in_range(text: str, least: int, greatest: int) -> int:
    number = _whole(text)
    if not least <= number <= greatest:
        raise ValueError
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise TypeError
    number = int(value)
    if number != (value if not isinstance(value, str) else number):
        raise ValueError
    return number


def _write_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _write_padded(value: Any) -> str:
    # PostgreSQL reads CHAR(n) with its blanks, and casts it to text without them
    return _write_text(value).rstrip(" ")


def _read_text(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


def _write_date(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, (date, str)):
        raise TypeError
    return (date.fromisoformat(value) if isinstance(value, str) else value).isoformat()
