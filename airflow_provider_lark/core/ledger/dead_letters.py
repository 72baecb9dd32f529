"""Rows and records that could not be synced: kept in the queue for a retry, or as ``failed`` until handled.

An entry with the operation ``PULL`` names a record by its key, or by Lark's record id while it has no key. It asks for
the record to be read from Lark again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, func, insert, or_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, milliseconds, now_plus
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.parts import ERROR_LENGTH, HELD, PULL, UNCLAIMED, QueuePart
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.side import Key

Retried = Literal["retried", "waiting", "processing", "held", "unknown"]
"""What became of the wish to try a key again: it is, it was to be anyway, a run has it now, a person has to release
it, or nothing of it waits or has failed."""

_WAITS = queue.c.status.in_(("pending", "failed", HELD))

_IS_DELAYED = and_(queue.c.status == "pending", queue.c.next_attempt_at > Now())
_AGAIN: dict[str, Any] = {"status": "pending", "retry_count": 0, "processed_at": None, "next_attempt_at": None}


class FailedRow(NamedTuple):
    """A row that failed for good.

    :param key: the SQL key, or Lark's record id where no key is known.
    :param age_seconds: how long ago it failed, by the database's clock.
    """

    id: int
    key: str
    operation: str
    attempts: int
    age_seconds: float
    error: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How far somebody has looked at rows that failed.

    :param count: how many they were told of.
    :param up_to: the newest entry of these.
    :param up_to_ms: when the last of these failed; an older entry may fail later on.
    """

    count: int
    up_to: int
    up_to_ms: int


