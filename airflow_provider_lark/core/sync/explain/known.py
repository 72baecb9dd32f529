"""What the ledger knows of one row, read in one session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.blacklist import Listed
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.decisions import Decision
from airflow_provider_lark.core.ledger.history.changes import PastChange
from airflow_provider_lark.core.ledger.history.completeness import Gap, read_gap
from airflow_provider_lark.core.ledger.history.sync_log import PastLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.ledger.queue import Waiting
from airflow_provider_lark.core.side import Key, RecordId

EVENTS_MAX = 1_000
"""So many of the newest are read of each kind."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of a row.

    :param waiting: its entries of the queue that are not completed.
    :param in_doubt: a write to its record was sent, and no answer to it came.
    :param unsettled: the last run left its record, because it had been changed in Lark just then.
    :param gap: what is missing of the history of all rows.
    """

    key: Key
    pair: Pair | None
    waiting: Sequence[Waiting]
    listed: Listed | None
    conflict: Conflict | None
    decision: Decision | None
    in_doubt: bool
    changes: Sequence[PastChange]
    lines: Sequence[PastLine]
    gap: Gap | None
    unsettled: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the ledger has never met the row."""
        found = (self.pair, self.listed, self.conflict, *self.waiting, *self.changes, *self.lines)
        return not any(each is not None for each in found)


def find_pair(ledger: Ledger, name: str) -> Pair | None:
    """Return the pair of a SQL key, or of a record id."""
    found = ledger.pairs.by_keys([Key(name)]).get(Key(name))
    return found or ledger.pairs.by_records([RecordId(name)]).get(RecordId(name))


def read_known(ledger: Ledger, name: str, *, changes: int = EVENTS_MAX) -> Known:
    """Read what is known of the row of *name*: a SQL key, or a record id.

    :param changes: so many of the newest writes are read, each with all values of the row.
    """
    pair = find_pair(ledger, name)
    key = Key(name) if pair is None else pair.key
    # before a record had a key it went by its own id
    names = [key] if pair is None else list(dict.fromkeys([key, Key(pair.record_id)]))
    lines = [line for each in names for line in ledger.sync_log.latest(limit=EVENTS_MAX, key=each)]
    decided = ledger.decisions.open_of("conflict", [key])
    sent = ledger.intents.open("create", "update", "delete")
    checkpoint = ledger.checkpoint.load()
    left = {} if checkpoint is None else checkpoint.unsettled
    return Known(
        key=key,
        pair=pair,
        waiting=ledger.queue.unfinished_of(names),
        listed=ledger.blacklist.listed(key),
        conflict=ledger.conflicts.open_by_key([key]).get(key),
        decision=decided[0] if decided else None,
        in_doubt=any(key in intent.keys for intent in sent),
        changes=ledger.changes.of_names(names, limit=changes),
        lines=lines,
        gap=read_gap(ledger.conn),
        unsettled=any(each in left for each in (name, *names)),
    )
