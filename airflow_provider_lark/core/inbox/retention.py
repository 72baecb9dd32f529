"""How long entries are kept. A click that waits is never deleted: a person pressed, and somebody has to answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, or_

from airflow_provider_lark.core.accounts.tables import inbox, inbox_identities
from airflow_provider_lark.core.accounts.transactions import transact
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus, now_plus_ms

_DAY_SECONDS = 86_400.0

IDENTITIES_KEPT_SECONDS = 3 * _DAY_SECONDS
"""Longer than Lark delivers again, and than the door lets a recorded delivery in."""

COMPLETED_KEPT_DAYS = 7
FAILED_KEPT_DAYS = 30

WAITING_KEPT_DAYS = 14
"""An event that has waited so long has nobody who handles it. Longer than a holiday; a poll finds what it told."""


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

    :param waiting_days: after so many days an event that is due and that nobody handles is deleted.
    """

    def work(conn: Connection) -> Purged:
        purged = Purged(
            completed=_delete(conn, _ended("completed", COMPLETED_KEPT_DAYS)),
            failed=_delete(conn, _ended("failed", FAILED_KEPT_DAYS)),
            waiting=_delete(conn, _has_nobody(waiting_days)),
        )
        conn.execute(delete(inbox_identities).where(inbox_identities.c.seen_at < now_plus(-IDENTITIES_KEPT_SECONDS)))
        return purged

    return transact(engine, work, table=inbox.name, clock=clock or SystemClock())


def _delete(conn: Connection, condition: ColumnElement[bool]) -> int:
    return conn.execute(delete(inbox).where(condition)).rowcount


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