class DeadLetters(QueuePart):
    """The dead letters of one table."""

    def add(
        self,
        id_: str,
        *,
        error: str,
        delay_seconds: float | None,
        operation: str = PULL,
        retry_count: int | None = None,
    ) -> None:
        """Keep a row that could not be synced: for another try, or as ``failed`` when *delay_seconds* is None.

        A row has one dead letter, however often it fails.

        :param retry_count: how often it was tried; by default that stays as it is.
        """
        state = (
            {"status": "failed", "processed_at": Now(), "next_attempt_at": None}
            if delay_seconds is None
            else {"status": "pending", "processed_at": None, "next_attempt_at": now_plus(delay_seconds)}
        )
        tries = {} if retry_count is None else {"retry_count": retry_count}
        note: dict[str, Any] = {"error_message": error[:ERROR_LENGTH], **state, **tries}
        if self._change(self._of(queue, [id_], queue.c.operation == operation, _WAITS), **note) == 0:
            self.conn.execute(insert(queue).values(table_name=self.table_name, key=id_, operation=operation, **note))

    def resolve(self, ids: Sequence[str]) -> None:
        """Note that the records named by *ids* have been taken in after all; what waited behind them is tried again."""
        for some in split(ids):
            asking = self._of(queue, some, queue.c.operation == PULL, _WAITS)
            freed = list(self.conn.scalars(select(queue.c.key).where(asking)))
            if not freed:
                continue
            self._change(asking, **_done())
            stuck = or_(queue.c.status == "failed", and_(queue.c.status == HELD, queue.c.operation != "DELETE"))
            behind = self._of(queue, freed, queue.c.operation != PULL, stuck)
            self._change(behind, status="pending", processed_at=None, retry_count=0)

    def settle(self, entry_ids: Sequence[int]) -> None:
        """Complete those of the claimed entries that asked for a record; SQL's own go back to the queue."""
        again = {"status": "pending", "processed_at": None, "next_attempt_at": None}
        self._change_ids(entry_ids, queue.c.operation == PULL, **_done(), **UNCLAIMED)
        self._change_ids(entry_ids, queue.c.operation != PULL, queue.c.status != HELD, **again, **UNCLAIMED)

    def failed_texts(self, *, limit: int) -> list[str]:
        """Return key and reason of the *limit* newest entries that failed for good."""
        mine = (queue.c.table_name == self.table_name, queue.c.status == "failed")
        newest = select(queue.c.key, queue.c.error_message).where(*mine).order_by(queue.c.id.desc()).limit(limit)
        return [f"{row.key}: {row.error_message or ''}" for row in self.conn.execute(newest)]

    def failed_page(
        self, *, limit: int, text: str = "", before: int | None = None, after: int | None = None
    ) -> list[FailedRow]:
        """Return up to *limit* entries that failed for good, the newest first.

        :param text: only those whose key or error holds it.
        :param before: only those older than this entry.
        :param after: those that come next after this entry, or after 0, the oldest first.
        """
        age = (NowMs() - epoch_ms(queue.c.processed_at)).label("age_ms")
        mine = self._failed(text)
        if before is not None:
            mine += (queue.c.id < before,)
        if after is not None:
            mine += (queue.c.id > after,)
        order = queue.c.id.desc() if after is None else queue.c.id
        page = select(queue, age).where(*mine).order_by(order).limit(limit)
        return [
            FailedRow(
                id=row.id,
                key=row.key,
                operation=row.operation,
                attempts=row.retry_count,
                age_seconds=max(0.0, (row.age_ms or 0) / 1000),
                error=row.error_message or "",
            )
            for row in self.conn.execute(page)
        ]

    def look(self, *, text: str = "", seen: Seen | None = None) -> Seen:
        """Return how many entries failed for good, and what bounds them to those that are there now.

        :param text: as for :meth:`failed_page`.
        :param seen: only what somebody has seen of them.
        """
        failed_ms = func.coalesce(epoch_ms(queue.c.processed_at), 0)
        found = self.conn.execute(
            select(func.count(), func.max(queue.c.id), func.max(failed_ms)).where(*self._failed(text, seen))
        ).one()
        return Seen(*(int(each or 0) for each in found))

    def retry(self, keys: Sequence[str]) -> dict[str, Retried]:
        """Let the next run try *keys* again, as if they had not been tried; what a run has now stays as it is."""
        found: dict[str, Retried] = dict.fromkeys(keys, "unknown")
        for some in split(list(found)):
            unfinished = self._of(queue, some, queue.c.status != "completed")
            entries = self.conn.execute(select(queue.c.key, queue.c.status).where(unfinished))
            states: dict[str, set[str]] = {}
            for row in entries:
                states.setdefault(row.key, set()).add(row.status)
            delayed = self._keys_where(queue, some, _IS_DELAYED)
            found |= {key: _retried(status, key in delayed) for key, status in states.items()}
            self._change(self._of(queue, some, or_(queue.c.status == "failed", _IS_DELAYED)), **_AGAIN)
        return found

    def retry_all(self, *, text: str = "", seen: Seen | None = None) -> int:
        """Let the next run try all that failed for good, or those that :meth:`look` tells of; return how many."""
        return self._change(*self._failed(text, seen), **_AGAIN)

    def among(self, ids: Sequence[str]) -> set[str]:
        """Return those of *ids* whose record waits for another try, or failed for good."""
        return set(self._keys_where(queue, ids, queue.c.operation == PULL, _WAITS))

    def among_claims(self, claims: Sequence[Claim]) -> set[Key]:
        """Return the keys of those *claims* of which an entry asks for the record to be read again."""
        found: set[Key] = set()
        for some in split([entry for claim in claims for entry in claim.entry_ids]):
            asking = select(queue.c.key).where(is_among(queue.c.id, some), queue.c.operation == PULL)
            found.update(map(Key, self.conn.scalars(asking)))
        return found

    def _failed(self, text: str = "", seen: Seen | None = None) -> tuple[ColumnElement[bool], ...]:
        mine: tuple[ColumnElement[bool], ...] = (queue.c.table_name == self.table_name, queue.c.status == "failed")
        if text:
            places = (queue.c.error_message, queue.c.key)
            mine += (or_(*(place.contains(text, autoescape=True) for place in places)),)
        if seen is not None:
            failed_ms = func.coalesce(epoch_ms(queue.c.processed_at), 0)
            mine += (queue.c.id <= seen.up_to, failed_ms <= milliseconds(seen.up_to_ms))
        return mine


def _retried(states: set[str], is_delayed: bool) -> Retried:
    if "processing" in states:
        return "processing"
    if "failed" in states or is_delayed:
        return "retried"
    return "held" if HELD in states else "waiting"


def _done() -> dict[str, Any]:
    return {"status": "completed", "processed_at": Now(), "error_message": None, "next_attempt_at": None}
