"""How much waits in the queue, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from airflow_provider_lark.core.database.dbtime import NowMs, epoch_ms
from airflow_provider_lark.core.ledger.blacklist import is_blacklisted
from airflow_provider_lark.core.ledger.tables import queue


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


def count_backlog(conn: Connection, table_name: str | None = None) -> Backlog:
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

    def count(status: str, *blocked: bool) -> int:
        return sum(int(found[status, each].entries) for each in blocked if (status, each) in found)

    pending = found.get(("pending", False))
    return Backlog(
        pending=count("pending", False),
        oldest_seconds=max(0.0, float(pending.age_ms) / 1000) if pending else None,
        failed=count("failed", False, True),
        processing=count("processing", False, True),
        blacklisted=count("pending", True),
        held=count("held", False, True),
    )
