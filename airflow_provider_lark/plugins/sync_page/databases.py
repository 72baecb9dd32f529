"""A mapping's ledger for one request, without taking all threads of the page.

A database that does not answer holds up whoever asks for it until its driver gives up, so only a few may wait for one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.database.connections import read_only_session, write_transaction
from airflow_provider_lark.core.errors import DatabaseBusy, LarkError, kind_of
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.sync.status import Status, read_statuses
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.errors import explain_database
from airflow_provider_lark.hooks.ledgers import conn_id_of, ledger_of

AT_ONCE = 4
"""So many requests may use one database at once."""

WAIT_SECONDS = 3.0
LOCK_SECONDS = 10.0
"""How long a change waits for a lock that another program holds in the database."""

TREND_RUNS = 30
ADVICE = "set sql.conn_id in the mapping: the page finds the database by it"


class Databases:
    """Opens the databases of mappings."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._places: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(AT_ONCE))

    @contextmanager
    def reading(self, mapping: TableMapping) -> Iterator[Ledger]:
        """Give the ledger of a mapping in a session that cannot write."""
        with self._session(conn_id_of(mapping, advice=ADVICE)) as conn:
            yield ledger_of(mapping, conn)

    @contextmanager
    def writing(self, mapping: TableMapping) -> Iterator[Ledger]:
        """Give the ledger of a mapping in a transaction that is committed at the end."""
        conn_id = conn_id_of(mapping, advice=ADVICE)
        with (
            self._place(conn_id),
            opened_engine(conn_id) as engine,
            write_transaction(engine, lock_seconds=LOCK_SECONDS) as conn,
        ):
            yield ledger_of(mapping, conn)

    def states(self, conn_id: str, mappings: Sequence[TableMapping]) -> list[dict[str, Any]]:
        """Return how the mappings of one database are; if it cannot be read, each says why in its place."""
        try:
            with self._session(conn_id) as conn:
                migrate.require_current(conn)
                found = read_statuses(conn, [each.sql.table_name for each in mappings], runs=TREND_RUNS)
        except (LarkError, SQLAlchemyError) as exc:
            return [{"mapping": each.name, "error": describe(exc)} for each in mappings]
        return [{"mapping": each.name, **_told(found[each.sql.table_name])} for each in mappings]

    @contextmanager
    def _session(self, conn_id: str) -> Iterator[Connection]:
        with self._place(conn_id), opened_engine(conn_id) as engine, read_only_session(engine) as conn:
            yield conn

    @contextmanager
    def _place(self, conn_id: str) -> Iterator[None]:
        with self._lock:
            place = self._places[conn_id]
        if not place.acquire(timeout=WAIT_SECONDS):
            raise DatabaseBusy(
                f"connection {conn_id!r}: {AT_ONCE} requests of this page wait for its database already; check that it "
                "answers"
            )
        try:
            yield
        finally:
            place.release()


def describe(exc: Exception) -> dict[str, str]:
    """Return what an error is, and what it says, without a secret."""
    if isinstance(exc, SQLAlchemyError):
        return {"kind": "database", "message": explain_database(exc)}
    return {"kind": kind_of(exc), "message": str(exc)}


def _told(status: Status) -> dict[str, Any]:
    return {**status.to_dict(), "trend": [each.pending for each in reversed(status.runs)]}
