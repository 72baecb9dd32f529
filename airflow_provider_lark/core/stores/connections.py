"""Transactions that write to the ledger, and the errors that go away by themselves.

The functions of :mod:`.ledger` take a connection inside the caller's transaction and never commit;
:func:`write_transaction` is where such a transaction comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError

SQLITE_BUSY_MS = 30_000
"""How long a SQLite writer waits for another one before it is told that the database is locked."""

# deadlock, lock wait timeout, record changed since it was read (MariaDB's snapshot isolation)
_MYSQL_TRANSIENT = frozenset({1205, 1213, 1020})
# serialization failure, deadlock, lock not available
_POSTGRES_TRANSIENT = frozenset({"40001", "40P01", "55P03"})
# access denied to database, table, column or routine, no SUPER; PostgreSQL's insufficient_privilege
_REFUSALS = frozenset({1044, 1142, 1143, 1227, 1370, 1419, "42501"})
# SQLITE_BUSY, SQLITE_LOCKED; extended codes carry these in their lowest byte
_SQLITE_TRANSIENT = frozenset({5, 6})


def is_mysql(dialect: Dialect) -> bool:
    """Tell whether *dialect* is MySQL or MariaDB; SQLAlchemy has two names for them."""
    return dialect.name in ("mysql", "mariadb")


@contextmanager
def write_transaction(engine: Engine, *, sqlite_busy_ms: int | None = None) -> Iterator[Connection]:
    """Open a transaction that can write: commit at the end, roll back on an exception.

    On SQLite it is ``BEGIN IMMEDIATE``, so that what was read is still true when it is written, with a busy
    timeout of 30 s. Elsewhere it is ``READ COMMITTED``: MySQL's default would lock gaps in the queue, and let
    the capturing triggers and the engine run into each other.

    The engine's ``hide_parameters`` is switched on: cell values are statement parameters, and would reach logs
    through the text of a database error.

    :param sqlite_busy_ms: wait no longer than this for another writer of SQLite.
    """
    engine.hide_parameters = True
    with engine.connect() as conn:
        if engine.dialect.name == "sqlite":
            begin_immediate(conn, sqlite_busy_ms)
        elif is_mysql(engine.dialect) and not _commits_by_itself(conn):
            # a round trip instead of four: it holds for the next transaction only, so there is nothing to set back
            conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        else:
            conn = conn.execution_options(isolation_level="READ COMMITTED")
        yield conn
        conn.commit()


def _commits_by_itself(conn: Connection) -> bool:
    raw = conn.connection.dbapi_connection
    ask = getattr(raw, "get_autocommit", None)
    return bool(ask() if callable(ask) else getattr(raw, "autocommit", False))


def begin_immediate(conn: Connection, busy_ms: int | None = None) -> None:
    """Begin a transaction of SQLite that can write, as :func:`write_transaction` does."""
    timeout = conn.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    wanted = max(timeout, SQLITE_BUSY_MS) if busy_ms is None else busy_ms
    if timeout != wanted:
        conn.exec_driver_sql(f"PRAGMA busy_timeout = {wanted:d}")
    if getattr(conn.connection.dbapi_connection, "in_transaction", False):
        # an event handler of the application's has begun a deferred one, which could not be upgraded safely
        conn.exec_driver_sql("COMMIT")
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def is_transient(exc: BaseException) -> bool:
    """Tell whether the same transaction may succeed when it is run again: deadlock, lock timeout, busy database.

    A lost connection is not among them: whether its commit was carried out is unknown.
    """
    if not isinstance(exc, DBAPIError) or exc.connection_invalidated:
        return False
    code = error_code(exc)
    if isinstance(code, str):
        return code in _POSTGRES_TRANSIENT
    if hasattr(exc.orig, "sqlite_errorcode"):
        return code is not None and (code & 0xFF) in _SQLITE_TRANSIENT
    return code in _MYSQL_TRANSIENT


def error_code(exc: DBAPIError) -> int | str | None:
    """Return what the database itself calls an error: PostgreSQL's SQLSTATE, SQLite's or MySQL's number."""
    orig = exc.orig
    for name in ("sqlstate", "pgcode", "sqlite_errorcode"):
        code: int | str | None = getattr(orig, name, None)
        if code is not None:
            return code
    # MySQL's drivers put the number first
    first = next(iter(getattr(orig, "args", ())), None)
    return first if isinstance(first, int) else None


def lacks_right(exc: DBAPIError) -> bool:
    """Tell whether the database refused for want of a right."""
    return error_code(exc) in _REFUSALS
