"""What a database's error codes mean: temporary, a missing privilege, or a lock wait."""

from __future__ import annotations

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError

# deadlock, lock wait timeout, record changed since it was read (MariaDB's snapshot isolation)
_MYSQL_TRANSIENT = frozenset({1205, 1213, 1020})
# serialization failure, deadlock, lock not available
_POSTGRES_TRANSIENT = frozenset({"40001", "40P01", "55P03"})
# access denied to database, table, column or routine, no SUPER; PostgreSQL's insufficient_privilege
_REFUSALS = frozenset({1044, 1142, 1143, 1227, 1370, 1419, "42501"})
# SQLITE_BUSY, SQLITE_LOCKED; extended codes carry these in their lowest byte
_SQLITE_TRANSIENT = frozenset({5, 6})
# waited for a lock as long as allowed, by the name of the dialect; SQLite's also for a crash's recovery
_TIMEOUTS = {"sqlite": frozenset({5, 261, 773}), "postgresql": frozenset({"55P03"})}
_MYSQL_TIMEOUTS = frozenset({1205, 3572})
# read-only session or server: MySQL's --read-only, a read-only transaction, a server that is only read from
_MYSQL_READ_ONLY = frozenset({1290, 1792, 1836})
_POSTGRES_READ_ONLY = "25006"
_SQLITE_READ_ONLY = 8
NO_DEFINER = 1449
"""MySQL: the user in whose name a trigger runs does not exist."""


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


def was_cut(exc: BaseException) -> bool:
    """Tell whether the connection was lost."""
    return isinstance(exc, DBAPIError) and exc.connection_invalidated


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


def is_timeout(exc: DBAPIError, dialect: Dialect) -> bool:
    """Tell whether a statement has waited for a lock as long as it may."""
    return error_code(exc) in _TIMEOUTS.get(dialect.name, _MYSQL_TIMEOUTS)


def is_read_only(exc: DBAPIError) -> bool:
    """Tell whether the database refused to write at all."""
    code = error_code(exc)
    if isinstance(code, str):
        return code == _POSTGRES_READ_ONLY
    if hasattr(exc.orig, "sqlite_errorcode"):
        # extended codes tell why: the file was moved, its folder may not be written to, …
        return code is not None and (code & 0xFF) == _SQLITE_READ_ONLY
    return code in _MYSQL_READ_ONLY


def is_hidden(exc: DBAPIError) -> bool:
    """Tell whether PostgreSQL refused because row-level security would have hidden rows."""
    return getattr(getattr(exc.orig, "diag", None), "source_function", None) == "check_enable_rls"
