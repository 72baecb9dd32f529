"""Writing to SQL: one muted transaction, in which a row that the database rejects does not fail the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.capture import mute
from airflow_provider_lark.core.database.refusals import concerns_a_row, refusal
from airflow_provider_lark.core.database.savepoints import deferred, isolate, savepoint
from airflow_provider_lark.core.errors import LarkError, RowRefused, RowWaits
from airflow_provider_lark.core.side import Key, SqlRow, Values
from airflow_provider_lark.core.sql_side.store import SqlStore
from airflow_provider_lark.core.sync.run.together import split_values

Owned = Callable[[Sequence[Key]], Collection[Key]]


@dataclass(slots=True)
class SqlChange:
    """One row to write.

    :param key: the row's key; for an insert it is filled in when the database made it, or made another.
    :param record_id: Lark's record of the row.
    :param left: it is deleted because its record has left the mapping's filter, and not the table.
    :param error: why the database refused the row; None when it was written.
    :param row: the row as the database holds it afterwards; None for a delete.
    """

    kind: Literal["insert", "patch", "delete"]
    key: Key | None
    values: Values
    record_id: str = ""
    error: LarkError | None = None
    row: SqlRow | None = None
    left: bool = False


def apply_changes(
    conn: Connection, store: SqlStore, changes: Sequence[SqlChange], *, owned: Owned = lambda keys: ()
) -> None:
    """Write *changes* without waking the capturing triggers; a refused one carries its error.

    :param owned: those of the keys that belong to another record; the database may not give them away.
    :raises TransactionLost: the database undid the whole transaction.
    """
    if not changes:
        return
    writer = _Writer(conn, store, owned)
    with mute(conn, store.spec):
        writer.write([change for change in changes if change.error is None])


class _NotAll(Exception):
    """Some of the rows do not fit, even together."""

    def __init__(self, fitting: list[SqlChange]) -> None:
        super().__init__(fitting)
        self.fitting = fitting


class _Writer:
    def __init__(self, conn: Connection, store: SqlStore, owned: Owned) -> None:
        self._conn = conn
        self._store = store
        self._owned = owned

    def write(self, changes: Sequence[SqlChange]) -> None:
        """Write each alone if need be; then those that wait for each other."""
        waiting = self._write_alone(changes)
        while waiting:
            # what came in vain before its parent may come behind it now
            left = self._write_alone(waiting[::-1])
            if len(left) == len(waiting):
                break
            waiting = left
        together = [change for change in waiting if change.kind != "delete"]
        while together:
            fitting = self._write_together(together)
            if len(fitting) == len(together):
                return
            together = fitting

    def _write_alone(self, changes: Sequence[SqlChange]) -> list[SqlChange]:
        """Write *changes*; return those that clash with others, which may do better later."""
        for change in changes:
            change.error = None
        # deletes first, so that a unique value given up by one row is free for another
        senders = {"delete": self._delete, "patch": self._patch, "insert": self._insert}
        # and rows that name their key, before the database gives it to one that names none
        ordered = sorted(changes, key=lambda change: change.key is None)
        for kind, send in senders.items():
            isolate(self._conn, [change for change in ordered if change.kind == kind], send, self._refuse)
        return [change for change in changes if isinstance(change.error, RowWaits)]

    def _write_together(self, changes: Sequence[SqlChange]) -> list[SqlChange]:
        """Write *changes* in two steps, all of them or none; return those that were not in the way of this."""
        steps = split_values(self._store.spec, [change.values for change in changes])
        first = [SqlChange(change.kind, change.key, step.first) for change, step in zip(changes, steps, strict=True)]
        try:
            with savepoint(self._conn), deferred(self._conn):
                self._write_alone(first)
                second = [SqlChange("patch", one.key, step.second) for one, step in zip(first, steps, strict=True)]
                self._write_alone([two for one, two in zip(first, second, strict=True) if one.error is None])
                refused = [one.error or two.error for one, two in zip(first, second, strict=True)]
                if any(refused):
                    raise _NotAll([change for change, why in zip(changes, refused, strict=True) if why is None])
        except _NotAll as some:
            return some.fitting
        except DBAPIError as exc:
            if not concerns_a_row(exc):
                raise
            # a deferred constraint does not hold, and does not say for which row
            return []
        for change, one, two in zip(changes, first, second, strict=True):
            change.error, change.key, change.row = None, one.key, two.row or one.row
        return list(changes)

    def _refuse(self, change: SqlChange, exc: Exception) -> None:
        change.error = refusal(exc, self._store.table)

    def _delete(self, changes: Sequence[SqlChange]) -> None:
        self._store.delete([_key(change) for change in changes])

    def _patch(self, changes: Sequence[SqlChange]) -> None:
        self._store.update([(_key(change), change.values) for change in changes])
        self._look_at(changes, [_key(change) for change in changes])

    def _insert(self, changes: Sequence[SqlChange]) -> None:
        keys = self._store.create([change.values for change in changes])
        # SQLite hands the key of a deleted row out again, when Lark may not have heard of the delete yet
        if self._owned([key for change, key in zip(changes, keys, strict=True) if change.key != key]):
            raise RowRefused("the key generated by the database still belongs to a record that is about to be deleted")
        self._look_at(changes, keys)
        for change, key in zip(changes, keys, strict=True):
            change.key = key

    def _look_at(self, changes: Sequence[SqlChange], keys: Sequence[Key]) -> None:
        """Read what was written: a trigger may have given a row another key."""
        rows = self._store.read(keys)
        if missing := [key for key in keys if key not in rows]:
            raise RowRefused(
                f"the database accepted row {', '.join(map(repr, missing[:5]))} but does not have it under this key: "
                f"check table {self._store.table.name!r} for a trigger that changes keys or hides rows"
            )
        for change, key in zip(changes, keys, strict=True):
            # SQLite makes a number of a text in a column whose type it does not know: 007 becomes 7
            if spoilt := [name for name in change.values if name not in rows[key].values]:
                raise RowRefused(
                    f"the database stored a different value in {', '.join(spoilt)}, which cannot be read as the "
                    "column's type; change the column to a type that keeps such values"
                )
            change.row = rows[key]


def _key(change: SqlChange) -> Key:
    if change.key is None:
        raise AssertionError("only an insert may come without a key")
    return change.key
