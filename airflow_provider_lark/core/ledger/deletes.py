"""Deletes held back by the limit: entries of the queue with the status ``held``, which no run claims by itself.

An entry of the operation ``PULL`` keeps a row in SQL whose record is gone in Lark; any other keeps a record in Lark
whose row was deleted in SQL. When the key changes again, a held entry is claimed along with the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, distinct, exists, func, insert, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now
from airflow_provider_lark.core.database.predicates import unindexed
from airflow_provider_lark.core.ledger.blacklist import is_blacklisted
from airflow_provider_lark.core.ledger.claims import is_due
from airflow_provider_lark.core.ledger.parts import ERROR_LENGTH, HELD, PULL, UNCLAIMED, QueuePart
from airflow_provider_lark.core.ledger.tables import queue, record_map
from airflow_provider_lark.core.side import Key

_AT_ONCE: dict[str, None] = {**UNCLAIMED, "next_attempt_at": None, "processed_at": None}
_IS_HELD = queue.c.status == HELD


REFERRED = "other rows refer to it (on_delete: restrict)"
"""How the reason begins why a delete is held for the sake of rows that refer to it."""


class Held(NamedTuple):
    """How many keys wait for a person's word.

    :param in_lark: records that stay in Lark although their rows were deleted.
    :param in_sql: rows that stay in SQL although their records are gone.
    """

    in_lark: int
    in_sql: int


class Entry(NamedTuple):
    """An entry of the queue."""

    id: int
    key: Key


class HeldDeletes(QueuePart):
    """The deletes of one table that are held, and those that may come to be."""

    def hold(self, reasons: Mapping[int, str]) -> None:
        """Let claimed entries wait for a person, each for its reason."""
        for ids in split(list(reasons)):
            cut = {id_: reasons[id_][:ERROR_LENGTH] for id_ in ids}
            self._change_ids(ids, status=HELD, error_message=case(cut, value=queue.c.id), **_AT_ONCE)

    def hold_rows(self, reasons: Mapping[Key, str]) -> None:
        """Note rows of SQL that stay although their records are gone; those that are noted already stay so."""
        known = self.among(list(reasons))
        entry = {"table_name": self.table_name, "operation": PULL, "status": HELD}
        fresh = [entry | {"key": k, "error_message": v[:ERROR_LENGTH]} for k, v in reasons.items() if k not in known]
        for some in split(fresh):
            self.conn.execute(insert(queue), list(some))

    def release_all(self) -> int:
        """Let everything that is held be carried out; return how many entries that are."""
        return self._release(and_(queue.c.table_name == self.table_name, _IS_HELD))

    def release(self, keys: Sequence[Key]) -> None:
        """Let the entries of *keys* be looked at anew."""
        for some in split(keys):
            self._release(self._of(queue, some, _IS_HELD))

    def fingerprint(self, *, pulls: bool) -> str:
        """Return what tells the deletes that are held on one side from others, in 32 digits; empty for none.

        :param pulls: see :meth:`page`.
        """
        digest, count = blake2b(digest_size=16), 0
        for row in self.conn.execute(self._held(pulls).order_by(queue.c.id)):
            digest.update(f"{row.id} {row.key}\n".encode("utf-8", "surrogatepass"))
            count += 1
        return digest.hexdigest() if count else ""

    def lock(self, *, pulls: bool) -> None:
        """Let whoever locks the deletes that are held on this side too wait until this transaction has ended."""
        self.conn.execute(self._held(pulls).order_by(queue.c.id).limit(1).with_for_update())

    def mark(self, note: str, *, pulls: bool) -> None:
        """Write at all that is held on one side what a person decided about it."""
        self._change(*self._mine(pulls), _IS_HELD, error_message=note[:ERROR_LENGTH])

    def marked_page(self, note: str, *, after: int, limit: int) -> list[Entry]:
        """Return up to *limit* entries that :meth:`mark` has marked and that are not carried out yet."""
        waits = queue.c.status.in_((HELD, "pending"))
        mine = (queue.c.table_name == self.table_name, waits, queue.c.error_message == note[:ERROR_LENGTH])
        return self._page(select(queue.c.id, queue.c.key).where(*mine), after, limit)

    def release_marked(self, note: str, keys: Sequence[Key]) -> None:
        """Let those of *keys* that :meth:`mark` has marked be carried out; the mark stays."""
        for some in split(keys):
            marked = self._of(queue, some, _IS_HELD, queue.c.error_message == note[:ERROR_LENGTH])
            self._change(marked, status="pending", **_AT_ONCE)

    def settle(self, keys: Sequence[Key]) -> None:
        """Complete the held entries of *keys*: there is nothing left to delete."""
        done = {**_AT_ONCE, "status": "completed", "processed_at": Now(), "error_message": None}
        for some in split(keys):
            self._change(self._of(queue, some, _IS_HELD), **done)

    def among(self, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* whose row stays in SQL although its record is gone."""
        return self._keys_where(queue, keys, _IS_HELD, queue.c.operation == PULL)

    def referred_page(self, *, after: int, limit: int) -> list[Entry]:
        """Return up to *limit* entries from behind *after* that are held because other rows refer to their row."""
        mine = (queue.c.table_name == self.table_name, _IS_HELD, queue.c.error_message.startswith(REFERRED))
        return self._page(select(queue.c.id, queue.c.key).where(*mine), after, limit)

    def reasons(self, keys: Sequence[Key]) -> dict[Key, str]:
        """Return why *keys* are held, where that is noted."""
        found: dict[Key, str] = {}
        for some in split(keys):
            noted = select(queue.c.key, queue.c.error_message).where(self._of(queue, some, _IS_HELD))
            found |= {Key(row.key): row.error_message for row in self.conn.execute(noted) if row.error_message}
        return found

    def count(self) -> Held:
        """Count the keys that are held, by the side that keeps what it has."""
        keys = func.count(distinct(queue.c.key)).label("keys_")
        is_pull = case((queue.c.operation == PULL, 1), else_=0).label("is_pull")
        mine = (queue.c.table_name == self.table_name, _IS_HELD)
        counted = self.conn.execute(select(is_pull, keys).where(*mine).group_by(is_pull))
        found = {bool(row.is_pull): row.keys_ for row in counted}
        return Held(in_lark=found.get(False, 0), in_sql=found.get(True, 0))

    def page(self, *, pulls: bool, after: int, limit: int) -> list[Entry]:
        """Return up to *limit* keys that are held, each with its oldest entry, from behind the entry *after*.

        :param pulls: those whose row stays in SQL; otherwise those whose record stays in Lark.
        """
        other = queue.alias()
        is_older = (other.c.key == queue.c.key, other.c.table_name == queue.c.table_name, other.c.id < queue.c.id)
        is_pull = other.c.operation == PULL if pulls else other.c.operation != PULL
        is_alike = (unindexed(other.c.status == HELD), is_pull)
        return self._page(self._held(pulls).where(~exists().where(*is_older, *is_alike)), after, limit)

    def count_due(self, *, soft: bool) -> int:
        """Return how many keys wait in the queue of which a push may delete the record, at most.

        :param soft: every change may be a delete, because a column of the row says so.
        """
        return int(self.conn.scalars(self._due(select(func.count(distinct(queue.c.key))), soft)).one())

    def due_page(self, *, soft: bool, after: int, limit: int) -> list[Entry]:
        """Return up to *limit* entries of the keys that :meth:`count_due` counts, from behind *after*."""
        return self._page(self._due(select(queue.c.id, queue.c.key), soft), after, limit)

    def _mine(self, pulls: bool) -> tuple[ColumnElement[bool], ...]:
        return queue.c.table_name == self.table_name, queue.c.operation == PULL if pulls else queue.c.operation != PULL

    def _held(self, pulls: bool) -> Select[Any]:
        return select(queue.c.id, queue.c.key).where(*self._mine(pulls), _IS_HELD)

    def _page(self, entries: Select[Any], after: int, limit: int) -> list[Entry]:
        # in the order of the ids, which an index gives: in that of the keys each page would sort them all
        found = self.conn.execute(entries.where(queue.c.id > after).order_by(queue.c.id).limit(limit))
        return [Entry(row.id, Key(row.key)) for row in found]

    def _due(self, query: Select[Any], soft: bool) -> Select[Any]:
        kind = queue.c.operation != PULL if soft else queue.c.operation == "DELETE"
        same = and_(record_map.c.key == queue.c.key, record_map.c.table_name == queue.c.table_name)
        # a pair that rests outside the mapping's filter deletes nothing
        live = and_(~record_map.c.tombstone, record_map.c.base.is_not(None), ~record_map.c.outside)
        mine = (queue.c.table_name == self.table_name, queue.c.status == "pending", kind, is_due(Now()))
        return query.select_from(queue.join(record_map, same)).where(*mine, ~is_blacklisted(), live)

    def _release(self, condition: ColumnElement[bool]) -> int:
        return self._change(condition, status="pending", error_message=None, **_AT_ONCE)
