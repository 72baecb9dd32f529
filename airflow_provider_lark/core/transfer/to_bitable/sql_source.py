"""What a transfer reads from SQL: a table or a query, as a stream of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Select, Table, select, text
from sqlalchemy.exc import StatementError

from airflow_provider_lark.core.database.driver_values import driver_value
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.refusals import concerns_a_row, words_of
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.sql_side.reflection import columns_of, reflect_table
from airflow_provider_lark.core.sql_side.row_query import Processor, as_driver_gives, processor_of
from airflow_provider_lark.core.transfer.to_bitable.cells import Encode, column_encoder, value_encoder
from airflow_provider_lark.core.transfer.to_bitable.guess import guess_column
from airflow_provider_lark.core.transfer.to_bitable.sql_users import SqlUsers

FETCH_ROWS = 1000
"""Rows that the database sends at once; no more of the result is in memory."""

# the server drops a client that does not read for so long, by default 60 s, and Lark may keep us waiting longer
_MYSQL_PATIENCE = "SET SESSION net_write_timeout = 1800"
# a role may have a shorter time, after which the server ends a transaction that waits for Lark
_POSTGRES_PATIENCE = "SET LOCAL idle_in_transaction_session_timeout = '30min'"

# neither a cast, a::int, nor the minutes of a time
_NAMED = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")

_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)

Rows = list[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A table by name, or a query.

    :param sql: a SELECT, executed as it is written; with *parameters*, ``:name`` stands for a value.
    :param table: a table's name, instead of *sql*.
    """

    sql: str | None = None
    parameters: Mapping[str, Any] | None = None
    table: str | None = None
    schema: str | None = None
    description: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if bool(self.sql) == bool(self.table):
            raise ConfigError("give either sql (a query) or source_table (the name of a table)")
        name = f"{self.schema}.{self.table}" if self.schema else self.table
        object.__setattr__(self, "description", f"table {name!r}" if self.table else "the query")

    def open(self, conn: Connection) -> OpenSource:
        """Prepare the reading on *conn*, whose transaction lasts until the last row is read.

        :raises SchemaMismatch: there is no such table.
        """
        if is_mysql(conn.dialect):
            conn.exec_driver_sql(_MYSQL_PATIENCE)
        elif conn.dialect.name == "postgresql":
            conn.exec_driver_sql(_POSTGRES_PATIENCE)
        if self.table:
            return _OpenTable(conn, self, reflect_table(conn, self.table, self.schema))
        return _OpenQuery(conn, self)


class OpenSource(Protocol):
    """A source whose columns are known and whose rows wait."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""
        ...

    @property
    def is_ordered(self) -> bool:
        """Whether the rows seem to come in the same order each time."""
        ...

    def describe(self, name: str) -> Column:
        """Return what is known of a column, for the field to be made of it."""
        ...

    def encoder(self, name: str, field: Field, zone: Zone, users: SqlUsers) -> Encode:
        """Return what turns the column's values into those that *field* is written."""
        ...

    def rows(self, names: Sequence[str]) -> Iterator[Rows]:
        """Yield all rows part by part, each with the values of *names* in this order. Call it once."""
        ...

    def close(self) -> None:
        """Tell the database that no more rows are wanted; before the connection is closed."""
        ...


class _OpenTable:
    """Rows of a table, in the order of its primary key."""

    def __init__(self, conn: Connection, source: SqlSource, table: Table) -> None:
        self._conn = conn
        self._source = source
        self._table = table
        self._described = {column.name: column for column in columns_of(table)}
        self._result: CursorResult[Any] | None = None

    @property
    def columns(self) -> Sequence[str]:
        return list(self._described)

    @property
    def is_ordered(self) -> bool:
        return bool(self._table.primary_key.columns)

    def describe(self, name: str) -> Column:
        return self._described[name]

    def encoder(self, name: str, field: Field, zone: Zone, users: SqlUsers) -> Encode:
        convert: Processor = processor_of(self._conn, self._table.c[name])
        return column_encoder(field, self._described[name], zone, users, convert)

    def rows(self, names: Sequence[str]) -> Iterator[Rows]:
        # the driver's own values, converted one by one: one unreadable date must not take the others along
        chosen = [as_driver_gives(self._table.c[name]).label(f"c{i}") for i, name in enumerate(names)]
        statement: Select[Any] = select(*chosen).order_by(*self._table.primary_key.columns)
        self._result = self._conn.execute(statement, execution_options=_STREAM)
        yield from _parts(self._result, self._source)

    def close(self) -> None:
        if self._result is not None:
            self._result.close()


