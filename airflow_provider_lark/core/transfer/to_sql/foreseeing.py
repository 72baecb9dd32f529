"""The dry run of a transfer into SQL: the staged rows are compared with the target, and nothing is written to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.dry_run import KEYS_SHOWN, Foreseen
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.transfer.to_sql.cascades import rows_at_stake
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetTable
from airflow_provider_lark.core.transfer.to_sql.staging import Staging


class ForeseenLoading(Staging):
    """Counts what :class:`.Loading` would write.

    The rows are collected in the same temporary table, which only this session sees. What the database would refuse or
    change is not foreseen.

    :param would: gets the counts, and the first record ids of each kind.
    """

    def __init__(self, conn: Connection, target: TargetTable, would: Foreseen) -> None:
        super().__init__(conn, target)
        self._would = would

    def replace(self) -> tuple[int, int]:
        """Return how many rows would be deleted and created.

        :raises SchemaMismatch: as for the real one.
        """
        if why := self.missing_undo():
            raise SchemaMismatch(f"table {self._target.table.fullname!r}: {why}")
        self._only_read()
        if not self._target.is_new and (at_stake := rows_at_stake(self._conn, self._target.table)):
            raise SchemaMismatch(
                f"table {self._target.table.fullname!r}: to replace its rows would delete, or change, rows of "
                f"{', '.join(at_stake)}; nothing was written. Use mode 'upsert', or let that foreign key not cascade"
            )
        if self._target.is_new:
            return 0, self._count("sql.create")
        deleted = self._conn.scalars(select(func.count()).select_from(self._target.table)).one()
        self._would.add("sql.delete", count=deleted)
        return deleted, self._count("sql.create")

    def append(self) -> int:
        """Return how many rows would be inserted."""
        self._only_read()
        return self._count("sql.create", *self._missing())

    def upsert(self) -> tuple[int, int]:
        """Return how many rows would be updated and inserted."""
        self._only_read()
        is_compared = bool(self._changing()) and not self._target.is_new
        updated = self._count("sql.update", self._there(self._differing())) if is_compared else 0
        return updated, self._count("sql.create", *self._missing())

    def target_is_empty(self) -> bool:
        """Tell whether the target has no rows."""
        return self._target.is_new or super().target_is_empty()

    def missing_undo(self) -> str | None:
        """Return why a failure would leave a part of the rows written; None where it would leave none."""
        return None if self._target.is_new else super().missing_undo()

    def _missing(self) -> list[ColumnElement[bool]]:
        return [] if self._target.is_new else [~self._there()]

    def _there(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(self._matches(), *conditions).correlate(self._table)

    def _count(self, name: str, *conditions: ColumnElement[bool]) -> int:
        counted: Any = select(func.count()).select_from(self._table).where(*conditions)
        first: Any = select(self._id).where(*conditions).limit(KEYS_SHOWN)
        count = int(self._conn.scalars(counted).one())
        self._would.add(name, self._conn.scalars(first).all(), count=count)
        return count

    def _only_read(self) -> None:
        """Let the database refuse a write that was forgotten; the temporary table is no part of this."""
        if self._conn.dialect.name == "sqlite":
            # it would take the lock of writers
            return
        self._begin()
        if self._conn.dialect.name == "postgresql" and not self._is_one:
            self._conn.exec_driver_sql("SET TRANSACTION READ ONLY")
        elif is_mysql(self._conn.dialect):
            self._conn.rollback()
            self._conn.exec_driver_sql("SET TRANSACTION READ ONLY")
