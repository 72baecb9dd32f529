"""A temporary table that collects the rows of a transfer, so that the target changes in one short transaction.

It belongs to the connection, takes no lock that others feel, and disappears with the connection. Behind PgBouncer,
where the next transaction may run on another connection, everything is one transaction, and the table ends with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Index, MetaData, Table, and_, delete, func, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.connections import begin_immediate, is_pooled
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.predicates import are_among
from airflow_provider_lark.core.database.refusals import concerns_a_row, reason
from airflow_provider_lark.core.database.savepoints import missing_undo, savepoint
from airflow_provider_lark.core.errors import RowError, RowRefused
from airflow_provider_lark.core.fields.column import CHARSET, COLLATION, ColumnKind, SqlType, kind_of
from airflow_provider_lark.core.transfer.to_sql.sql_target import RECORD_ID_LENGTH, TargetTable

_NAME = "lark_transfer"
_ID = "lark_transfer_id"

RowValues = dict[str, Any]


class Staging:
    """Collects rows for *target*; every method ends its own transaction."""

    def __init__(self, conn: Connection, target: TargetTable) -> None:
        self._conn = conn
        self._target = target
        # a temporary table hides another of its name
        self._name = f"{_NAME}_2" if target.table.name.lower() == _NAME else _NAME
        self._names = [each.column.name for each in target.bound]
        types = [_type_like(target.table.c[name]) for name in self._names]
        places = [f"c{i}" for i in range(len(types))]
        options: dict[str, Any] = {f"{dialect}_charset": "utf8mb4" for dialect in ("mysql", "mariadb")}
        self._is_one = is_pooled(conn)
        if self._is_one:
            options["postgresql_on_commit"] = "DROP"
        self._table = Table(
            self._name,
            MetaData(),
            sa.Column(_ID, _id_type(conn), primary_key=True),
            *(sa.Column(place, sql_type) for place, sql_type in zip(places, types, strict=True)),
            prefixes=["TEMPORARY"],
            **options,
        )
        self._place = dict(zip(self._names, (self._table.c[place] for place in places), strict=True))
        self._id = self._table.c[_ID]

    def create(self) -> None:
        """Make the table, instead of one that an earlier user of the connection left."""
        self.drop()
        if self._is_one:
            # Lark may keep it waiting between two pages
            self._conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        # not Table.create(), which would also make types that the database already has
        self._conn.execute(CreateTable(self._table))
        keys = [self._place[name] for name in self._target.key if name in self._place]
        if keys and not (is_mysql(self._conn.dialect) and any(_is_long(key.type) for key in keys)):
            self._conn.execute(CreateIndex(Index("lark_transfer_key", *keys)))
        self._end_step()

    def drop(self) -> None:
        """Drop the table where it exists, also after a failure."""
        self._conn.rollback()
        word = "TEMPORARY " if is_mysql(self._conn.dialect) else ""
        place = {"postgresql": "pg_temp.", "sqlite": "temp."}.get(self._conn.dialect.name, "")
        self._conn.exec_driver_sql(f"DROP {word}TABLE IF EXISTS {place}{self._name}")
        self._end_step()

    def add(self, rows: Sequence[tuple[str, RowValues]]) -> tuple[int, list[RowError]]:
        """Add a page of rows by record id; return how many were new, and those that the database refuses."""
        known = select(self._id).where(self._id.in_([record_id for record_id, _ in rows]))
        seen = set(self._conn.execute(known).scalars())
        params = []
        for record_id, values in rows:
            if record_id not in seen:
                seen.add(record_id)
                named = {self._place[name].name: value for name, value in values.items()}
                params.append({_ID: record_id, **named})
        if not params:
            self._end_step()
            return 0, []
        try:
            with self._step():
                self._conn.execute(insert(self._table), params)
        except Exception as exc:
            if not concerns_a_row(exc):
                raise
            return len(params), self._add_singly(params)
        return len(params), []

    def duplicates(self) -> list[str]:
        """Take out the rows whose key another row has too, and return their record ids."""
        keys: list[ColumnElement[Any]] = [self._place[name] for name in self._target.key if name in self._place]
        if not keys:
            return []
        twice = self._conn.execute(select(*keys).group_by(*keys).having(func.count() > 1)).all()
        ids: list[str] = []
        for some in split([tuple(row) for row in twice]):
            ids += self._conn.execute(select(self._id).where(are_among(keys, some, self._conn.dialect))).scalars()
        for part in split(ids):
            self._conn.execute(delete(self._table).where(self._id.in_(part)))
        self._end_step()
        return ids

    def __len__(self) -> int:
        count: int = self._conn.execute(select(func.count()).select_from(self._table)).scalar_one()
        return count

    def target_is_empty(self) -> bool:
        """Tell whether the target has no rows."""
        found = self._conn.execute(select(sa.literal(1)).select_from(self._target.table).limit(1)).first()
        self._end_step()
        return found is None

    def _add_singly(self, params: Sequence[RowValues]) -> list[RowError]:
        refused: list[RowError] = []
        for one in params:
            try:
                with self._step():
                    self._conn.execute(insert(self._table), [one])
            except Exception as exc:
                if not concerns_a_row(exc):
                    raise
                refused.append(RowRefused(f"record {one[_ID]}: the database rejected a value: {reason(exc)}"))
        return refused

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Keep what the block does, or undo it where it fails; what was collected before stays."""
        try:
            with savepoint(self._conn) if self._is_one else nullcontext():
                yield
        except Exception:
            if not self._is_one:
                self._conn.rollback()
            raise
        self._end_step()

    def _end_step(self) -> None:
        if not self._is_one:
            self._conn.commit()

    def _begin(self) -> None:
        if self._conn.dialect.name == "postgresql":
            # a temporary table has no statistics by itself, and the joins need them
            self._conn.exec_driver_sql(f"ANALYZE pg_temp.{self._name}")
            self._end_step()
        if self._conn.dialect.name == "sqlite":
            begin_immediate(self._conn)

    def _sources(self) -> dict[str, ColumnElement[Any]]:
        sources: dict[str, ColumnElement[Any]] = dict(self._place)
        if self._target.record_id_column:
            sources[self._target.record_id_column] = self._id
        return sources

    def _changing(self) -> dict[str, ColumnElement[Any]]:
        return {name: source for name, source in self._sources().items() if name not in self._target.key}

    def _matches(self) -> ColumnElement[bool]:
        sources, table = self._sources(), self._target.table
        return and_(*(table.c[name] == sources[name] for name in self._target.key))

    def _differing(self) -> ColumnElement[bool]:
        table = self._target.table
        return sa.or_(*(self._differs(table.c[name], source) for name, source in self._changing().items()))

    def _differs(self, column: ColumnElement[Any], source: ColumnElement[Any]) -> ColumnElement[bool]:
        exact = _exact_type(self._conn, column.type)
        if exact is None:
            return column.is_distinct_from(source)
        return sa.cast(column, exact).is_distinct_from(sa.cast(source, exact))

    def missing_undo(self) -> str | None:
        """Return why a failure may leave a part of the rows written; None where it leaves none."""
        why = missing_undo(self._conn, self._target.table)
        self._end_step()
        return why


