"""Table locks that wait for every open transaction, taken so that no other session queues behind them.

A change of a table's definition needs one, and the server lets all who come later wait behind whoever asks for it. So
each try waits for a moment only, and between two tries the others get their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import lock_seconds_of, write_transaction
from airflow_provider_lark.core.database.error_codes import is_timeout
from airflow_provider_lark.core.database.retries import retry_until_free
from airflow_provider_lark.core.database.savepoints import savepoint
from airflow_provider_lark.core.errors import DatabaseBusy

T = TypeVar("T")

TRY_SECONDS = 2.0
"""How long one try waits for its lock, and with it every writer that comes after."""

PAUSE_SECONDS = 2.0
"""How long the others have their turn between two tries."""


def change_definition(engine: Engine, work: Callable[[Connection], T], *, clock: Clock | None = None) -> T:
    """Run *work* in a write transaction of its own, again and again until its locks are free.

    *work* is run from the start each time. On MySQL a change of a definition commits by itself, so it must find what
    an earlier try has made.

    :raises DatabaseBusy: they were not free for as long as the engine waits for any lock.
    """

    def attempt() -> T:
        with write_transaction(engine, lock_seconds=min(TRY_SECONDS, wait_seconds)) as conn:
            return work(conn)

    wait_seconds = lock_seconds_of(engine)
    return retry_until_free(
        attempt,
        is_locked=lambda exc: isinstance(exc, DatabaseBusy),
        pause_seconds=min(PAUSE_SECONDS, wait_seconds),
        wait_seconds=wait_seconds,
        subject="a table's definition",
        clock=clock or SystemClock(),
    )


def lock_table(conn: Connection, name: str, *, clock: Clock | None = None) -> None:
    """Keep others from writing to a table of PostgreSQL until the transaction ends, in tries of the same kind.

    :param name: the table, as SQL writes it.
    :raises DBAPIError: it was not free for as long as the engine waits for any lock.
    """

    def attempt() -> None:
        with savepoint(conn):
            _set_lock_timeout(conn, min(TRY_SECONDS, wait_seconds))
            statement = f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"
            # as it is written: a name may hold per cent signs
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
            _set_lock_timeout(conn, wait_seconds)

    wait_seconds = lock_seconds_of(conn.engine)
    retry_until_free(
        attempt,
        is_locked=lambda exc: isinstance(exc, DBAPIError) and is_timeout(exc, conn.dialect),
        pause_seconds=min(PAUSE_SECONDS, wait_seconds),
        wait_seconds=wait_seconds,
        subject=name,
        clock=clock or SystemClock(),
    )


def _set_lock_timeout(conn: Connection, seconds: float) -> None:
    conn.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(seconds * 1000))}")
