"""Every session with a database is opened here, and so is every transaction that writes to the ledger.

The verbs of a :class:`.Ledger` work inside the caller's transaction and never commit;
:func:`write_transaction` is where such a transaction comes from. What a session is set to stands in
:mod:`.session_settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_provider_lark.core.database.blockers import describe_blockers
from airflow_provider_lark.core.database.error_codes import (
    NO_DEFINER,
    error_code,
    is_hidden,
    is_read_only,
    is_timeout,
    lacks_right,
)
from airflow_provider_lark.core.database.refusals import words_of
from airflow_provider_lark.core.database.row_security import explain_hidden, hiding_policies
from airflow_provider_lark.core.database.session_settings import session_of
from airflow_provider_lark.core.errors import ConfigError, DatabaseBusy, LarkError, SchemaMismatch, TransactionLost

LOCK_SECONDS = 30.0
"""How long a statement waits for a lock that another program holds, before it fails with :class:`.DatabaseBusy`."""

_LOCK_OPTION = "lark_lock_seconds"

# the settings that end a statement, or a whole session, after some time
_LIMITS = {
    "57014": "statement_timeout",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "57P05": "idle_session_timeout",
    1969: "max_statement_time",
    3024: "max_execution_time",
}


def is_pooled(conn: Connection) -> bool:
    """Tell whether PgBouncer, or its like, hands each transaction to another connection of PostgreSQL."""
    if conn.dialect.name != "postgresql":
        return False
    told = getattr(getattr(conn.connection.dbapi_connection, "info", None), "backend_pid", None)
    # it makes up the number of the process that it tells its clients
    return bool(told != conn.scalar(text("SELECT pg_catalog.pg_backend_pid()")))


def with_lock_seconds(engine: Engine, seconds: float) -> Engine:
    """Return *engine* with another longest wait for locks than :data:`LOCK_SECONDS`; both share their connections."""
    return engine if seconds == LOCK_SECONDS else engine.execution_options(**{_LOCK_OPTION: seconds})


def lock_seconds_of(engine: Engine) -> float:
    """Return the longest wait for a lock of *engine*'s sessions."""
    return float(engine.get_execution_options().get(_LOCK_OPTION, LOCK_SECONDS))


@contextmanager
def open_session(engine: Engine, *, lock_seconds: float | None = None) -> Iterator[Connection]:
    """Open a session that is set to what this package relies on; what is not committed is rolled back at the end.

    The engine's ``hide_parameters`` is switched on: cell values are statement parameters, and would reach logs
    through the text of a database error.

    :param lock_seconds: the longest wait for a lock; default: the engine's own, or :data:`LOCK_SECONDS`.
    :raises DatabaseBusy: another program held a lock for longer, and the message says which where the server tells; or
        a setting of the session, such as PostgreSQL's ``statement_timeout``, left the work too little time.
    :raises ConfigError: the database, or this session, is read-only, and was to be written.
    :raises SchemaMismatch: PostgreSQL's row-level security hides rows from this user.
    """
    engine.hide_parameters = True
    wanted = lock_seconds if lock_seconds is not None else engine.get_execution_options().get(_LOCK_OPTION)
    try:
        with engine.connect() as conn, _settled(conn, wanted):
            yield conn
    except (DBAPIError, TransactionLost) as exc:
        # a server may undo the whole transaction when a wait was too long
        cause = exc.__cause__ if isinstance(exc, TransactionLost) else exc
        error = _explain(cause, engine, LOCK_SECONDS if wanted is None else wanted)
        if error is None:
            raise
        raise error from exc


@contextmanager
def read_only_session(engine: Engine) -> Iterator[Connection]:
    """Open a session in which a write is an error of the database, so that one that was forgotten cannot land.

    :raises ConfigError: something was to be written; or the user may not read a table.
    """
    with _explained_rights(), open_session(engine) as conn:
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA query_only = ON")
            try:
                yield conn
            finally:
                conn.rollback()
                conn.exec_driver_sql("PRAGMA query_only = OFF")
        elif engine.dialect.name == "postgresql":
            event.listen(conn, "begin", _begin_read_only)
            conn.rollback()
            try:
                yield conn
            finally:
                event.remove(conn, "begin", _begin_read_only)
        else:
            conn.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            conn.rollback()
            try:
                yield conn
            finally:
                # the pool must not hand this session out again
                conn.invalidate()


