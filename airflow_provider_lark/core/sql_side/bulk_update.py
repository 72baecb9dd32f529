"""Updating many rows, each to values of its own, in few statements.

The drivers of PostgreSQL and SQLite run one UPDATE for many rows without waiting for each. MySQL's send them one by
one, a round trip per row; there one statement carries many rows as a CASE per column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, bindparam, update

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.fields.exact_json import ExactJson
from airflow_provider_lark.core.sql_side.statements import write, write_as_written

CASE_ROWS = 100
"""Most rows in one statement on MySQL, which compares each row with each of them."""
CASE_CHARACTERS = 250_000
"""Most text in one statement on MySQL, so that it stays far below ``max_allowed_packet``."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One row: the values of its key columns, and those to set."""

    key: Sequence[Any]
    values: Sequence[Any]


def patch_rows(
    conn: Connection,
    table: Table,
    keys: Sequence[Sequence[ColumnElement[Any]]],
    names: Sequence[str],
    patches: Sequence[Patch],
) -> int | None:
    """Set the columns *names* as *patches* say, and return how many of their rows were reached; see :func:`.write`.

    :param keys: the key columns, and other spellings of them, all of which have to match.
    """
    if is_mysql(conn.dialect) and len(patches) > 1 and _fits_in_a_case(table, keys[0], names):
        writer = _CaseWriter(conn, table, keys, names)
        counts = [writer.patch(part) for part in _parts(patches)]
        return sum(count or 0 for count in counts)
    matches = and_(
        *(
            spelled == bindparam(f"k{i}", type_=own.type)
            for spelling in keys
            for i, (own, spelled) in enumerate(zip(keys[0], spelling, strict=True))
        )
    )
    settings = {name: bindparam(f"v{i}", type_=table.c[name].type) for i, name in enumerate(names)}
    params = [
        {f"k{i}": value for i, value in enumerate(one.key)} | {f"v{i}": value for i, value in enumerate(one.values)}
        for one in patches
    ]
    return write(conn, update(table).where(matches).values(settings), params)


def _fits_in_a_case(table: Table, key: Sequence[ColumnElement[Any]], names: Sequence[str]) -> bool:
    # MySQL would compare with a key that the same statement has changed already, and takes no JSON from a CASE
    columns = [table.c[name] for name in names]
    return not any(isinstance(column.type, ExactJson) or any(column is part for part in key) for column in columns)


def _parts(patches: Sequence[Patch]) -> Iterator[list[Patch]]:
    part: list[Patch] = []
    characters = 0
    for one in patches:
        length = sum(len(value) for value in one.values if isinstance(value, str))
        if part and (len(part) == CASE_ROWS or characters + length > CASE_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(one)
        characters += length
    yield part


class _CaseWriter:
    """Writes the statement by hand: SQLAlchemy would take longer to compile it than MySQL to run it."""

    def __init__(
        self, conn: Connection, table: Table, keys: Sequence[Sequence[ColumnElement[Any]]], names: Sequence[str]
    ) -> None:
        dialect = conn.dialect
        preparer = dialect.identifier_preparer
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._conn = conn
        self._table = preparer.format_table(table)
        self._columns = [preparer.quote(name) for name in names]
        self._is_row = " AND ".join(f"{column.compile(dialect=dialect)} = {mark}" for part in keys for column in part)
        self._when = f" WHEN {self._is_row} THEN {mark}"
        self._repeats = len(keys)
        self._to_key = [_processor(conn, column) for column in keys[0]]
        self._to_value = [_processor(conn, table.c[name]) for name in names]

    def patch(self, patches: Sequence[Patch]) -> int | None:
        keys = [
            [process(value) for process, value in zip(self._to_key, one.key, strict=True)] * self._repeats
            for one in patches
        ]
        params: list[Any] = []
        for i, process in enumerate(self._to_value):
            for key, one in zip(keys, patches, strict=True):
                params += [*key, process(one.values[i])]
        params += [value for key in keys for value in key]
        # no ELSE is needed: the rows of the WHERE are those of the WHENs
        cases = ", ".join(f"{column} = CASE{self._when * len(patches)} END" for column in self._columns)
        where = " OR ".join([f"({self._is_row})"] * len(patches))
        return write_as_written(self._conn, f"UPDATE {self._table} SET {cases} WHERE {where}", tuple(params))


def _processor(conn: Connection, column: ColumnElement[Any] | Column[Any]) -> Callable[[Any], Any]:
    process = column.type.dialect_impl(conn.dialect).bind_processor(conn.dialect)
    return process if process is not None else lambda value: value
