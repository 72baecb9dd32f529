"""What the generated columns of a row will hold: the database is asked before the row is written.

It computes the expression of such a column over the row as it would be. Where that may differ from what it would store,
nothing is said: of texts outside PostgreSQL, whose comparison depends on the column's collation; of expressions over
other generated columns, or over a value that the database will make.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import (
    CHAR,
    ColumnElement,
    Connection,
    Numeric,
    Select,
    cast,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.savepoints import guarded
from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.fields.column import ColumnKind, kind_of
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sql_side.row_query import process, processor_of

_AT_ONCE = 50
_KINDS = frozenset(
    {ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN, ColumnKind.DATE, ColumnKind.DATE_TIME, ColumnKind.TEXT}
)
_EXACT = _KINDS - {ColumnKind.TEXT}


def names_column(expression: str, column: str) -> bool:
    """Tell whether a generated column's *expression* may use *column*; one that is not known may use any."""
    return not expression or re.search(rf"(?<!\w){re.escape(column)}(?!\w)", expression, re.IGNORECASE) is not None


class RowToBe(NamedTuple):
    """A row as it would be written.

    :param key: of the row that is updated; None for a new one.
    :param bound: the columns that are written, as they are bound.
    """

    key: Key | None
    bound: Mapping[str, Any]


class GeneratedValues:
    """Asks about the generated columns of one table.

    :param codecs: of the mapped columns; only of these the question is answered.
    """

    def __init__(self, conn: Connection, spec: TableSpec, codecs: Mapping[str, ValueCodec]) -> None:
        self._conn = conn
        self._table = spec.table
        self._keys = KeyCodec(spec.key)
        self._key_columns = [spec.table.c[name] for name in spec.key_columns]
        self._codecs = codecs
        computed = {each.name: str(each.computed.sqltext) for each in spec.table.columns if each.computed}
        self._asked = {
            name: text
            for name, text in computed.items()
            if text
            and name in codecs
            and kind_of(spec.table.c[name].type) in _KINDS
            and not any(names_column(text, each) for each in computed)
        }
        texts = self._asked.values()
        self._used = [column for column in spec.table.columns if any(names_column(text, column.name) for text in texts)]

    def foresee(self, rows: Sequence[RowToBe]) -> list[dict[str, Canonical]]:
        """Return what the generated columns of *rows* would hold, as far as that is known."""
        found = [dict[str, Canonical]() for _ in rows]
        if not self._asked:
            return found
        for some in split(range(len(rows)), _AT_ONCE):
            try:
                with guarded(self._conn):
                    found_here = self._ask([rows[place] for place in some])
            except (DBAPIError, ValueMismatch, ValueError, TypeError):
                # what cannot be computed is not known
                continue
            for place, values in found_here.items():
                found[some[place]] = values
        return found

    def _ask(self, rows: Sequence[RowToBe]) -> dict[int, dict[str, Canonical]]:
        selects = [self._select(place, row) for place, row in enumerate(rows)]
        asked = selects[0] if len(selects) == 1 else sqlalchemy.union_all(*selects)
        found = {}
        for place, *values in self._conn.execute(asked):
            named = zip(self._asked, values, strict=True)
            found[place] = {name: self._read(name, value) for name, value in named if self._is_exact(name, rows[place])}
        return found

    def _select(self, place: int, row: RowToBe) -> Select[Any]:
        used = [self._value(column, row).label(column.name) for column in self._used]
        asked = select(*used, literal_column("1").label("lark_row"))
        if row.key is not None:
            key = zip(self._key_columns, self._keys.to_values(row.key), strict=True)
            asked = asked.where(*(column == value for column, value in key))
        from_ = asked.subquery(self._table.name)
        return select(literal_column(str(place)), *(self._computed(name) for name in self._asked)).select_from(from_)

    def _value(self, column: sqlalchemy.Column[Any], row: RowToBe) -> ColumnElement[Any]:
        if column.name in row.bound:
            return self._bound(column, row.bound[column.name])
        if row.key is not None:
            return column
        default = known_default(column)
        return self._bound(column, default[0] if default else None)

    def _bound(self, column: sqlalchemy.Column[Any], value: Any) -> ColumnElement[Any]:
        if self._conn.dialect.name == "postgresql":
            return cast(literal(value, column.type), column.type)
        if self._conn.dialect.name == "sqlite" and isinstance(value, Decimal):
            # as its columns store it, which matters to a division
            return literal(int(value) if value == value.to_integral_value() else float(value))
        return literal(value, column.type)

    def _computed(self, name: str) -> ColumnElement[Any]:
        column = self._table.c[name]
        expression: ColumnElement[Any] = literal_column(f"({self._asked[name]})")
        is_text = kind_of(column.type) is ColumnKind.TEXT and not isinstance(column.type, CHAR)
        rounds = is_mysql(self._conn.dialect) and isinstance(column.type, Numeric) and column.type.asdecimal
        if rounds or (self._conn.dialect.name == "postgresql" and not is_text):
            return type_coerce(cast(expression, column.type), RAW)
        return type_coerce(expression, RAW)

    def _is_exact(self, name: str, row: RowToBe) -> bool:
        used = [column for column in self._used if names_column(self._asked[name], column.name)]
        if row.key is None:
            return all(self._is_known(column, row) and self._compares_alike(column) for column in used)
        return all(self._compares_alike(column) for column in used if column.name in row.bound)

    def _is_known(self, column: sqlalchemy.Column[Any], row: RowToBe) -> bool:
        if column.name in row.bound or known_default(column) is not None:
            return True
        return column.server_default is None and column.identity is None and not column.primary_key

    def _compares_alike(self, column: sqlalchemy.Column[Any]) -> bool:
        kind = kind_of(column.type)
        is_text = kind is ColumnKind.TEXT and self._conn.dialect.name == "postgresql"
        return kind in _EXACT or (is_text and getattr(column.type, "collation", None) is None)

    def _read(self, name: str, value: Any) -> Canonical:
        return self._codecs[name].from_sql(process(processor_of(self._conn, self._table.c[name]), value))


def known_default(column: sqlalchemy.Column[Any]) -> tuple[Any] | None:
    """Return the value that a column gets by its default, as the driver would give it; None where it is not a constant.

    >>> known_default(sqlalchemy.Column("n", sqlalchemy.Integer, server_default=sqlalchemy.text("'7'::integer")))
    (7,)
    """
    default = getattr(column.server_default, "arg", None)
    found = _CONSTANT.match(str(default).strip()) if default is not None else None
    if found is None:
        return None
    if found["null"]:
        return (None,)
    text = found["number"] or found["word"] or (found["text"] or "").replace("''", "'")
    try:
        return _as_kind(kind_of(column.type), text)
    except (ValueError, ArithmeticError):
        return None


_CONSTANT = re.compile(
    r"""\(*(?:'(?P<text>(?:[^'\\]|'')*)'|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>true|false)|(?P<null>null))"""
    r"""(?:::[\w\s.,()"]+)?\)*$""",
    re.IGNORECASE,
)
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


def _as_kind(kind: ColumnKind | None, text: str) -> tuple[Any] | None:
    if kind is ColumnKind.TEXT:
        return (text,)
    if kind is ColumnKind.INTEGER:
        return (int(text),)
    if kind is ColumnKind.DECIMAL:
        return (Decimal(text),)
    if kind is ColumnKind.BOOLEAN and text.lower() in _TRUE | _FALSE:
        return (text.lower() in _TRUE,)
    return None
