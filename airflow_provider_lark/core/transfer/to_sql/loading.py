"""From the temporary table into the target, in one transaction; rejected and ignored rows are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.quoting import quoted_name
from airflow_provider_lark.core.database.refusals import concerns_a_row, reason
from airflow_provider_lark.core.database.savepoints import isolate, savepoint
from airflow_provider_lark.core.database.table_locks import lock_table
from airflow_provider_lark.core.errors import RowError, RowRefused, SchemaMismatch, TransactionLost
from airflow_provider_lark.core.fields.column import ColumnKind
from airflow_provider_lark.core.sql_side.sequences import advance
from airflow_provider_lark.core.sql_side.statements import write
from airflow_provider_lark.core.transfer.to_sql.cascades import rows_at_stake
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetTable
from airflow_provider_lark.core.transfer.to_sql.staging import Staging

Refuse = Callable[[RowError], None]
"""Notes a record that is left out, or raises."""

_Part = ColumnElement[bool] | None


class Loading(Staging):
    """Writes the collected rows.

    :param refuse: is told of each record that the database refuses or swallows.
    :param warn: is told what a person should look at.
    """

    def __init__(self, conn: Connection, target: TargetTable, refuse: Refuse, warn: Callable[[str], None]) -> None:
        super().__init__(conn, target)
        self._refuse = refuse
        self._warn = warn
        self._kept_out: set[str] = set()

    def replace(self) -> tuple[int, int]:
        """Put the collected rows in place of the target's; return how many were deleted and created.

        :raises SchemaMismatch: the target could lose its rows, for it knows no transactions; or rows of other tables
            would go with them.
        """
        if why := self.missing_undo():
            raise SchemaMismatch(
                f"table {self._target.table.fullname!r}: {why}. Until then, a failure in mode 'replace' would lose "
                "its rows; use mode 'upsert'"
            )
        with self._transaction():
            self._keep_writers_out()
            self._keep_dependents()
            deleted = write(self._conn, delete(self._target.table)) or 0
            created = self._write(self._insert)
        return deleted, created

    def append(self) -> int:
        """Insert the rows whose key the target does not have; return how many."""
        with self._transaction():
            created = self._write(self._insert_new)
            self._find_swallowed()
        return created

    def upsert(self) -> tuple[int, int]:
        """Update the rows that differ and insert those that are missing; return how many of each."""
        with self._transaction():
            updated = self._write(self._update) if self._changing() else 0
            created = self._write(self._insert_new)
            self._find_swallowed()
            if updated or created:
                self._find_rewritten()
        return updated, created

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit at the end; where the database refuses, undo everything and say why."""
        self._begin()
        try:
            yield
            self._advance_sequences()
            self._commit()
        except RowError:
            self._conn.rollback()
            raise
        except (DBAPIError, TransactionLost) as exc:
            self._conn.rollback()
            if not concerns_a_row(exc):
                raise
            cause = exc.__cause__ if isinstance(exc, TransactionLost) and exc.__cause__ else exc
            raise RowRefused(
                f"table {self._target.table.fullname!r}: the database rejected the rows: "
                f"{reason(cause, self._target.table)}. Nothing was written; check the table's constraints and the "
                "privileges of the database user"
            ) from None

    def _commit(self) -> None:
        # where constraints that are deferred are checked
        self._conn.commit()

    def _write(self, statement_for: Callable[[_Part], Any]) -> int:
        """Write all rows by one statement; where that is refused, those that are not, and name the others."""
        try:
            with savepoint(self._conn):
                return write(self._conn, statement_for(None)) or 0
        except DBAPIError as exc:
            if not concerns_a_row(exc):
                raise
        written: dict[str, int] = {}

        def send(ids: Sequence[str]) -> None:
            written[ids[0]] = write(self._conn, statement_for(self._id.in_(ids))) or 0

        for part in split([id_ for id_ in self._conn.execute(select(self._id)).scalars() if id_ not in self._kept_out]):
            isolate(self._conn, part, send, self._keep_out)
        return sum(written.values())

    def _keep_out(self, record_id: str, exc: Exception) -> None:
        self._kept_out.add(record_id)
        told = reason(exc, self._target.table)
        self._refuse(RowRefused(f"record {record_id}: rejected by the database: {told}; check the table's constraints"))

    def _find_swallowed(self) -> None:
        there = exists().where(self._matches()).correlate(self._table)
        for record_id in self._conn.execute(select(self._id).where(~there)).scalars().all():
            if record_id not in self._kept_out:
                self._refuse(
                    RowRefused(
                        f"record {record_id}: the database did not store it but reported no error: check table "
                        f"{self._target.table.fullname!r} for a trigger or rule that suppresses inserts"
                    )
                )

    def _find_rewritten(self) -> None:
        differing = (
            select(func.count())
            .select_from(self._table)
            .where(exists().where(self._matches(), self._differing()).correlate(self._table))
        )
        left = self._conn.execute(differing).scalar_one() if self._changing() else 0
        if left > len(self._kept_out):
            self._warn(
                f"table {self._target.table.fullname!r}: rows with different values than their records: "
                f"{left - len(self._kept_out)}; check for a trigger that changes or suppresses what is written"
            )

    def _advance_sequences(self) -> None:
        numbered = {
            each.column.name: self._place[each.column.name]
            for each in self._target.bound
            if each.column.kind is ColumnKind.INTEGER and (each.column.has_default or each.column.autoincrement)
        }
        if numbered and self._conn.dialect.name == "postgresql":
            ends = [f(place) for place in numbered.values() for f in (func.min, func.max)]
            found = self._conn.execute(select(*ends).select_from(self._table)).one()
            given = {
                name: [int(value) for value in found[2 * i : 2 * i + 2] if value is not None]
                for i, name in enumerate(numbered)
            }
            for warning in advance(
                self._conn, self._target.table, {name: some for name, some in given.items() if some}
            ):
                self._warn(warning)

    def _keep_writers_out(self) -> None:
        """Let no other transfer delete what was there before, and then insert the same rows again."""
        if self._conn.dialect.name == "postgresql":
            lock_table(self._conn, quoted_name(self._conn.dialect, self._target.table))

    def _keep_dependents(self) -> None:
        if at_stake := rows_at_stake(self._conn, self._target.table):
            raise SchemaMismatch(
                f"table {self._target.table.fullname!r}: replacing its rows would delete or change rows of "
                f"{', '.join(at_stake)}, so nothing was written; use mode 'upsert', or a foreign key that does not "
                "cascade"
            )

    def _insert(self, part: _Part, *conditions: ColumnElement[bool]) -> Any:
        chosen = conditions if part is None else (*conditions, part)
        rows = select(*self._sources().values()).where(*chosen)
        return insert(self._target.table).from_select(list(self._sources()), rows)

    def _insert_new(self, part: _Part) -> Any:
        return self._insert(part, ~exists().where(self._matches()).correlate(self._table))

    def _update(self, part: _Part) -> Any:
        conditions = [self._matches(), self._differing(), *([] if part is None else [part])]
        return sa.update(self._target.table).values(self._changing()).where(*conditions)
