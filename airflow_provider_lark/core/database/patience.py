"""Changes of a table's definition, made so that nobody queues behind them.

They need a lock that every open transaction on the table holds up, and the server lets all who come later wait behind
it. So each try waits for a moment only, and between two tries the others get their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import is_timeout, lock_seconds_of, write_transaction
from airflow_provider_lark.core.database.savepoints import savepoint
from airflow_provider_lark.core.errors import DatabaseBusy

T = TypeVar("T")

TRY_SECONDS = 2.0
"""How long one try waits for its lock, and with it every writer that comes after."""

PAUSE_SECONDS = 2.0
"""How long the others have their turn between two tries."""


def patiently(engine: Engine, work: Callable[[Connection], T], *, clock: Clock | None = None) -> T:
    """Run *work* in a write transaction of its own, again and again until its locks are free.

    *work* is run from the start each time. On MySQL a change of a definition commits by itself, so it must find what
    an earlier try has made.

    :raises DatabaseBusy: they were not free for as long as the engine waits for any lock.
    """
    clock = clock or SystemClock()
    patience = lock_seconds_of(engine)
    deadline = clock.monotonic() + patience
    while True:
        try:
            with write_transaction(engine, lock_seconds=min(TRY_SECONDS, patience)) as conn:
                return work(conn)
        except DatabaseBusy:
            if clock.monotonic() >= deadline:
                raise
            clock.sleep(min(PAUSE_SECONDS, patience))


def lock_table(conn: Connection, name: str, *, clock: Clock | None = None) -> None:
    """Keep others from writing to a table of PostgreSQL until the transaction ends, in tries of the same kind.

    :param name: the table, as SQL writes it.
    :raises DBAPIError: it was not free for as long as the engine waits for any lock.
    """
    clock = clock or SystemClock()
    patience = lock_seconds_of(conn.engine)
    deadline = clock.monotonic() + patience
    while True:
        try:
            with savepoint(conn):
                _set_patience(conn, min(TRY_SECONDS, patience))
                statement = f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"
                # as it is written: a name may hold per cent signs
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
                _set_patience(conn, patience)
            return
        except DBAPIError as exc:
            if not is_timeout(exc, conn.dialect) or clock.monotonic() >= deadline:
                raise
        clock.sleep(min(PAUSE_SECONDS, patience))


def _set_patience(conn: Connection, seconds: float) -> None:
    conn.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(seconds * 1000))}")