class _OpenQuery:
    """Rows of a query, whose values tell their types."""

    def __init__(self, conn: Connection, source: SqlSource) -> None:
        self._result = _execute(conn, source)
        if not self._result.returns_rows:
            raise ConfigError("sql: the statement does not return rows; use a SELECT")
        self._columns = list(self._result.keys())
        self._is_ordered = _ORDER.search(source.sql or "") is not None
        self._parts = _parts(self._result, source)
        self._first: Rows | None = None

    @property
    def columns(self) -> Sequence[str]:
        return self._columns

    @property
    def is_ordered(self) -> bool:
        return self._is_ordered

    def describe(self, name: str) -> Column:
        """Guess the column's type from the first rows."""
        if self._first is None:
            self._first = next(self._parts, [])
        at = self._columns.index(name)
        return guess_column(name, [row[at] for row in self._first])

    def encoder(self, name: str, field: Field, zone: Zone, users: SqlUsers) -> Encode:
        return value_encoder(field, name, zone, users)

    def rows(self, names: Sequence[str]) -> Iterator[Rows]:
        # a query may call two columns the same: all of them are the rows as they come
        is_whole = list(names) == self._columns
        places = [self._columns.index(name) for name in names]
        if self._first:
            yield self._first if is_whole else [[row[at] for at in places] for row in self._first]
            self._first = None
        for rows in self._parts:
            yield rows if is_whole else [[row[at] for at in places] for row in rows]

    def close(self) -> None:
        self._result.close()


# SQLAlchemy would cut the names of SQLite at a dot
_STREAM: dict[str, Any] = {"stream_results": True, "yield_per": FETCH_ROWS, "sqlite_raw_colnames": True}


def _execute(conn: Connection, source: SqlSource) -> CursorResult[Any]:
    try:
        if source.parameters:
            values = {name: driver_value(conn.dialect, value) for name, value in source.parameters.items()}
            return conn.execute(text(source.sql or ""), values, execution_options=_STREAM)
        # as it is written: it may hold colons and per cent signs
        return conn.exec_driver_sql(source.sql or "", execution_options={**_STREAM, "no_parameters": True})
    except StatementError as exc:
        if not concerns_a_row(exc):
            raise
        raise ConfigError(_refusal(source, words_of(exc))) from exc


def _refusal(source: SqlSource, words: str) -> str:
    names = dict.fromkeys(_NAMED.findall(source.sql or ""))
    unset = [name for name in names if name not in (source.parameters or {})]
    hint = f"; it names {', '.join(f':{name}' for name in unset)}: give the values as parameters" if unset else ""
    return f"sql: the database rejected the query: {words}{hint}"


def _parts(result: CursorResult[Any], source: SqlSource) -> Iterator[Rows]:
    parts = result.partitions(FETCH_ROWS)
    while True:
        try:
            part = next(parts, None)
        except StatementError as exc:
            # what is computed row by row fails when it is fetched
            if not concerns_a_row(exc):
                raise
            raise ConfigError(
                f"{source.description}: the database failed while returning rows: {words_of(exc)}"
            ) from exc
        if part is None:
            return
        yield list(part)


def renamed(column: Column, name: str, *, is_key: bool) -> Column:
    """Return the description of a column under the name of its field.

    :raises SchemaMismatch: no field can hold it.
    """
    if column.kind is None:
        raise SchemaMismatch(
            f"column {column.describe()}: no Lark field can store this type; leave it out with fields="
        )
    return replace(column, name=name, is_key=is_key)
