"""How long entries are kept. A click that waits is never deleted: a person pressed, and somebody has to answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, and_, delete, or_, select

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import inbox, inbox_identities
from airflow_provider_lark.core.accounts.transactions import transact
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus, now_plus_ms
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.errors import LarkError

log = logging.getLogger(__name__)

_DAY_SECONDS = 86_400.0

IDENTITIES_KEPT_SECONDS = 3 * _DAY_SECONDS
"""Longer than Lark delivers again, and than the door lets a recorded delivery in."""

COMPLETED_KEPT_DAYS = 7
FAILED_KEPT_DAYS = 30

WAITING_KEPT_DAYS = 14
"""An event that has waited so long has nobody who handles it. Longer than a holiday; a poll finds what it told."""

DELETED_AT_ONCE = 1000
"""So many rows are deleted in one transaction."""

UPKEEP_SECONDS = 3600.0
"""So often a process that receives deletes what is old."""

FIRST_SECONDS = 600.0
"""The first time: a process that has just begun has better things to do."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted.

    :param waiting: events that nobody has handled for too long.
    """

    completed: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """How many entries together."""
        return self.completed + self.failed + self.waiting


def purge(engine: Engine, *, waiting_days: int = WAITING_KEPT_DAYS, clock: Clock | None = None) -> Purged:
    """Delete the entries of every app that are kept no longer, and old identities.

    In short transactions, so that a large inbox blocks nobody; several processes may do so at once.

    :param waiting_days: after so many days an event that is due and that nobody handles is deleted.
    :raises LarkError: the database cannot be used; what was deleted before stays deleted.
    """

    def delete_all(column: Column[Any], condition: ColumnElement[bool]) -> int:
        found = select(column).where(condition).limit(DELETED_AT_ONCE).with_for_update(skip_locked=True)

        def work(conn: Connection) -> int:
            keys = list(conn.scalars(found))
            if keys:
                conn.execute(delete(column.table).where(is_among(column, keys)))
            return len(keys)

        return sum(iter(partial(transact, engine, work, table=column.table.name, clock=clock or SystemClock()), 0))

    purged = Purged(
        completed=delete_all(inbox.c.id, _ended("completed", COMPLETED_KEPT_DAYS)),
        failed=delete_all(inbox.c.id, _ended("failed", FAILED_KEPT_DAYS)),
        waiting=delete_all(inbox.c.id, _has_nobody(waiting_days)),
    )
    delete_all(inbox_identities.c.identity, inbox_identities.c.seen_at < now_plus(-IDENTITIES_KEPT_SECONDS))
    return purged


class Upkeep:
    """Deletes what the inbox keeps no longer, every hour, in a thread of its own, until it is stopped.

    :param open_engine: connects to the database, each time anew.
    :param first_seconds: so long after the start it does so first.
    """

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        *,
        first_seconds: float = FIRST_SECONDS,
        seconds: float = UPKEEP_SECONDS,
    ) -> None:
        self._open_engine = open_engine
        self._first_seconds = first_seconds
        self._seconds = seconds
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin; the end of the process does not wait for it."""
        threading.Thread(target=self._run, name="lark-inbox-upkeep", daemon=True).start()

    def stop(self) -> None:
        """End after what is under way."""
        self._stop.set()

    def _run(self) -> None:
        wait = self._first_seconds
        while not self._stop.wait(wait):
            wait = self._seconds
            try:
                purged = self._purge()
            except LarkError as exc:
                log.warning("old entries of the inbox could not be deleted, and are in an hour: %s", exc)
            except Exception:
                # the connection may be read from Airflow's database, which fails in any driver's words
                log.exception("old entries of the inbox could not be deleted, and are in an hour")
            else:
                if purged.total:
                    log.info("deleted %s old entries of the inbox", purged.total)

    def _purge(self) -> Purged:
        engine = self._open_engine()
        try:
            upgrade(engine)
            return purge(engine)
        finally:
            engine.dispose()


def _ended(status: str, days: int) -> ColumnElement[bool]:
    return and_(inbox.c.status == status, inbox.c.finished_at < now_plus(-days * _DAY_SECONDS))


def _has_nobody(days: int) -> ColumnElement[bool]:
    seconds = -days * _DAY_SECONDS
    # a replay, and each try that failed, give it new time
    was_due = or_(inbox.c.next_attempt_ms.is_(None), inbox.c.next_attempt_ms < now_plus_ms(seconds))
    waits = and_(inbox.c.status == "pending", was_due)
    # whoever took it died, and nobody has come to take it back
    is_left = and_(inbox.c.status == "processing", inbox.c.claim_until_ms < now_plus_ms(seconds))
    return and_(inbox.c.kind == "event", inbox.c.received_at < now_plus(seconds), or_(waits, is_left))
