"""The queue of changes on the SQL side, filled by the triggers of :mod:`airflow_provider_lark.core.capture`.

An entry says that a key may have changed, never how. Entries of one key are claimed together, by one worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, delete, func, insert, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus
from airflow_provider_lark.core.database.predicates import is_among, unindexed
from airflow_provider_lark.core.ledger.backlog import Backlog, count_backlog
from airflow_provider_lark.core.ledger.blacklist import is_blacklisted
from airflow_provider_lark.core.ledger.claims import Claiming, Operation, is_due
from airflow_provider_lark.core.ledger.parts import ERROR_LENGTH, HELD, PULL, UNCLAIMED
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.side import Key


class Delayed(NamedTuple):
    """An entry that waits for its next attempt.

    :param error: why the last one failed; empty where nothing is known.
    :param next_ms: when the next one is due, by the database's clock.
    """

    id: int
    key: Key
    operation: Operation
    error: str
    next_ms: int


class Waiting(NamedTuple):
    """An entry that is not completed.

    :param due_seconds: until its next attempt; 0 where nothing keeps the next run from it.
    """

    id: int
    operation: str
    status: str
    tries: int
    error: str
    age_seconds: float
    due_seconds: float


class Sighting(NamedTuple):
    """A change that a run has found by itself, where no trigger notes it.

    :param seen: what tells the row as it was found from any other, so that it is noted once.
    :param changed_ms: when SQL changed the row, by the database's clock; 0 where nobody can tell.
    """

    key: Key
    operation: Operation
    seen: str
    changed_ms: int = 0


class Queue(Claiming):
    """The queue of one table; :class:`~.DeadLetters` and :class:`~.HeldDeletes` are entries that need more."""

    def enqueue(self, keys: Sequence[Key], *, operation: Operation = "UPDATE") -> None:
        """Add an entry per key."""
        if keys:
            entry = {"table_name": self.table_name, "operation": operation}
            self.conn.execute(insert(queue), [entry | {"key": key} for key in dict.fromkeys(keys)])

    def note(self, found: Sequence[Sighting]) -> int:
        """Add an entry per change, unless one of the same row as it was found has not ended yet; return how many.

        So a row that is met again and again waits, and fails, as if a trigger had noted it once.
        """
        known: set[tuple[str, str | None]] = set()
        unfinished = queue.c.status.in_(("pending", "processing", "failed", HELD))
        for keys in split([each.key for each in found]):
            rows = self.conn.execute(select(queue.c.key, queue.c.seen).where(self._of(queue, keys, unfinished)))
            known |= {(row.key, row.seen) for row in rows}
        new = [each for each in found if (each.key, each.seen) not in known]
        if new:
            self.conn.execute(insert(queue), [{"table_name": self.table_name, **each._asdict()} for each in new])
        return len(new)

    def complete(self, entry_ids: Sequence[int]) -> None:
        """Mark entries as carried out."""
        done = {"status": "completed", "error_message": None, "next_attempt_at": None}
        self._change_ids(entry_ids, **done, processed_at=Now(), **UNCLAIMED)

    def retry(self, entry_ids: Sequence[int], *, error: str, delay_seconds: float, max_retries: int) -> bool:
        """Let entries wait for *delay_seconds*, or make those ``failed`` that have been tried *max_retries* times.

        :param error: why, for a person to read; no cell values.
        :returns: True when every entry is ``failed``.
        """
        used_up = queue.c.retry_count + 1 >= max_retries
        waiting = 0
        for ids in split(entry_ids):
            self.conn.execute(
                update(queue)
                .where(is_among(queue.c.id, ids))
                .ordered_values(
                    (queue.c.status, case((used_up, "failed"), else_="pending")),
                    (queue.c.processed_at, case((used_up, Now()), else_=None)),
                    (queue.c.next_attempt_at, now_plus(delay_seconds)),
                    (queue.c.error_message, error[:ERROR_LENGTH]),
                    *((queue.c[name], None) for name in UNCLAIMED),
                    # the last one, because MySQL computes the others from what was set before them
                    (queue.c.retry_count, queue.c.retry_count + 1),
                )
            )
            pending = select(func.count()).where(is_among(queue.c.id, ids), unindexed(queue.c.status == "pending"))
            waiting += self.conn.scalars(pending).one()
        return waiting == 0

    def fail(self, entry_ids: Sequence[int], *, error: str) -> None:
        """Give entries up: they need a person, or a new change of their key."""
        note = {"status": "failed", "error_message": error[:ERROR_LENGTH], "next_attempt_at": None}
        self._change_ids(entry_ids, **note, processed_at=Now(), **UNCLAIMED)

    def hand_back(self, entry_ids: Sequence[int]) -> None:
        """Give claimed entries back, as if they had not been claimed."""
        self._change_ids(entry_ids, queue.c.status == "processing", status="pending", **UNCLAIMED)

    def hand_back_all(self) -> int:
        """Give back what a dead worker had claimed; only for the one that holds the table's lease."""
        orphaned = (queue.c.table_name == self.table_name, queue.c.status == "processing")
        return self._change(*orphaned, status="pending", **UNCLAIMED)

    def changed_at(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Return when SQL last changed those of *keys* that wait, in milliseconds by the database's clock.

        0 stands for a change of which nobody can tell when it was.
        """
        found: dict[Key, int] = {}
        changed_ms = func.coalesce(queue.c.changed_ms, epoch_ms(queue.c.created_at))
        for some in split(keys):
            waiting = (
                select(queue.c.key, func.max(changed_ms).label("changed_ms"))
                .where(
                    self._of(
                        queue, some, queue.c.status.in_(("pending", "processing", HELD)), queue.c.operation != PULL
                    )
                )
                .group_by(queue.c.key)
            )
            found |= {Key(row.key): int(row.changed_ms) for row in self.conn.execute(waiting)}
        return found

    def only_found(self, names: Sequence[str]) -> set[str]:
        """Return those of *names* that wait only because a look at the table found them; no run has tried them yet."""
        found: set[str] = set()
        noted = func.count(case((queue.c.seen.is_(None) | (queue.c.retry_count > 0), 1)))
        for some in split(names):
            waits = queue.c.status.in_(("pending", "processing"))
            entries = select(queue.c.key).where(self._of(queue, some, waits)).group_by(queue.c.key).having(noted == 0)
            found.update(self.conn.scalars(entries))
        return found

    def states_of(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Return in which states the open entries of *names* are, which are keys or record ids."""
        found: dict[str, set[str]] = {}
        for some in split(names):
            is_open = queue.c.status.in_(("pending", "processing", HELD, "failed"))
            entries = select(queue.c.key, queue.c.status).where(self._of(queue, some, is_open)).distinct()
            for row in self.conn.execute(entries):
                found.setdefault(row.key, set()).add(row.status)
        return found

    def deletes_among(self, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* of which a delete waits that nobody has claimed."""
        return self._keys_where(queue, keys, queue.c.status == "pending", queue.c.operation == "DELETE")

    def delayed_page(self, *, after: int, limit: int) -> list[Delayed]:
        """Return up to *limit* entries from behind the id *after* whose next attempt is still to come."""
        wanted = (queue.c.id, queue.c.key, queue.c.operation, queue.c.error_message)
        next_ms = epoch_ms(queue.c.next_attempt_at).label("next_ms")
        mine = (queue.c.table_name == self.table_name, queue.c.status == "pending", queue.c.id > after)
        delayed = select(*wanted, next_ms).where(*mine, ~is_due(Now()), ~is_blacklisted())
        found = self.conn.execute(delayed.order_by(queue.c.id).limit(limit))
        return [Delayed(row.id, Key(row.key), row.operation, row.error_message or "", row.next_ms) for row in found]

    def unfinished_of(self, names: Sequence[str]) -> list[Waiting]:
        """Return the entries of *names* that wait, failed or are held, the oldest first."""
        age = (NowMs() - epoch_ms(queue.c.created_at)).label("age_ms")
        due = (epoch_ms(queue.c.next_attempt_at) - NowMs()).label("due_ms")
        open_ = select(queue, age, due).where(self._of(queue, names, queue.c.status != "completed"))
        return [
            Waiting(
                id=row.id,
                operation=row.operation,
                status=row.status,
                tries=row.retry_count,
                error=row.error_message or "",
                age_seconds=max(0.0, row.age_ms / 1000),
                due_seconds=max(0.0, (row.due_ms or 0) / 1000),
            )
            for row in self.conn.execute(open_.order_by(queue.c.id))
        ]

    def backlog(self) -> Backlog:
        """Count what waits."""
        return count_backlog(self.conn, self.table_name)


def purge(conn: Connection, *, completed_older_than_seconds: float) -> int:
    """Delete entries that were completed so long ago, of every table; return how many."""
    old = and_(queue.c.status == "completed", queue.c.processed_at <= now_plus(-completed_older_than_seconds))
    return conn.execute(delete(queue).where(old)).rowcount
