"""A SQL table behind the store port: set-based SQLAlchemy Core in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    or_,
)
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.errors import NotFound, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.codec import ValueCodec
from airflow_provider_lark.core.stores.base import Key, Page, Row, Values
from airflow_provider_lark.core.stores.batches import STATEMENT_ROWS, split
from airflow_provider_lark.core.stores.binding import RAW
from airflow_provider_lark.core.stores.connections import is_transient
from airflow_provider_lark.core.stores.keys import KeyCodec, exact_sql, key_sql, quote
from airflow_provider_lark.core.stores.ledger.schema import record_map
from airflow_provider_lark.core.stores.matching import are_among, is_missing
from airflow_provider_lark.core.stores.patching import Patch, patch_rows
from airflow_provider_lark.core.stores.sql_rows import RowQuery
from airflow_provider_lark.core.stores.tables import TableSpec, columns_of, key_columns_of, reflect_table

__all__ = ["KeyCodec", "SqlStore", "TableSpec", "columns_of", "key_columns_of", "reflect_table"]


class SqlStore:
    """The rows of one table, in the order of their keys.

    Everything happens in the transaction of *conn*, which the caller commits. A write is all or none in so far as
    the caller rolls back to where it was before an exception.

    :param codecs: by column name; other columns are neither read nor written.
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
        self._keys = [self._key, exact_key] if any(exact) else [self._key]

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[Page]:
        """Yield every row once, page by page, in the order of the key."""
        return self._pages(columns, None)

    def rows_unpaired(self, table_name: str) -> Iterator[Page]:
        """Yield the rows whose key has no pair in ``sync_record_map``, neither a live nor a buried one."""
        return self._pages(None, self._is_unpaired(table_name))

    def unpaired_page(self, table_name: str, *, after: str | None, limit: int) -> Page:
        """Return up to *limit* of the rows that :meth:`rows_unpaired` yields, from behind the key *after*.

        For a caller that commits between two pages.
        """
        query = self._select(None)
        statement = query.statement.where(self._is_unpaired(table_name)).order_by(*self._key).limit(limit)
        if after is not None:
            values = zip(self._key, self._key_codec.to_values(Key(after)), strict=True)
            bound = [bindparam(None, value, type_=column.type) for column, value in values]
            statement = statement.where(self._is_after(bound))
        return Page(self._fetch(query, statement)[0])

    def _is_unpaired(self, table_name: str) -> ColumnElement[bool]:
        row = _qualified(self._conn, self._spec)
        key: ColumnElement[str] = literal_column(key_sql(self._conn.dialect, self._spec.key, row))
        return is_missing(record_map.c.record_id == key, record_map.c.table_name == table_name)

    def read(self, ids: Sequence[str], *, for_update: bool = False) -> dict[str, Row]:
        """Return the rows of *ids* that exist, by id.

        :param for_update: lock them until the transaction ends, and see what others have committed until now.
        """
        query = self._select(None)
        wanted = set(ids)
        found: dict[str, Row] = {}
        for some in split(self._existing(ids)):
            part = query.statement.where(are_among(self._key, some, self._conn.dialect))
            rows, _ = self._fetch(query, part.with_for_update() if for_update else part)
            # a case-insensitive collation also finds keys that were not asked for
            found |= {row.id: row for row in rows if row.id in wanted}
        return found

    def namesake(self, id_: str) -> Key | None:
        """Return the key of the row that the database takes for the row *id_*; None where there is none.

        It may be another text: a collation may overlook case, accents, or blanks at the end.
        """
        values = self._existing([id_])
        if not values:
            return None
        query = self._select(())
        rows, _ = self._fetch(query, query.statement.where(are_among(self._key, values, self._conn.dialect)).limit(1))
        return Key(rows[0].id) if rows else None

    def create(self, rows: Sequence[Values]) -> list[str]:
        """Insert *rows* and return their keys in the same order, also those that the database made."""
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        params = [self._to_bind(row) for row in rows]
        for position, one in enumerate(params):
            for name in self._spec.key_columns:
                if one.get(name, None) is None:
                    one.pop(name, None)
            groups[tuple(one)].append(position)
        keys: dict[int, Key] = {}
        for names, positions in groups.items():
            part = [params[position] for position in positions]
            made = self._insert(part, generated=not set(self._spec.key_columns) <= set(names))
            keys |= dict(zip(positions, made, strict=True))
        return [keys[position] for position in range(len(rows))]

    def update(self, patches: Sequence[tuple[str, Values]]) -> None:
        """Set the given columns of the given rows.

        :raises NotFound: a row does not exist.
        """
        groups: dict[tuple[str, ...], dict[str, Patch]] = defaultdict(dict)
        for id_, values in patches:
            params = self._to_bind(values, id_)
            if params:
                groups[tuple(params)][id_] = Patch(self._key_values(id_), tuple(params.values()))
        for names, part in groups.items():
            found = patch_rows(self._conn, self._table, self._keys, names, list(part.values()))
            if found != len(part):
                self._complain_of_missing(list(part))

    def delete(self, ids: Sequence[str]) -> None:
        """Delete *ids*; those that do not exist are no error."""
        for some in split(self._existing(ids)):
            chosen = (are_among(key, some, self._conn.dialect) for key in self._keys)
            self._conn.execute(delete(self._table).where(*chosen))

    def key_of(self, values: Values) -> Key | None:
        """Return the key that canonical *values* name; None when a key column is absent or empty.

        :raises ValueMismatch: a value is none that its key column can hold.
        """
        parts = [values.get(name) for name in self._spec.key_columns]
        if any(part is None for part in parts):
            return None
        named = zip(self._spec.key_columns, parts, strict=True)
        return self._key_codec.to_key([self._codecs[name].to_sql(part) for name, part in named])

    def _pages(self, columns: Sequence[str] | None, condition: ColumnElement[bool] | None) -> Iterator[Page]:
        query = self._select(columns)
        statement = query.statement.order_by(*self._key).limit(self._page_size)
        if condition is not None:
            statement = statement.where(condition)
        page = statement
        while True:
            rows, last = self._fetch(query, page)
            if rows:
                yield Page(rows)
            if len(rows) < self._page_size:
                return
            page = statement.where(self._is_after([bindparam(None, value, type_=RAW) for value in last]))

    def _fetch(self, query: RowQuery, statement: Select[Any]) -> tuple[list[Row], Sequence[Any]]:
        """Return the rows of *statement* and the last one's key as it came."""
        try:
            raw = self._conn.execute(statement).all()
        except DBAPIError as exc:
            if is_transient(exc) or exc.connection_invalidated:
                raise
            return self._fetch_singly(query, statement)
        return [query.decode(row) for row in raw], raw[-1][: len(self._key)] if raw else ()

    def _fetch_singly(self, query: RowQuery, statement: Select[Any]) -> tuple[list[Row], Sequence[Any]]:
        """Read row by row what the driver cannot load at once: PostgreSQL's infinity, or bytes that are no text."""
        key_columns = list(statement.selected_columns)[: len(self._key)]
        keys = self._conn.execute(statement.with_only_columns(*key_columns)).all()
        rows = []
        for key in keys:
            bound = [bindparam(None, value, type_=RAW) for value in key]
            one = query.statement.where(*(column == value for column, value in zip(self._key, bound, strict=True)))
            try:
                rows += [query.decode(row) for row in self._conn.execute(one)]
            except DBAPIError:
                rows.append(query.unreadable(key))
        return rows, keys[-1] if keys else ()

    def _is_after(self, bound: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
        # spelled out, because MySQL reads no range of an index from a comparison of tuples
        after: ColumnElement[bool] = self._key[-1] > bound[-1]
        for column, value in zip(self._key[-2::-1], bound[-2::-1], strict=True):
            after = and_(column >= value, or_(column > value, after))
        return after

    def _existing(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        values = []
        for id_ in ids:
            try:
                values.append(self._key_codec.to_values(Key(id_)))
            except ValueMismatch:
                continue  # no row can have it
        return values

    def _key_values(self, id_: str) -> tuple[Any, ...]:
        try:
            return self._key_codec.to_values(Key(id_))
        except ValueMismatch:
            raise self._missing([id_]) from None

    def _complain_of_missing(self, ids: Sequence[str]) -> None:
        found = self.read(ids)
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            raise self._missing(missing)

    def _missing(self, ids: Sequence[str]) -> NotFound:
        shown = ", ".join(map(repr, ids[:5]))
        return NotFound(f"table {self._spec.table_name!r}: no row has the key {shown}; it was deleted meanwhile")

    def _to_bind(self, values: Values, id_: str | None = None) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for name, value in values.items():
            codec = self._codecs[name]
            try:
                bound = codec.to_sql(value)
            except ValueMismatch as exc:
                raise ValueMismatch(exc.message if id_ is None else f"row {id_!r}: {exc.message}") from exc
            if bound is None and not self._table.c[name].nullable:
                bound = codec.empty_sql
            params[name] = bound
        return params

    def _insert(self, params: list[dict[str, Any]], *, generated: bool) -> list[Key]:
        if not generated:
            self._conn.execute(insert(self._table), params)
            names = self._spec.key_columns
            return [self._key_codec.to_key([one[name] for name in names]) for one in params]
        if self._conn.dialect.insert_returning:
            statement = insert(self._table).returning(*self._key, sort_by_parameter_order=True)
            return [self._key_codec.to_key(tuple(row)) for row in self._conn.execute(statement, params)]
        return [self._insert_one(one) for one in params]

    def _insert_one(self, params: dict[str, Any]) -> Key:
        # MySQL cannot say which keys a statement made, only the last one
        made = self._conn.execute(insert(self._table), params).inserted_primary_key
        names = [column.name for column in self._table.primary_key.columns]
        by_name = dict(zip(names, made or (), strict=False)) | params
        values = [by_name.get(name) for name in self._spec.key_columns]
        if any(value is None for value in values):
            raise SchemaMismatch(
                f"table {self._spec.table_name!r}: MySQL does not tell which key it made; give the key "
                f"({', '.join(self._spec.key_columns)}) a field that people fill in, or make it AUTO_INCREMENT"
            )
        return self._key_codec.to_key(values)

    def _select(self, columns: Sequence[str] | None) -> RowQuery:
        names = [name for name in self._codecs if columns is None or name in columns]
        return RowQuery(self._conn, self._spec, self._key_codec, {name: self._codecs[name] for name in names})


def _qualified(conn: Connection, spec: TableSpec) -> str:
    name = quote(conn.dialect, spec.table.name)
    return f"{quote(conn.dialect, spec.table.schema)}.{name}" if spec.table.schema else name
