"""What the parts of a ledger have in common: the transaction and the table that they are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among, unindexed
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.side import Key

PULL = "PULL"
"""The operation of an entry that asks for a record of Lark to be read again; see :mod:`.dead_letters`."""

HELD = "held"
"""The status of an entry that waits for a person; see :mod:`.deletes`."""

ERROR_LENGTH = 2_000
"""Longest error text that is kept with an entry."""

UNCLAIMED: dict[str, None] = {"claim_token": None, "lease_until_ms": None}
"""What an entry holds that nobody works on."""


@dataclass(frozen=True)
class LedgerPart:
    """One kind of knowledge about one SQL table, inside the caller's transaction; no verb commits.

    :param table_name: the table as the mapping names it, ``schema.table`` when a schema is given.
    """

    conn: Connection
    table_name: str

    def _of(self, table: Table, keys: Sequence[str], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition that a row of the ledger's *table* belongs to one of *keys*, and meets *conditions*."""
        # conditions come in here, not beside: the rows are to be found by their keys
        return and_(table.c.table_name == self.table_name, is_among(table.c.key, keys), *map(unindexed, conditions))

    def _keys_where(self, table: Table, keys: Sequence[str], *conditions: ColumnElement[bool]) -> set[Key]:
        """Return those of *keys* of which a row of the ledger's *table* meets *conditions*."""
        found: set[Key] = set()
        for some in split(keys):
            found.update(map(Key, self.conn.scalars(select(table.c.key).where(self._of(table, some, *conditions)))))
        return found


class QueuePart(LedgerPart):
    """The entries of one table; what :class:`~.Queue`, :class:`~.DeadLetters` and :class:`~.HeldDeletes` build on."""

    def _change(self, *conditions: ColumnElement[bool], **values: Any) -> int:
        """Set *values* of the entries that meet *conditions*; return how many."""
        return self.conn.execute(update(queue).where(*conditions).values(**values)).rowcount

    def _change_ids(self, entry_ids: Sequence[int], *conditions: ColumnElement[bool], **values: Any) -> None:
        for ids in split(entry_ids):
            self._change(is_among(queue.c.id, ids), *map(unindexed, conditions), **values)
