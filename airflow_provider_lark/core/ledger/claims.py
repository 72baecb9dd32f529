"""Claiming: which keys of the queue a worker may process now, and taking them so that no other worker does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, NowMs, at_ms, epoch_ms, milliseconds
from airflow_provider_lark.core.database.predicates import unindexed
from airflow_provider_lark.core.ledger.blacklist import is_blacklisted
from airflow_provider_lark.core.ledger.parts import HELD, UNCLAIMED, QueuePart
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.side import Key

Operation = Literal["INSERT", "UPDATE", "DELETE", "PULL"]
"""``PULL`` asks for the Lark record of the key to be read again; see :mod:`.dead_letters`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is ours to process until the lease ends.

    :param entry_ids: every entry of the key; hand them to :meth:`~.Queue.complete`, :meth:`~.Queue.retry` or
        :meth:`~.Queue.fail`.
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


class Claiming(QueuePart):
    """Takes keys of the queue of one table."""

    def claim(
        self,
        *,
        limit_keys: int,
        token: str,
        lease_seconds: float,
        now_ms: int | None = None,
        among: Sequence[str] | None = None,
    ) -> list[Claim]:
        """Take up to *limit_keys* keys, the longest waiting first, each with all its entries.

        Entries that failed for good, or are held, come along when their key has changed again. A key is left alone
        while another worker processes it, while it is on the blacklist, and until its backoff ends or a newer change
        arrives.

        :param token: marks the entries as ours, for whoever reads the queue.
        :param now_ms: the time to judge leases and backoff by (default: the database's).
        :param among: only these keys, as many as a statement takes.
        """
        self._take_back_expired(now_ms)
        keys = self._candidates(limit_keys, now_ms, among)
        claims = [_claim_of(Key(key), rows) for key, rows in self._lock_entries(keys).items()]
        lease = {"claim_token": token, "lease_until_ms": _now_ms(now_ms) + milliseconds(round(lease_seconds * 1000))}
        # what is held stays so until it is settled: a worker that dies must not set it free
        is_free = queue.c.status != HELD
        self._change_ids([id_ for one in claims for id_ in one.entry_ids], is_free, status="processing", **lease)
        return claims

    def _take_back_expired(self, now_ms: int | None) -> None:
        # statements of their own, so that the next one reads pending entries in the order of one index; and looked for
        # without locks, because an UPDATE would wait for every entry that another worker is just claiming
        expired = (queue.c.status == "processing", queue.c.lease_until_ms <= _now_ms(now_ms))
        found = self.conn.scalars(select(queue.c.id).where(queue.c.table_name == self.table_name, *expired)).all()
        self._change_ids(found, *expired, status="pending", **UNCLAIMED)

    def _candidates(self, limit_keys: int, now_ms: int | None, among: Sequence[str] | None) -> list[str]:
        other = queue.alias()
        in_work = exists().where(
            other.c.table_name == queue.c.table_name,
            other.c.key == queue.c.key,
            unindexed(other.c.status == "processing"),
        )
        now = Now() if now_ms is None else at_ms(milliseconds(now_ms))
        is_pending = queue.c.status == "pending"
        mine = (
            and_(is_pending, queue.c.table_name == self.table_name)
            if among is None
            else self._of(queue, among, is_pending)
        )
        oldest = (
            select(queue.c.key)
            .where(mine, is_due(now), ~is_blacklisted(), ~in_work)
            .order_by(queue.c.id)
            .limit(limit_keys)
            .with_for_update(skip_locked=True)
        )
        return list(dict.fromkeys(self.conn.scalars(oldest)))

    def _lock_entries(self, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        for some in split(keys):
            entries = self._unfinished(some)
            for row in sorted(self.conn.execute(entries.with_for_update(skip_locked=True)), key=_id_of):
                found[row.key].append(row)
            if self.conn.dialect.name != "sqlite":
                _leave_to_others(found, self.conn.execute(entries).all())
        return {key: rows for key, rows in found.items() if all(row.status != "processing" for row in rows)}

    def _unfinished(self, keys: Sequence[str]) -> Select[Any]:
        created_ms = epoch_ms(queue.c.created_at).label("created_ms")
        wanted = (queue.c.id, queue.c.key, queue.c.operation, queue.c.status, queue.c.retry_count, created_ms)
        unfinished = queue.c.status.in_(("pending", "failed", "processing", HELD))
        # not ORDER BY id: MySQL would read the whole queue in that order
        found = select(*wanted).where(self._of(queue, keys, unfinished))
        for dialect in ("mysql", "mariadb"):
            found = found.with_hint(queue, "FORCE INDEX (ix_sync_queue_key)", dialect)
        return found


def is_due(now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the backoff of an entry has ended."""
    return or_(queue.c.next_attempt_at.is_(None), queue.c.next_attempt_at <= now)


def _now_ms(now_ms: int | None) -> ColumnElement[int]:
    return NowMs() if now_ms is None else milliseconds(now_ms)


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
        is_held=any(row.status == HELD for row in rows),
    )
