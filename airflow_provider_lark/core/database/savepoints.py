"""Trying writes inside a transaction: what fails is undone alone; a transaction undone as a whole is noticed.

A savepoint is no promise. InnoDB rolls the whole transaction back on a deadlock, SQLite on ``ON CONFLICT ROLLBACK``
and ``RAISE(ROLLBACK)``; what is sent afterwards would run in a new transaction, and what came before is nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TypeVar

from sqlalchemy import Connection, NestedTransaction, Table, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.error_codes import was_cut
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.refusals import concerns_a_row
from airflow_provider_lark.core.errors import SchemaMismatch, TransactionLost

T = TypeVar("T")


@contextmanager
def savepoint(conn: Connection) -> Iterator[None]:
    """Undo what happened inside where it raises, and nothing else.

    :raises TransactionLost: the database has undone the whole transaction; the cause is what it said.
    """
    nested = conn.begin_nested()
    try:
        yield
        nested.commit()
    except BaseException as exc:
        _undo(nested, exc)
        raise


def _undo(nested: NestedTransaction, exc: BaseException) -> None:
    if isinstance(exc, TransactionLost) or was_cut(exc):
        # there is nothing to go back to, but SQLAlchemy has to know that the savepoint has ended
        with suppress(DBAPIError):
            nested.rollback()
        return
    try:
        nested.rollback()
    except DBAPIError:
        raise TransactionLost(
            "the database rolled back the whole transaction, not only the failed statement; none of it was saved"
        ) from exc


def guarded(conn: Connection) -> AbstractContextManager[None]:
    """Keep the transaction usable after a read that fails: PostgreSQL alone refuses all that follows an error."""
    return savepoint(conn) if conn.dialect.name == "postgresql" else nullcontext()


@contextmanager
def deferred(conn: Connection) -> Iterator[None]:
    """Let constraints hold at the end only, where they are declared to be deferrable and PostgreSQL can be asked."""
    can = conn.dialect.name == "postgresql"
    if can:
        conn.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
    yield
    if can:
        conn.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")


def isolate(
    conn: Connection,
    items: Sequence[T],
    send: Callable[[Sequence[T]], None],
    refuse: Callable[[T, Exception], None],
) -> None:
    """Send *items*; where that fails because of one of them, bisect them until each bad one stands alone.

    What was sent before and beside stays. One bad item among n costs at most 2·log2(n) further tries.

    :param refuse: is told of each bad item, and why.
    :raises Exception: an error that says nothing about a row: a deadlock, a lost connection, a full disk.
    """
    waiting = [items] if items else []
    while waiting:
        part = waiting.pop()
        try:
            with savepoint(conn):
                send(part)
        except Exception as exc:
            if isinstance(exc, TransactionLost) or not concerns_a_row(exc):
                raise
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                refuse(part[0], exc)


def missing_undo(conn: Connection, table: Table) -> str | None:
    """Return what keeps the writes to *table* from being undone, and what to do; None where they can be.

    MyISAM, Aria, MEMORY and other engines of MySQL and MariaDB know no transactions; SQLite none without a journal.
    """
    if is_mysql(conn.dialect):
        asked = text(
            "SELECT t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES t "
            "JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE "
            "WHERE t.TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND t.TABLE_NAME = :name"
        )
        found = conn.execute(asked, {"schema": table.schema, "name": table.name}).first()
        if found is not None and found[1] != "YES":
            return (
                f"its engine {found[0]} does not support transactions; change it with ALTER TABLE {table.name} "
                "ENGINE=InnoDB"
            )
    elif conn.dialect.name == "sqlite" and conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "off":
        return "the connection sets journal_mode=OFF, so nothing can be rolled back; remove that setting"
    return None


def require_undo(conn: Connection, table: Table) -> None:
    """Refuse a table whose writes cannot be undone.

    :raises SchemaMismatch: a failure would leave half of a batch.
    """
    if why := missing_undo(conn, table):
        raise SchemaMismatch(f"table {table.fullname!r} cannot be synced safely: {why}")
