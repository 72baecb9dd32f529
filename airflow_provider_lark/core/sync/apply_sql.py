"""Writing to SQL: one muted transaction, in which a row that the database refuses does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.errors import LarkError, RowError, RowRefused
from airflow_provider_lark.core.stores.base import Key, Values
from airflow_provider_lark.core.stores.capture import mute
from airflow_provider_lark.core.stores.connections import is_transient
from airflow_provider_lark.core.stores.sql import SqlStore


@dataclass(slots=True)
class SqlChange:
    """One row to write.

    :param key: the row's key; for an insert it is filled in when the database made it.
    :param error: why the database refused the row; None when it was written.
    """

    kind: Literal["insert", "patch", "delete"]
    key: Key | None
    values: Values
    error: LarkError | None = None


def apply_changes(
    conn: Connection,
    store: SqlStore,
    changes: Sequence[SqlChange],
    *,
    owned: Callable[[Sequence[Key]], Collection[Key]] = lambda keys: (),
) -> None:
    """Write *changes* without waking the capturing triggers; a refused one carries its error.

    :param owned: those of the keys that belong to another record; the database may not give them away.
    """
    if not changes:
        return
    # deletes first, so that a unique value given up by one row is free for another
    senders: dict[str, Callable[[Sequence[SqlChange]], None]] = {
        "delete": lambda some: store.delete([_key(change) for change in some]),
        "patch": lambda some: store.update([(_key(change), change.values) for change in some]),
        "insert": lambda some: _insert(store, some, owned),
    }
    with mute(conn):
        for kind, send in senders.items():
            _attempt(conn, [change for change in changes if change.kind == kind], send)


def _insert(store: SqlStore, changes: Sequence[SqlChange], owned: Callable[[Sequence[Key]], Collection[Key]]) -> None:
    keys = [Key(key) for key in store.create([change.values for change in changes])]
    # SQLite hands the key of a deleted row out again, when Lark may not have heard of the delete yet
    if owned([key for change, key in zip(changes, keys, strict=True) if change.key is None]):
        raise RowRefused("the key that the database made still belongs to a record whose delete is on its way")
    for change, key in zip(changes, keys, strict=True):
        change.key = key


def _attempt(conn: Connection, changes: Sequence[SqlChange], send: Callable[[Sequence[SqlChange]], None]) -> None:
    if not changes:
        return
    try:
        with conn.begin_nested():
            send(changes)
    except (DBAPIError, RowError) as exc:
        if is_transient(exc):
            raise
        if len(changes) > 1:
            middle = len(changes) // 2
            _attempt(conn, changes[:middle], send)
            _attempt(conn, changes[middle:], send)
        else:
            changes[0].error = exc if isinstance(exc, RowError) else _refusal(exc)


def _refusal(exc: DBAPIError) -> RowRefused:
    # the driver's own text may quote the row's values, so only its kind is passed on
    code = next((arg for arg in getattr(exc.orig, "args", ()) if isinstance(arg, int)), None)
    state = getattr(exc.orig, "sqlstate", None) or getattr(exc.orig, "sqlite_errorname", None) or code
    return RowRefused(f"the database refused the row: {type(exc).__name__}{f' ({state})' if state else ''}")


def _key(change: SqlChange) -> Key:
    if change.key is None:
        raise AssertionError("only an insert may come without a key")
    return change.key
