"""Rows of a table in the order of their last change, by a column that grows with each write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, func, literal, select

from airflow_provider_lark.core.database.dbtime import NowMs
from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.database.open_writers import Writer, oldest_writer
from airflow_provider_lark.core.database.predicates import is_after
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn, Stored
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec
from airflow_provider_lark.core.sql_side.row_query import RowQuery


@dataclass(frozen=True, slots=True)
class Lower:
    """From where on rows are read.

    :param value: the column's, which may come again, unless *is_over*.
    :param at_most: where the column tells time: what it said so long ago that whoever wrote less has ended since. Less
        than *value* where the clock has gone back.
    """

    value: Stored
    is_over: bool = False
    at_most: Stored | None = None


class Place(NamedTuple):
    """Where a page has ended: the column's value, and those of the key, as the driver gave them."""

    value: Any
    key: Sequence[Any]


class Changed(NamedTuple):
    """A row of a page; *is_ahead*: the database's clock has not come to its value yet."""

    key: Key
    value: Stored
    is_ahead: bool


class ChangedRows:
    """What was changed in one table, as *column* tells."""

    def __init__(self, conn: Connection, spec: TableSpec, key_codec: KeyCodec, column: ChangeColumn) -> None:
        self._conn = conn
        self._spec = spec
        self._column = column
        self._at = spec.table.c[column.column.name]
        self._key: list[ColumnElement[Any]] = [spec.table.c[name] for name in spec.key_columns]
        self._query = RowQuery(conn, spec, key_codec, {})

    def as_written(self) -> ChangeColumn:
        """Return the column with times spelled as they stand there: SQLite keeps and compares them as texts."""
        if self._column.column.dialect != "sqlite" or self._column.is_number:
            return self._column
        some = self._conn.scalar(select(self._column.shown(self._at)).where(self._at.is_not(None)).limit(1))
        return replace(self._column, between="T" if str(some)[10:11] == "T" else " ")

    def now_ms(self) -> int:
        """Return the database's time."""
        return int(self._conn.scalars(select(NowMs())).one())

    def newest(self, limit: Stored | None) -> Stored | None:
        """Return the greatest value, none beyond *limit*; None where there is none."""
        greatest = select(self._column.shown(func.max(self._at)))
        if limit is not None:
            greatest = greatest.where(self._at <= self._column.bound(limit))
        with self._in_utc():
            return self._column.keep(self._conn.scalar(greatest))

    def oldest_writer(self) -> Writer | None:
        """Return the transaction of others that has had changes of the table open for longest, as far as is told."""
        return oldest_writer(self._conn, self._spec.table)

    def page(
        self, lower: Lower, *, after: Place | None, ahead: Stored | None, limit: int
    ) -> tuple[list[Changed], Place | None]:
        """Return up to *limit* rows, by value and key, and where they end; None behind the last.

        :param ahead: a greater value is told as ahead of the clock.
        """
        with self._in_utc():
            raw = self._conn.execute(self._page(lower, after, ahead, limit)).all()
        width = len(self._key)
        rows = []
        for each in raw:
            row = self._query.decode(each)
            if not row.problems:
                rows.append(Changed(row.id, self._column.keep(each[width]) or "", bool(each[width + 1])))
        return rows, Place(raw[-1][width], raw[-1][:width]) if len(raw) == limit else None

    def _page(self, lower: Lower, after: Place | None, ahead: Stored | None, limit: int) -> Select[Any]:
        column = self._column
        is_ahead = literal(0) if ahead is None else case((self._at > column.bound(ahead), 1), else_=0)
        page = self._query.statement.add_columns(column.shown(self._at), is_ahead)
        least = column.bound(lower.value) if lower.at_most is None else column.least(lower.value, lower.at_most)
        page = page.where(self._at > least if lower.is_over else self._at >= least)
        page = page.where(*(key.is_not(None) for key in self._key if key.nullable))
        if after is not None:
            keys = [bindparam(None, value, type_=RAW) for value in after.key]
            page = page.where(is_after([self._at, *self._key], [column.bound(after.value), *keys]))
        return page.order_by(self._at, *self._key).limit(limit)

    @contextmanager
    def _in_utc(self) -> Iterator[None]:
        """Let MySQL show instants in UTC: in a zone with summer time, an hour of the year comes twice."""
        if not self._column.needs_utc:
            yield
            return
        zone = self._conn.exec_driver_sql("SELECT @@SESSION.time_zone").scalar_one()
        self._conn.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        try:
            yield
        finally:
            self._conn.exec_driver_sql("SET SESSION time_zone = %s", (zone,))
