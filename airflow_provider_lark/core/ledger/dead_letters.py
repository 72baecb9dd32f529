"""Rows and records that could not be synced: kept in the queue for a retry, or as ``failed`` until handled.

An entry with the operation ``PULL`` names a record by its key, or by Lark's record id while it has no key. It asks for
the record to be read from Lark again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, insert, or_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, now_plus
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.parts import ERROR_LENGTH, HELD, PULL, UNCLAIMED, QueuePart
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.side import Key

_WAITS = queue.c.status.in_(("pending", "failed", HELD))


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
        mine = (queue.c.table_name == self.table_name, queue.c.key == id_, queue.c.operation == operation, _WAITS)
        if self._change(*mine, **note) == 0:
            self.conn.execute(insert(queue).values(table_name=self.table_name, key=id_, operation=operation, **note))

    def resolve(self, ids: Sequence[str]) -> None:
        """Note that the records named by *ids* have been taken in after all; what waited behind them is tried again."""
        for some in split(ids):
            asking = and_(self._of(queue, some), queue.c.operation == PULL, _WAITS)
            freed = list(self.conn.scalars(select(queue.c.key).where(asking)))
            if not freed:
                continue
            self._change(asking, **_done())
            behind = and_(self._of(queue, some), is_among(queue.c.key, freed), queue.c.operation != PULL)
            stuck = or_(queue.c.status == "failed", and_(queue.c.status == HELD, queue.c.operation != "DELETE"))
            self._change(behind, stuck, status="pending", processed_at=None, retry_count=0)

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


def _done() -> dict[str, Any]:
    return {"status": "completed", "processed_at": Now(), "error_message": None, "next_attempt_at": None}