@contextmanager
def _explained_rights() -> Iterator[None]:
    try:
        yield
    except DBAPIError as exc:
        if not lacks_right(exc):
            raise
        # its words name the user and the table, no value
        raise ConfigError(
            f"the database user may not read what is needed: {words_of(exc)}; GRANT it SELECT on this table and on the "
            "sync_… tables (on PostgreSQL also USAGE on their schema)"
        ) from exc


def _begin_read_only(conn: Connection) -> None:
    conn.exec_driver_sql("SET TRANSACTION READ ONLY")


@contextmanager
def _settled(conn: Connection, lock_seconds: float | None) -> Iterator[None]:
    session = session_of(
        conn, LOCK_SECONDS if lock_seconds is None else lock_seconds, is_exact=lock_seconds is not None
    )
    session.open(conn)
    event.listen(conn, "begin", session.begin)
    try:
        yield
    finally:
        event.remove(conn, "begin", session.begin)
        if not conn.closed and not conn.invalidated:
            with suppress(SQLAlchemyError):
                conn.rollback()
                session.close(conn)


@contextmanager
def write_transaction(engine: Engine, *, lock_seconds: float | None = None) -> Iterator[Connection]:
    """Open a transaction that can write: commit at the end, roll back on an exception; see :func:`open_session`.

    On SQLite it is ``BEGIN IMMEDIATE``, so that what was read is still true when it is written. Elsewhere it is
    ``READ COMMITTED``: MySQL's default would lock gaps in the queue, and let the capturing triggers and the engine
    run into each other.
    """
    with open_session(engine, lock_seconds=lock_seconds) as conn:
        if engine.dialect.name == "sqlite":
            begin_immediate(conn)
        yield conn
        conn.commit()


def begin_immediate(conn: Connection) -> None:
    """Begin a transaction of SQLite that can write, as :func:`write_transaction` does."""
    if not conn.in_transaction():
        # SQLAlchemy's begin, which sends nothing by itself, but may wake a handler
        conn.begin()
    if getattr(conn.connection.dbapi_connection, "in_transaction", False):
        # an event handler of the application's has begun a deferred one, which could not be upgraded safely
        conn.exec_driver_sql("COMMIT")
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _explain(exc: BaseException | None, engine: Engine, lock_seconds: float) -> LarkError | None:
    """Return what a failure of the session means that neither a repetition nor another row gets around."""
    if not isinstance(exc, DBAPIError):
        return None
    code, name = error_code(exc), engine.dialect.name
    if is_timeout(exc, engine.dialect):
        return DatabaseBusy(
            f"the database was locked by another program for {lock_seconds:g} s, so this transaction was rolled back: "
            f"{describe_blockers(engine, exc.statement or '')}"
        )
    if code in _LIMITS:
        return DatabaseBusy(_why_cut_short(_LIMITS[code]))
    if is_read_only(exc):
        return ConfigError(f"this database connection is read-only: {_why_read_only(name)}")
    if code == NO_DEFINER:
        return SchemaMismatch(
            "a trigger on the table runs as a user that no longer exists, so every write to it fails; run the setup "
            "with this connection to recreate the sync's triggers"
        )
    if is_hidden(exc):
        return SchemaMismatch(explain_hidden(_hiding_policies(engine)))
    return None


def _why_cut_short(setting: str) -> str:
    is_any = " or because it was cancelled," if setting == "statement_timeout" else ""
    return (
        f"the database cancelled the transaction because of {setting},{is_any} and rolled it back. The setting comes "
        "from this connection, its user, its database or the server; set it to 0 (no limit) or a higher value for the "
        "user of this connection"
    )


def _hiding_policies(engine: Engine) -> str:
    with suppress(SQLAlchemyError), engine.connect() as conn:
        return hiding_policies(conn)
    return ""


def _why_read_only(dialect: str) -> str:
    if dialect == "sqlite":
        return (
            "its address has mode=ro, this user cannot write to the file or its folder, or the file was moved or "
            "replaced meanwhile"
        )
    if dialect == "postgresql":
        return "it points to a standby, or default_transaction_read_only is on for this user or database"
    return "the server is read-only (a replica), or transaction_read_only is on"
