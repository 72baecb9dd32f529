"""Reading rows of a SQL table into canonical values, one value at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Select, select, type_coerce

from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.database.refusals import reason
from airflow_provider_lark.core.errors import RowError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.exact_json import ExactJson
from airflow_provider_lark.core.side import Key, Row, SqlRow
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sql_side.row_filter import as_mark


class RowQuery:
    """A SELECT of key and columns, and the way from its result to rows.

    Values are converted one by one, not by SQLAlchemy's cursor: SQLite keeps anything in any column, and one
    unreadable date would take the whole page along.
    """

    def __init__(
        self, conn: Connection, spec: TableSpec, key_codec: KeyCodec, codecs: Mapping[str, ValueCodec]
    ) -> None:
        names = [*spec.key_columns, *codecs]
        columns = [as_driver_gives(spec.table.c[name]).label(f"c{i}") for i, name in enumerate(names)]
        # of each row the database itself says whether it belongs to the mapping
        self._is_filtered = spec.filter is not None
        marks = [] if spec.filter is None else [as_mark(spec.filter.expression).label("belongs")]
        self.statement = cast("Select[Any]", select(*columns, *marks))
        width = len(spec.key_columns)
        self._key_codec = key_codec
        self._key = [processor_of(conn, spec.table.c[name]) for name in spec.key_columns]
        self._cells = [
            (width + i, name, processor_of(conn, spec.table.c[name]), codec.from_sql)
            for i, (name, codec) in enumerate(codecs.items())
        ]

    def decode(self, raw: Sequence[Any]) -> SqlRow:
        """Read a row of the result; values without a canonical form become its problems."""
        problems: list[RowError] = []
        outside = self._is_filtered and not raw[-1]
        try:
            key = self._key_codec.to_key([process(to, raw[i]) for i, to in enumerate(self._key)])
        except ValueMismatch as exc:
            # such a row cannot be addressed, but it must not hide
            shown = ", ".join(str(raw[i]) for i in range(len(self._key)))
            return Row(Key(shown), {}, problems=(exc,), outside=outside)
        values: dict[str, Canonical] = {}
        for i, name, convert, from_sql in self._cells:
            try:
                values[name] = from_sql(raw[i] if convert is None else process(convert, raw[i]))
            except ValueMismatch as exc:
                problems.append(ValueMismatch(f"row {key!r}: {exc.message}"))
        return Row(key, values, problems=tuple(problems), outside=outside)

    def unreadable(self, raw_key: Sequence[Any]) -> SqlRow:
        """Return a row of which nothing but its key could be read."""
        try:
            key = self._key_codec.to_key([process(to, raw_key[i]) for i, to in enumerate(self._key)])
        except ValueMismatch:
            key = Key(", ".join(map(str, raw_key)))
        problem = ValueMismatch(f"row {key!r}: the database driver cannot read one of its values; correct it in SQL")
        return Row(key, {}, problems=(problem,))


def unaskable(key: Key, exc: Exception) -> SqlRow:
    """Return a row whose key the database cannot even be asked for."""
    problem = ValueMismatch(
        f"row {key!r}: the database cannot look up this key: {reason(exc)}; it contains characters or a number that "
        "the key column or the connection does not support"
    )
    return Row(key, {}, problems=(problem,))


Processor = Callable[[Any], Any] | None


def processor_of(conn: Connection, column: sqlalchemy.Column[Any]) -> Processor:
    """Return what makes the driver's value of *column* the one that its codec reads, None for nothing."""
    if Column.from_reflected(column, conn.dialect.name).takes_driver_values:
        return None
    return column.type.dialect_impl(conn.dialect).result_processor(conn.dialect, None)


def as_driver_gives(column: sqlalchemy.Column[Any]) -> ColumnElement[Any]:
    """Return *column* to select from, whose values come as the driver has them, unconverted."""
    return type_coerce(column.type.as_text(column) if isinstance(column.type, ExactJson) else column, RAW)


def process(convert: Processor, value: Any) -> Any:
    """Convert one value of the driver; what cannot be converted stays as it is, for the codec to refuse by name."""
    if convert is None or value is None:
        return value
    try:
        return convert(value)
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return value
