"""A SQL table behind the store port: set-based SQLAlchemy Core in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    literal_column,
)

from airflow_provider_lark.core.chunks import STATEMENT_ROWS, split
from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.database.predicates import are_among, is_after
from airflow_provider_lark.core.database.quoting import quote
from airflow_provider_lark.core.database.refusals import concerns_a_row
from airflow_provider_lark.core.database.savepoints import guarded
from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.side import Key, Page, SqlPage, SqlRow, Values
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn
from airflow_provider_lark.core.sql_side.changed_rows import ChangedRows
from airflow_provider_lark.core.sql_side.generated_values import GeneratedValues
from airflow_provider_lark.core.sql_side.keys import KeyCodec, exact_sql, key_sql
from airflow_provider_lark.core.sql_side.namesakes import Namesakes
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sql_side.row_query import RowQuery, unaskable
from airflow_provider_lark.core.sql_side.row_writer import RowWriter

KeyCondition = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""Makes a condition of a row's key, as the SQL of its canonical text."""


class SqlStore:
    """The rows of one table, in the order of their keys.

    Everything happens in the transaction of *conn*, which the caller commits. A write is all or none in so far as
    the caller rolls back to where it was before an exception.

    :param codecs: by column name; other columns are neither read nor written.
    :ivar keys: tells which keys the database takes for the same.
    :ivar generated: tells what the generated columns of a row would hold.
    """

    def __init__(
        self, conn: Connection, spec: TableSpec, codecs: Mapping[str, ValueCodec], page_size: int = STATEMENT_ROWS
    ) -> None:
        self._conn = conn
        self._spec = spec
        self._codecs = codecs
        self._page_size = page_size
        self._table = spec.table
        self._key_codec = KeyCodec(spec.key)
        self._key: list[ColumnElement[Any]] = [self._table.c[name] for name in spec.key_columns]
        row = _qualified(conn, spec)
        exact = [exact_sql(conn.dialect, column, row) for column in spec.key]
        exact_key: list[ColumnElement[Any]] = [
            literal_column(sql, column.type) if sql is not None else column
            for column, sql in zip(self._key, exact, strict=True)
        ]
        keys = [self._key, exact_key] if any(exact) else [self._key]
        self._writer = RowWriter(conn, spec, codecs, keys, self.read)
        self.keys = Namesakes(conn, spec)
        self.generated = GeneratedValues(conn, spec, codecs)

    @property
    def spec(self) -> TableSpec:
        """The table as the mapping uses it."""
        return self._spec

    @property
    def table(self) -> Table:
        """The whole table, as it was reflected."""
        return self._table

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[SqlPage]:
        """Yield every row once, page by page, in the order of the key."""
        query = self._select(columns)
        statement = query.statement.order_by(*self._key).limit(self._page_size)
        page = statement
        while True:
            rows, last = self._fetch(query, page)
            if rows:
                yield Page(rows)
            if len(rows) < self._page_size:
                return
            page = statement.where(self._is_after([bindparam(None, value, type_=RAW) for value in last]))

    def unpaired_page(self, is_unpaired: KeyCondition, *, after: str | None, limit: int) -> SqlPage:
        """Return up to *limit* rows without a pair, from behind the key *after*.

        For a caller that commits between two pages.

        :param is_unpaired: the condition on a row's key; see :meth:`.Pairs.is_unpaired`.
        """
        return self.page_after(after, limit, is_unpaired, only_filtered=True)

    def page_after(
        self, after: str | None, limit: int, where: KeyCondition | None = None, *, only_filtered: bool = False
    ) -> SqlPage:
        """Return up to *limit* rows from behind the key *after*.

        :param where: the condition on a row's key.
        :param only_filtered: without those that the mapping's filter keeps out.
        """
        query = self._select(None)
        statement = query.statement.order_by(*self._key).limit(limit)
        if only_filtered and self._spec.filter is not None:
            statement = statement.where(self._spec.filter.expression)
        if where is not None:
            row = _qualified(self._conn, self._spec)
            statement = statement.where(where(literal_column(key_sql(self._conn.dialect, self._spec.key, row))))
        if after is not None:
            values = zip(self._key, self._key_codec.to_values(Key(after)), strict=True)
            bound = [bindparam(None, value, type_=column.type) for column, value in values]
            statement = statement.where(self._is_after(bound))
        return Page(self._fetch(query, statement)[0])

    def changed(self, column: ChangeColumn) -> ChangedRows:
        """Return what reads rows in the order of their last change."""
        return ChangedRows(self._conn, self._spec, self._key_codec, column)

    def read(self, ids: Sequence[Key], *, for_update: bool = False) -> dict[Key, SqlRow]:
        """Return the rows of *ids* that exist, by id.

        :param for_update: lock them until the transaction ends, and see what others have committed until now.
        """
        wanted = set(ids)
        # a case-insensitive collation also finds keys that were not asked for
        return {row.id: row for row in self._read_alike(self._select(None), ids, for_update) if row.id in wanted}

    def namesakes(
        self, ids: Sequence[Key], *, besides: Sequence[Key] = (), freed: Collection[Key] = ()
    ) -> dict[Key, Key]:
        """Return, of each of *ids* that the database takes for another key, that key.

        They are other texts: a collation may overlook case, accents, or blanks at the end.

        :param besides: keys that have no row yet, but will have one before *ids*.
        :param freed: keys of rows that will be deleted before.
        """
        if not self.keys.are_possible:
            return {}
        wanted = set(ids)
        found = [row.id for row in self._read_alike(self._select(()), ids, for_update=False)]
        others = [key for key in found if key not in wanted and key not in freed]
        return {key: first for key, first in self.keys.first_of([*others, *besides, *ids]).items() if key in wanted}

    def _read_alike(self, query: RowQuery, ids: Sequence[Key], for_update: bool) -> Iterator[SqlRow]:
        waiting = list(split(self._existing(ids)))
        while waiting:
            some = waiting.pop()
            try:
                rows = self._read_some(query, [values for _, values in some], for_update=for_update)
            except Exception as exc:
                # a key that cannot even be asked for: of another character set, or too large for the driver
                if not concerns_a_row(exc):
                    raise
                if len(some) > 1:
                    middle = len(some) // 2
                    waiting += [some[middle:], some[:middle]]
                    continue
                rows = [unaskable(some[0][0], exc)]
            yield from rows

    def _read_some(self, query: RowQuery, keys: Sequence[tuple[Any, ...]], *, for_update: bool) -> list[SqlRow]:
        part = query.statement.where(are_among(self._key, keys, self._conn.dialect))
        return self._fetch(query, part.with_for_update() if for_update else part)[0]

    def create(self, rows: Sequence[Values]) -> list[Key]:
        """Insert *rows* and return their keys in the same order, also those that the database made.

        :raises RowRefused: the database stored fewer rows than it was given.
        """
        return self._writer.create(rows)

    def update(self, patches: Sequence[tuple[Key, Values]]) -> None:
        """Set the given columns of the given rows.

        :raises NotFound: a row does not exist.
        :raises RowRefused: a row exists, and the database left it as it was.
        """
        self._writer.update(patches)

    def delete(self, ids: Sequence[Key]) -> None:
        """Delete *ids*; those that do not exist are no error.

        :raises RowRefused: a row is still there afterwards.
        """
        self._writer.delete(self._existing(ids))

    def key_of(self, values: Values) -> Key | None:
        """Return the key that canonical *values* name; None when a key column is absent or empty.

        :raises ValueMismatch: a value is none that its key column can hold.
        """
        parts = [values.get(name) for name in self._spec.key_columns]
        if any(part is None for part in parts):
            return None
        named = zip(self._spec.key_columns, parts, strict=True)
        return self._key_codec.to_key([self._codecs[name].to_sql(part) for name, part in named])

    def _fetch(self, query: RowQuery, statement: Select[Any]) -> tuple[list[SqlRow], Sequence[Any]]:
        """Return the rows of *statement* and the last one's key as it came."""
        try:
            with guarded(self._conn):
                raw = self._conn.execute(statement).all()
        except Exception as exc:
            if not concerns_a_row(exc):
                raise
            return self._fetch_singly(query, statement)
        return [query.decode(row) for row in raw], raw[-1][: len(self._key)] if raw else ()

    def _fetch_singly(self, query: RowQuery, statement: Select[Any]) -> tuple[list[SqlRow], Sequence[Any]]:
        """Read row by row what the driver cannot load at once: PostgreSQL's infinity, or bytes that are no text."""
        key_columns = list(statement.selected_columns)[: len(self._key)]
        with guarded(self._conn):
            keys = self._conn.execute(statement.with_only_columns(*key_columns)).all()
        rows = []
        for key in keys:
            bound = [bindparam(None, value, type_=RAW) for value in key]
            one = query.statement.where(*(column == value for column, value in zip(self._key, bound, strict=True)))
            try:
                with guarded(self._conn):
                    rows += [query.decode(row) for row in self._conn.execute(one)]
            except Exception as exc:
                if not concerns_a_row(exc):
                    raise
                rows.append(query.unreadable(key))
        return rows, keys[-1] if keys else ()

    def _is_after(self, bound: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
        return is_after(self._key, bound)

    def _existing(self, ids: Sequence[Key]) -> list[tuple[Key, tuple[Any, ...]]]:
        existing = []
        for id_ in ids:
            try:
                existing.append((id_, self._key_codec.to_values(id_)))
            except ValueMismatch:
                continue  # no row can have it
        return existing

    def _select(self, columns: Sequence[str] | None) -> RowQuery:
        names = [name for name in self._codecs if columns is None or name in columns]
        return RowQuery(self._conn, self._spec, self._key_codec, {name: self._codecs[name] for name in names})


def _qualified(conn: Connection, spec: TableSpec) -> str:
    name = quote(conn.dialect, spec.table.name)
    return f"{quote(conn.dialect, spec.table.schema)}.{name}" if spec.table.schema else name
