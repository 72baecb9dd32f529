"""Short transactions on the tables of accounts, and error messages for their failures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.database.error_codes import error_code, is_transient, lacks_right, was_cut
from airflow_provider_lark.core.database.retries import retry_transaction
from airflow_provider_lark.core.errors import ConfigError, DatabaseBusy, LarkError, Unreachable

T = TypeVar("T")

_NO_SCHEMA = "3F000"
_SQLITE_ADVICE = {
    13: "its disk is full",
    14: "its file cannot be opened: check that the folder exists, and that this user may write to it",
    26: "its file is no SQLite database",
}
"""What to do about errors of SQLite, which has neither a server nor a log; by the lowest byte of the code."""

_FIRST_WAIT_SECONDS = 0.04
_LOCK_SECONDS = 5.0
"""A long transaction of the application must not hold up its calls to Lark; without its store the client asks Lark."""


def transact(engine: Engine, work: Callable[[Connection], T], *, table: str, clock: Clock) -> T:
    """Run *work* in a transaction of its own; a deadlock or a lost connection runs it again from the start.

    :param table: on what it works, for errors.
    :raises ConfigError: the table is missing, or the database user has no right to it.
    :raises Unreachable: the database does not answer, or fails otherwise.
    """
    begin = partial(write_transaction, engine, lock_seconds=_LOCK_SECONDS)
    return _attempt(engine, begin, work, table, clock)


def look(engine: Engine, work: Callable[[Connection], T], *, table: str, clock: Clock) -> T:
    """Run *work*, which only reads, and so waits for no writer; otherwise as :func:`transact`."""
    return _attempt(engine, partial(open_session, engine, lock_seconds=_LOCK_SECONDS), work, table, clock)


def _attempt(
    engine: Engine,
    begin: Callable[[], AbstractContextManager[Connection]],
    work: Callable[[Connection], T],
    table: str,
    clock: Clock,
) -> T:
    def run() -> T:
        with begin() as conn:
            return work(conn)

    error: LarkError
    try:
        return retry_transaction(
            run,
            may_repeat=lambda exc: _may_repeat(exc, engine),
            first_wait_seconds=_FIRST_WAIT_SECONDS,
            subject=table,
            clock=clock,
        )
    except DatabaseBusy as exc:
        error = Unreachable(f"the database {_name_of(engine)}: {exc.message}")
    except SQLAlchemyError as exc:
        error = _explain(exc, engine, table)
    # outside the except block: frames of drivers hold the database's password in their locals
    raise error


def _may_repeat(exc: BaseException, engine: Engine) -> bool:
    if engine.dialect.name == "sqlite":
        # it has waited for the lock already
        return False
    return is_transient(exc) or was_cut(exc)


def explain(exc: SQLAlchemyError, engine: Engine) -> LarkError:
    """Return what a failure of the database means, and which one it was; its own text may quote anything."""
    where = _name_of(engine)
    if isinstance(exc, DBAPIError):
        code = error_code(exc)
        if lacks_right(exc):
            return ConfigError(
                f"the database user of {where} lacks a privilege: GRANT SELECT, INSERT, UPDATE and DELETE on its "
                "tables, on PostgreSQL also USAGE on their schema and sequences; and CREATE, to make or change them"
            )
        if code == _NO_SCHEMA:
            return ConfigError(
                f"the database {where} has no schema for the tables: none of the search_path exists; create it, or set "
                "search_path for its user"
            )
        kind = type(exc).__name__ if code is None else f"{type(exc).__name__} {code}"
        advice = _SQLITE_ADVICE.get(int(code) & 0xFF) if engine.dialect.name == "sqlite" and code is not None else None
        advice = advice or "check that it is running, its address and its log"
        return Unreachable(f"the database {where} failed ({kind}); {advice}")
    return Unreachable(f"the database {where} failed ({type(exc).__name__}); check its connection limit")


def _explain(exc: SQLAlchemyError, engine: Engine, table: str) -> LarkError:
    if isinstance(exc, DBAPIError) and not lacks_right(exc) and _is_missing(engine, table):
        return ConfigError(
            f"{_name_of(engine)} has no table {table}: create it with `airflow lark tokens check` or "
            "airflow_provider_lark.core.accounts.upgrade(engine)"
        )
    return explain(exc, engine)


def _name_of(engine: Engine) -> str:
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _is_missing(engine: Engine, table: str) -> bool:
    try:
        with open_session(engine) as conn:
            return not conn.dialect.has_table(conn, table)
    except (SQLAlchemyError, LarkError):
        return False
