"""How much waits in the queue, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, func, select

from airflow_provider_lark.core.database.dbtime import NowMs, epoch_ms
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.blacklist import holds_now, is_blacklisted
from airflow_provider_lark.core.ledger.tables import blacklist, queue

_WAITING = ("pending", "processing", "failed", "held")


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
    if table_name is not None:
        return count_backlogs(conn, [table_name])[table_name]
    found = list(count_backlogs(conn, None).values())
    ages = [each.oldest_seconds for each in found if each.oldest_seconds is not None]
    return Backlog(
        pending=sum(each.pending for each in found),
        oldest_seconds=max(ages) if ages else None,
        failed=sum(each.failed for each in found),
        processing=sum(each.processing for each in found),
        blacklisted=sum(each.blacklisted for each in found),
        held=sum(each.held for each in found),
    )


def count_backlogs(conn: Connection, table_names: Sequence[str] | None) -> dict[str, Backlog]:
    """Count what waits of each of these tables, in one statement where nothing is pending, and in four at most.

    :param table_names: None: all of which something waits.
    """
    entries = func.count().label("entries")
    # the ids grow with time, and stand in the index that the counts are made from
    first = func.min(queue.c.id).label("first")
    grouped = select(queue.c.table_name, queue.c.status, entries, first).group_by(queue.c.table_name, queue.c.status)
    found: dict[str, dict[str, Row[tuple[object, ...]]]] = {name: {} for name in table_names or ()}
    for row in conn.execute(grouped.where(queue.c.status.in_(_WAITING), *_of(table_names))):
        found.setdefault(row.table_name, {})[row.status] = row
    pending = {name: rows["pending"] for name, rows in found.items() if "pending" in rows}
    open_ = _without_blacklisted(conn, pending)
    ages = _ages(conn, [int(row.first) for row in open_.values()])
    return {
        name: Backlog(
            pending=open_[name].entries if name in open_ else 0,
            oldest_seconds=ages.get(int(open_[name].first)) if name in open_ else None,
            failed=rows["failed"].entries if "failed" in rows else 0,
            processing=rows["processing"].entries if "processing" in rows else 0,
            blacklisted=pending[name].entries - (open_[name].entries if name in open_ else 0) if name in pending else 0,
            held=rows["held"].entries if "held" in rows else 0,
        )
        for name, rows in found.items()
    }


def _without_blacklisted(
    conn: Connection, pending: dict[str, Row[tuple[object, ...]]]
) -> dict[str, Row[tuple[object, ...]]]:
    """Return count and first entry of what is pending by table, less the keys that are left alone."""
    # mostly none is, and then no entry has to be looked up
    if not pending or conn.scalars(select(blacklist.c.id).where(holds_now()).limit(1)).first() is None:
        return pending
    counted = select(queue.c.table_name, func.count().label("entries"), func.min(queue.c.id).label("first"))
    mine = (queue.c.status == "pending", *_of(list(pending)), ~is_blacklisted())
    return {row.table_name: row for row in conn.execute(counted.where(*mine).group_by(queue.c.table_name))}


def _ages(conn: Connection, ids: Sequence[int]) -> dict[int, float]:
    if not ids:
        return {}
    age = (NowMs() - epoch_ms(queue.c.created_at)).label("age_ms")
    return {
        row.id: max(0.0, float(row.age_ms) / 1000)
        for row in conn.execute(select(queue.c.id, age).where(is_among(queue.c.id, ids)))
    }


def _of(table_names: Sequence[str] | None) -> tuple[ColumnElement[bool], ...]:
    return () if table_names is None else (queue.c.table_name.in_(table_names),)
