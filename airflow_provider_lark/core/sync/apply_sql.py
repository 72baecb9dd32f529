"""Writing to SQL: one muted transaction, in which a row that the database refuses does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from airflow_provider_lark.core.errors import LarkError, RowRefused
from airflow_provider_lark.core.stores.base import Key, Row, Values
from airflow_provider_lark.core.stores.capture import mute
from airflow_provider_lark.core.stores.refusals import refusal
from airflow_provider_lark.core.stores.savepoints import isolate
from airflow_provider_lark.core.stores.sql import SqlStore

Owned = Callable[[Sequence[Key]], Collection[Key]]


@dataclass(slots=True)
class SqlChange:
    """One row to write.

    :param key: the row's key; for an insert it is filled in when the database made it, or made another.
    :param error: why the database refused the row; None when it was written.
    :param row: the row as the database holds it afterwards; None for a delete.
    """

    kind: Literal["insert", "patch", "delete"]
    key: Key | None
    values: Values
    error: LarkError | None = None
    row: Row | None = None


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
    with mute(conn):
        writer.write([change for change in changes if change.error is None])


class _Writer:
    def __init__(self, conn: Connection, store: SqlStore, owned: Owned) -> None:
        self._conn = conn
        self._store = store
        self._owned = owned

    def write(self, changes: Sequence[SqlChange]) -> None:
        # deletes first, so that a unique value given up by one row is free for another
        senders = {"delete": self._delete, "patch": self._patch, "insert": self._insert}
        for kind, send in senders.items():
            isolate(self._conn, [change for change in changes if change.kind == kind], send, self._refuse)

    def _refuse(self, change: SqlChange, exc: Exception) -> None:
        change.error = refusal(exc, self._store.table)

    def _delete(self, changes: Sequence[SqlChange]) -> None:
        self._store.delete([_key(change) for change in changes])

    def _patch(self, changes: Sequence[SqlChange]) -> None:
        self._store.update([(_key(change), change.values) for change in changes])
        self._look_at(changes, [_key(change) for change in changes])

    def _insert(self, changes: Sequence[SqlChange]) -> None:
        keys = [Key(key) for key in self._store.create([change.values for change in changes])]
        # SQLite hands the key of a deleted row out again, when Lark may not have heard of the delete yet
        if self._owned([key for change, key in zip(changes, keys, strict=True) if change.key != key]):
            raise RowRefused("the key that the database made still belongs to a record whose delete is on its way")
        self._look_at(changes, keys)
        for change, key in zip(changes, keys, strict=True):
            change.key = key

    def _look_at(self, changes: Sequence[SqlChange], keys: Sequence[Key]) -> None:
        """Read what was written: a trigger may have given a row another key."""
        rows = self._store.read(keys)
        if missing := [key for key in keys if key not in rows]:
            raise RowRefused(
                f"the database took row {', '.join(map(repr, missing[:5]))} and does not have it under this key: look "
                f"for a trigger on table {self._store.table.name!r} that changes keys, or hides rows"
            )
        for change, key in zip(changes, keys, strict=True):
            change.row = rows[key]


def _key(change: SqlChange) -> Key:
    if change.key is None:
        raise AssertionError("only an insert may come without a key")
    return change.key
