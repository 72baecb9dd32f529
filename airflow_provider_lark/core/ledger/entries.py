"""The queue's entries as its verbs see them: those of a table, those with certain ids, those of certain keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.part import Part
from airflow_provider_lark.core.ledger.tables import queue

PULL = "PULL"
"""The operation of an entry that asks for a record of Lark to be read again; see :mod:`.dead_letters`."""

HELD = "held"
"""The status of an entry that waits for a person; see :mod:`.deletes`."""

ERROR_LENGTH = 2_000
"""Longest error text that is kept with an entry."""

UNCLAIMED: dict[str, None] = {"claim_token": None, "lease_until_ms": None}
"""What an entry holds that nobody works on."""


class Entries(Part):
    """The entries of one table; what :class:`~.Queue`, :class:`~.DeadLetters` and :class:`~.HeldDeletes` build on."""

    def _change(self, *conditions: ColumnElement[bool], **values: Any) -> int:
        """Set *values* of the entries that meet *conditions*; return how many."""
        return self.conn.execute(update(queue).where(*conditions).values(**values)).rowcount

    def _change_ids(self, entry_ids: Sequence[int], *conditions: ColumnElement[bool], **values: Any) -> None:
        for ids in split(entry_ids):
            self._change(is_among(queue.c.id, ids), *conditions, **values)
