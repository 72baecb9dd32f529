"""Writing rows of a SQL table: set-based, in the caller's transaction, and each write looked at.

Whoever calls goes back to a savepoint before an exception; then a write is all or none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert
from sqlalchemy.exc import InvalidRequestError, NotSupportedError

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import are_among
from airflow_provider_lark.core.database.savepoints import guarded
from airflow_provider_lark.core.errors import NotFound, RowRefused, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.side import Key, SqlRow, Values
from airflow_provider_lark.core.sql_side.bulk_update import Patch, patch_rows
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sql_side.statements import or_abort, write


class RowWriter:
    """Writes rows of one table.

    :param keys: the key columns, and other spellings of them, all of which have to match.
    :param read: reads rows by their ids, to look at what was written.
    """

    def __init__(
        self,
        conn: Connection,
        spec: TableSpec,
        codecs: Mapping[str, ValueCodec],
        keys: Sequence[Sequence[ColumnElement[Any]]],
        read: Callable[[Sequence[Key]], dict[Key, SqlRow]],
    ) -> None:
        self._conn = conn
        self._spec = spec
        self._codecs = codecs
        self._table = spec.table
        self._key_codec = KeyCodec(spec.key)
        self._keys = keys
        self._read = read

    def create(self, rows: Sequence[Values]) -> list[Key]:
        """Insert *rows* and return their keys in the same order, also those that the database made.

        :raises RowRefused: the database stored fewer rows than it was given.
        """
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

    def update(self, patches: Sequence[tuple[Key, Values]]) -> None:
        """Set the given columns of the given rows.

        :raises NotFound: a row does not exist.
        :raises RowRefused: a row exists, and the database left it as it was.
        """
        groups: dict[tuple[str, ...], dict[Key, Patch]] = defaultdict(dict)
        asked: dict[Key, Values] = dict(patches)
        for id_, values in patches:
            params = self._to_bind(values, id_)
            if params:
                groups[tuple(params)][id_] = Patch(self._key_values(id_), tuple(params.values()))
        for names, part in groups.items():
            found = patch_rows(self._conn, self._table, self._keys, names, list(part.values()))
            if found is None or found < len(part):
                self._require_stored({id_: asked[id_] for id_ in part})

    def delete(self, ids: Sequence[tuple[Key, tuple[Any, ...]]]) -> None:
        """Delete the rows of *ids*, given with the values of their keys; those that do not exist are no error.

        :raises RowRefused: a row is still there afterwards.
        """
        for some in split(ids):
            statement = delete(self._table).where(
                *(are_among(key, [values for _, values in some], self._conn.dialect) for key in self._keys)
            )
            found = write(self._conn, statement)
            if found is None or found < len(some):
                kept = self._read([id_ for id_, _ in some])
                if kept:
                    raise self._not_done("kept", "delete", list(kept))

    def _insert(self, params: list[dict[str, Any]], *, generated: bool) -> list[Key]:
        returns = self._conn.dialect.insert_returning
        if generated:
            return self._insert_and_ask(params) if returns else [self._insert_one(one) for one in params]
        if returns and len(params) == 1:
            # of a single row the database also tells which key it made of the one that was given
            try:
                with guarded(self._conn):
                    return self._insert_and_ask(params)
            except NotSupportedError:
                # a rule of PostgreSQL's stands in the way of asking
                pass
        found = write(self._conn, insert(self._table), params)
        keys = [self._key_codec.to_key([one[name] for name in self._spec.key_columns]) for one in params]
        if found is None or found < len(params):
            there = self._read(keys)
            if missing := [key for key in keys if key not in there]:
                raise self._not_done("did not store", "insert", missing)
        return keys

    def _insert_and_ask(self, params: list[dict[str, Any]]) -> list[Key]:
        statement = or_abort(insert(self._table)).returning(*self._keys[0], sort_by_parameter_order=True)
        try:
            made = self._conn.execute(statement, params).all()
        except InvalidRequestError:
            # SQLAlchemy counts along, and cannot tell which row an answer belongs to when one is missing
            made = []
        if len(made) == len(params):
            return [self._key_codec.to_key(tuple(row)) for row in made]
        given = [[one.get(name) for name in self._spec.key_columns] for one in params]
        keys = [self._key_codec.to_key(values) for values in given if None not in values]
        # a trigger may have sent the rows to another table, through which this one shows them
        if len(keys) < len(params) or not self._read(keys).keys() >= set(keys):
            raise self._not_done("did not store", "insert", keys)
        return keys

    def _insert_one(self, params: dict[str, Any]) -> Key:
        # MySQL cannot say which keys a statement made, only the last one
        made = self._conn.execute(or_abort(insert(self._table)), params).inserted_primary_key
        names = [column.name for column in self._table.primary_key.columns]
        by_name = dict(zip(names, made or (), strict=False)) | params
        values = [by_name.get(name) for name in self._spec.key_columns]
        if any(value is None for value in values):
            raise SchemaMismatch(
                f"table {self._spec.table_name!r}: MySQL does not report the key it generated; map the key "
                f"({', '.join(self._spec.key_columns)}) to a field that people fill in, or make it AUTO_INCREMENT"
            )
        return self._key_codec.to_key(values)

    def _require_stored(self, asked: Mapping[Key, Values]) -> None:
        rows = self._read(list(asked))
        if missing := [id_ for id_ in asked if id_ not in rows]:
            raise self._missing(missing)
        # a count may also be short because MySQL leaves out the rows that already held the values
        kept = [
            id_
            for id_, values in asked.items()
            if any(rows[id_].values.get(name) != value for name, value in values.items())
        ]
        if kept:
            raise self._not_done("did not store", "update", kept)

    def _key_values(self, id_: Key) -> tuple[Any, ...]:
        try:
            return self._key_codec.to_values(id_)
        except ValueMismatch:
            raise self._missing([id_]) from None

    def _missing(self, ids: Sequence[str]) -> NotFound:
        return NotFound(f"table {self._spec.table_name!r}: no row has the key {_shown(ids)}; it may have been deleted")

    def _not_done(self, what: str, action: str, ids: Sequence[str]) -> RowRefused:
        row = f"row {_shown(ids)}" if ids else "the row"
        return RowRefused(
            f"the database {what} {row} but reported no error: check table {self._spec.table_name!r} for a trigger or "
            f"rule that suppresses or redirects {action}s"
        )

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


def _shown(ids: Sequence[str]) -> str:
    return ", ".join(map(repr, ids[:5]))
