"""The queue of changes on the SQL side, filled by the triggers of :mod:`airflow_provider_lark.core.stores.capture`.

An entry says that a key may have changed, never how. Entries of one key are claimed together, by one worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.stores.dbtime import (
    Now,
    NowMs,
    epoch_ms,
    now_plus,
    now_plus_ms,
)
from airflow_provider_lark.core.stores.ledger.claims import Claim, Operation, claim, is_blacklisted
from airflow_provider_lark.core.stores.ledger.schema import queue
from airflow_provider_lark.core.stores.matching import is_among

__all__ = [
    "Backlog",
    "Claim",
    "Operation",
    "backlog",
    "claim",
    "complete",
    "enqueue",
    "fail",
    "purge",
    "release",
    "requeue_failed",
    "retry",
]

ERROR_LENGTH = 2_000
"""Longest error text that is kept with an entry."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits. Keys on the blacklist and held deletes wait for a person, and are counted apart.

    :param oldest_seconds: age of the oldest pending entry, or None when nothing is pending.
    :param held: deletes that the guard against mass deletes holds back.
    """

    pending: int
    oldest_seconds: float | None
    failed: int
    processing: int
    blacklisted: int = 0
    held: int = 0


def enqueue(
    conn: Connection,
    table_name: str,
    keys: Sequence[Key],
    *,
    operation: Operation = "UPDATE",
    token: str | None = None,
    lease_seconds: float | None = None,
) -> dict[Key, int]:
    """Add an entry per key: pending, or already claimed when *token* is given.

    :returns: the new entries' ids by key when *token* is given, else nothing.
    """
    if not keys:
        return {}
    entry: dict[str, Any] = {"table_name": table_name, "operation": operation}
    if token is not None:
        entry |= {"status": "processing", "claim_token": token}
    conn.execute(insert(queue), [entry | {"key": key} for key in dict.fromkeys(keys)])
    if token is None:
        return {}
    mine = and_(queue.c.table_name == table_name, queue.c.status == "processing", queue.c.claim_token == token)
    fresh = and_(mine, queue.c.lease_until_ms.is_(None))
    found = {Key(row.key): row.id for row in conn.execute(select(queue.c.id, queue.c.key).where(fresh))}
    conn.execute(update(queue).where(fresh).values(lease_until_ms=now_plus_ms(lease_seconds or 0)))
    return found


def complete(conn: Connection, entry_ids: Sequence[int]) -> None:
    """Mark entries as carried out."""
    for ids in split(entry_ids):
        conn.execute(
            update(queue)
            .where(is_among(queue.c.id, ids))
            .values(status="completed", processed_at=Now(), error_message=None, **_UNCLAIMED)
        )


def retry(conn: Connection, entry_ids: Sequence[int], *, error: str, delay_seconds: float, max_retries: int) -> bool:
    """Let entries wait for *delay_seconds*, or park those as ``failed`` that have been tried *max_retries* times.

    :param error: why, for a person to read; no cell values.
    :returns: True when every entry is parked.
    """
    used_up = queue.c.retry_count + 1 >= max_retries
    waiting = 0
    for ids in split(entry_ids):
        conn.execute(
            update(queue)
            .where(is_among(queue.c.id, ids))
            .ordered_values(
                (queue.c.status, case((used_up, "failed"), else_="pending")),
                (queue.c.processed_at, case((used_up, Now()), else_=None)),
                (queue.c.next_attempt_at, now_plus(delay_seconds)),
                (queue.c.error_message, error[:ERROR_LENGTH]),
                (queue.c.claim_token, None),
                (queue.c.lease_until_ms, None),
                # the last one, because MySQL computes the others from what was set before them
                (queue.c.retry_count, queue.c.retry_count + 1),
            )
        )
        pending = select(func.count()).where(is_among(queue.c.id, ids), queue.c.status == "pending")
        waiting += conn.scalars(pending).one()
    return waiting == 0


def fail(conn: Connection, entry_ids: Sequence[int], *, error: str) -> None:
    """Park entries: they need a person, or a new change of their key."""
    for ids in split(entry_ids):
        conn.execute(
            update(queue)
            .where(is_among(queue.c.id, ids))
            .values(status="failed", processed_at=Now(), error_message=error[:ERROR_LENGTH], **_UNCLAIMED)
        )


def release(conn: Connection, token: str) -> int:
    """Give back what is claimed under *token*, as if it had not been claimed; return how many entries."""
    mine = and_(queue.c.status == "processing", queue.c.claim_token == token)
    return conn.execute(update(queue).where(mine).values(status="pending", **_UNCLAIMED)).rowcount


def backlog(conn: Connection, table_name: str | None = None) -> Backlog:
    """Count what waits, of one table or of all."""
    blocked = case((is_blacklisted(), 1), else_=0).label("blocked")
    entries = select(queue.c.status, epoch_ms(queue.c.created_at).label("created_ms"), blocked)
    entries = entries.where(queue.c.status.in_(("pending", "processing", "failed", "held")))
    if table_name is not None:
        entries = entries.where(queue.c.table_name == table_name)
    part = entries.subquery()
    oldest = NowMs() - func.min(part.c.created_ms)
    rows = conn.execute(
        select(part.c.status, part.c.blocked, func.count().label("entries"), oldest.label("age_ms")).group_by(
            part.c.status, part.c.blocked
        )
    )
    found = {(row.status, bool(row.blocked)): row for row in rows}

    def count(status: str, blocked: bool) -> int:
        row = found.get((status, blocked))
        return int(row.entries) if row else 0

    pending = found.get(("pending", False))
    return Backlog(
        pending=count("pending", False),
        oldest_seconds=max(0.0, float(pending.age_ms) / 1000) if pending else None,
        failed=count("failed", False) + count("failed", True),
        processing=count("processing", False) + count("processing", True),
        blacklisted=count("pending", True),
        held=count("held", False) + count("held", True),
    )


def requeue_failed(conn: Connection, table_name: str) -> int:
    """Try parked entries again from the start; return how many."""
    parked = and_(queue.c.table_name == table_name, queue.c.status == "failed")
    again = update(queue).where(parked).values(status="pending", retry_count=0, processed_at=None, **_UNCLAIMED)
    return conn.execute(again).rowcount


def purge(conn: Connection, *, completed_older_than_seconds: float) -> int:
    """Delete entries that were completed so long ago; return how many."""
    old = and_(queue.c.status == "completed", queue.c.processed_at <= now_plus(-completed_older_than_seconds))
    return conn.execute(delete(queue).where(old)).rowcount


_UNCLAIMED: dict[str, None] = {"claim_token": None, "lease_until_ms": None, "next_attempt_at": None}
