"""Claiming: which keys of the queue a worker may process now, and taking them so that no other worker does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.stores.dbtime import Now, NowMs, at_ms, epoch_ms, milliseconds
from airflow_provider_lark.core.stores.ledger.schema import blacklist, queue
from airflow_provider_lark.core.stores.matching import is_among

Operation = Literal["INSERT", "UPDATE", "DELETE", "PULL"]
"""``PULL`` asks for the Lark record of the key to be read again; see :mod:`.parked`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is ours to process until the lease ends.

    :param entry_ids: every entry of the key; hand them to :func:`~.queue.complete`, :func:`~.queue.retry` or
        :func:`~.queue.fail`.
    :param operation: that of the newest entry.
    :param changed_ms: when the newest entry was captured, by the database's clock.
    :param retry_count: how often the newest entry has failed before.
    :param tells_delete: the row was last known to be deleted: of the entries that say whether it is there, the newest
        is a DELETE.
    :param is_held: one of the entries is a delete that a guard holds back; it came along with a newer change.
    """

    key: Key
    entry_ids: tuple[int, ...]
    operation: Operation
    changed_ms: int
    retry_count: int
    tells_delete: bool = False
    is_held: bool = False


def claim(
    conn: Connection, table_name: str, *, limit_keys: int, token: str, lease_seconds: float, now_ms: int | None = None
) -> list[Claim]:
    """Take up to *limit_keys* keys, the longest waiting first, each with all its entries.

    Entries that failed for good, or are held, come along when their key has changed again. A key is left alone while
    another worker processes it, while it is on the blacklist, and until its backoff ends or a newer change arrives.

    :param token: marks the entries as ours; :func:`~.queue.release` gives them back by it.
    :param now_ms: the time to judge leases and backoff by (default: the database's).
    """
    _take_back_expired(conn, table_name, now_ms)
    keys = _candidates(conn, table_name, limit_keys, now_ms)
    entries = _lock_entries(conn, table_name, keys)
    claims = [_claim_of(Key(key), rows) for key, rows in entries.items()]
    lease = {"claim_token": token, "lease_until_ms": _now_ms(now_ms) + milliseconds(round(lease_seconds * 1000))}
    for ids in split([id_ for one in claims for id_ in one.entry_ids]):
        # what is held stays so until it is settled: a worker that dies must not set it free
        mine = and_(is_among(queue.c.id, ids), _by_key(queue.c.status) != "held")
        conn.execute(update(queue).where(mine).values(status="processing", **lease))
    return claims


def is_blacklisted() -> ColumnElement[bool]:
    """Return the condition that a person has taken an entry's key out of the sync."""
    return exists().where(
        blacklist.c.key == queue.c.key,
        or_(blacklist.c.table_name.is_(None), blacklist.c.table_name == queue.c.table_name),
        or_(blacklist.c.expires_at.is_(None), blacklist.c.expires_at > Now()),
    )


def _now_ms(now_ms: int | None) -> ColumnElement[int]:
    return NowMs() if now_ms is None else milliseconds(now_ms)


def _take_back_expired(conn: Connection, table_name: str, now_ms: int | None) -> None:
    # statements of their own, so that the next one reads pending entries in the order of one index; and looked for
    # without locks, because an UPDATE would wait for every entry that another worker is just claiming
    expired = (queue.c.status == "processing", queue.c.lease_until_ms <= _now_ms(now_ms))
    found = conn.scalars(select(queue.c.id).where(queue.c.table_name == table_name, *expired)).all()
    for ids in split(found):
        again = update(queue).where(is_among(queue.c.id, ids), *expired)
        conn.execute(again.values(status="pending", claim_token=None, lease_until_ms=None))


def _candidates(conn: Connection, table_name: str, limit_keys: int, now_ms: int | None) -> list[str]:
    other = queue.alias()
    in_work = exists().where(
        other.c.table_name == queue.c.table_name,
        other.c.key == queue.c.key,
        _by_key(other.c.status).in_(("processing",)),
    )
    now = Now() if now_ms is None else at_ms(milliseconds(now_ms))
    due = or_(queue.c.next_attempt_at.is_(None), queue.c.next_attempt_at <= now)
    oldest = (
        select(queue.c.key)
        .where(queue.c.status == "pending", queue.c.table_name == table_name, due, ~is_blacklisted(), ~in_work)
        .order_by(queue.c.id)
        .limit(limit_keys)
        .with_for_update(skip_locked=True)
    )
    return list(dict.fromkeys(conn.scalars(oldest)))


def _lock_entries(conn: Connection, table_name: str, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for some in split(keys):
        entries = _entries(table_name, some)
        for row in sorted(conn.execute(entries.with_for_update(skip_locked=True)), key=_id_of):
            found[row.key].append(row)
        if conn.dialect.name != "sqlite":
            _leave_to_others(found, conn.execute(entries).all())
    return {key: rows for key, rows in found.items() if all(row.status != "processing" for row in rows)}


def _by_key(status: ColumnElement[str]) -> ColumnElement[str]:
    """Return *status* for a condition that no index is to be read by: with 100,000 entries pending, the few that are
    wanted are found by their key, but a planner without fresh statistics takes the backlog for empty.
    """
    return func.coalesce(status, "")


def _entries(table_name: str, keys: Sequence[str]) -> Select[Any]:
    created_ms = epoch_ms(queue.c.created_at).label("created_ms")
    wanted = (queue.c.id, queue.c.key, queue.c.operation, queue.c.status, queue.c.retry_count, created_ms)
    unfinished = _by_key(queue.c.status).in_(("pending", "failed", "processing", "held"))
    # not ORDER BY id: MySQL would read the whole queue in that order
    found = select(*wanted).where(queue.c.table_name == table_name, is_among(queue.c.key, keys), unfinished)
    for dialect in ("mysql", "mariadb"):
        found = found.with_hint(queue, "FORCE INDEX (ix_sync_queue_key)", dialect)
    return found


def _leave_to_others(mine: dict[str, list[Row[Any]]], everything: Sequence[Row[Any]]) -> None:
    """Drop the keys of which another worker holds an older entry, or one that it already processes.

    Of two workers that each locked a part of a key's entries, the one with the oldest keeps the key.
    """
    for row in everything:
        rows = mine.get(row.key)
        if rows and (row.id < rows[0].id or row.status == "processing"):
            del mine[row.key]


def _id_of(row: Row[Any]) -> int:
    return int(row.id)


def _claim_of(key: Key, rows: Sequence[Row[Any]]) -> Claim:
    newest = rows[-1]
    told = [row.operation for row in rows if row.operation in ("INSERT", "DELETE")]
    return Claim(
        key=key,
        entry_ids=tuple(row.id for row in rows),
        operation=cast("Operation", newest.operation),
        changed_ms=int(newest.created_ms),
        retry_count=newest.retry_count,
        tells_delete=bool(told) and told[-1] == "DELETE",
        is_held=any(row.status == "held" for row in rows),
    )