def _type_like(column: sa.Column[Any]) -> SqlType:
    """Return the type of a place for *column*, whose texts compare as they do there, whatever the server's default."""
    if column.info.get(COLLATION) is None or not isinstance(column.type, sa.String):
        return column.type
    alike: Any = copy(column.type)
    alike.collation = column.info[COLLATION]
    if CHARSET in column.info:
        alike.charset = column.info[CHARSET]
    return cast("SqlType", alike)


def _id_type(conn: Connection) -> SqlType:
    if is_mysql(conn.dialect):
        return sa.dialects.mysql.VARCHAR(RECORD_ID_LENGTH, collation="utf8mb4_bin")
    return sa.String(RECORD_ID_LENGTH)


def _is_long(sql_type: SqlType) -> bool:
    return kind_of(sql_type) is ColumnKind.TEXT and getattr(sql_type, "length", None) is None


def _exact_type(conn: Connection, sql_type: SqlType) -> SqlType | None:
    """Return what to compare as, where the type itself takes different texts for equal or cannot be compared."""
    kind = kind_of(sql_type)
    if kind is ColumnKind.JSON:
        return sa.CHAR() if is_mysql(conn.dialect) else sa.Text()
    if kind is ColumnKind.TEXT:
        return sa.LargeBinary() if conn.dialect.name != "postgresql" else sa.Text()
    return None
