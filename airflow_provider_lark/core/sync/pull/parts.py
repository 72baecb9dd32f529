"""Bisecting a bundle whose whole transaction fails because of one record, until that record is alone.

Most refusals end at a savepoint inside the transaction. Some do not: a constraint that is checked at the commit, a
conflict clause or trigger of SQLite that rolls everything back, a key that the ledger's own statements cannot ask for.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_lark.core.bisect import HOPELESS
from airflow_provider_lark.core.database.refusals import concerns_a_row, refusal
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.apply import apply
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.pull.persist import note_failure
from airflow_provider_lark.core.sync.pull.row_states import Refusal
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

log = logging.getLogger(__name__)


def ingest_in_parts(run: Run, bundle: Bundle) -> Outcome:
    """Bring *bundle* into SQL in one transaction; where that cannot be, in several, without the records that refuse.

    :raises Exception: an error that says nothing about a record, or one that the first records all meet.
    """
    outcome, waiting, landed, refused = Outcome(), [bundle], 0, 0
    while waiting:
        part = _with_room_left(waiting.pop(), outcome)
        try:
            outcome.add(run.transact(apply, run, part))
            landed += 1
        except Exception as exc:
            size = len(_ids(part))
            if not size or not concerns_a_row(exc):
                raise
            log.debug(
                "the transaction with %s records of %s failed: %s", size, run.binding.table_name, type(exc).__name__
            )
            if size > 1:
                waiting += _halves(run, part)
                continue
            refused += 1
            if refused == HOPELESS and not landed:
                raise
            outcome.add(run.transact(_refuse, run, part, exc))
    return outcome


def _with_room_left(bundle: Bundle, outcome: Outcome) -> Bundle:
    """Let the parts of a bundle share the guard's room for deletes."""
    return bundle if bundle.room is None else replace(bundle, room=max(0, bundle.room - outcome.writes.deleted))


def _ids(bundle: Bundle) -> list[RecordId]:
    return [RecordId(row.id) for row in bundle.rows] + list(bundle.gone)


def _halves(run: Run, bundle: Bundle) -> list[Bundle]:
    """Return the second half and the first, each with the claims of its own records."""
    ids = _ids(bundle)
    known = run.read(lambda tx: tx.pairs.by_records(ids))
    first = set(ids[: len(ids) // 2])
    own = first | {str(pair.key) for id_, pair in known.items() if id_ in first}
    return [_part(bundle, set(ids) - first, bundle.claims.keys() - own), _part(bundle, first, own)]


def _part(bundle: Bundle, ids: Sequence[str] | set[RecordId], names: set[str]) -> Bundle:
    return replace(
        bundle,
        rows=[row for row in bundle.rows if row.id in ids],
        gone=[id_ for id_ in bundle.gone if id_ in ids],
        claims={name: claim for name, claim in bundle.claims.items() if name in names},
    )


def _refuse(tx: Transaction, run: Run, bundle: Bundle, exc: Exception) -> Outcome:
    """Make a dead letter of the one record of *bundle*, under a name that the ledger is known to hold."""
    outcome = Outcome()
    (record_id,) = _ids(bundle)
    pair: Pair | None = tx.pairs.by_records([record_id]).get(record_id)
    refused = Refusal(record_id, pair.key if pair else None, refusal(exc, run.binding.spec.table), is_paired=bool(pair))
    note_failure(tx, refused, bundle.claims.get(refused.name) or bundle.claims.get(record_id), outcome)
    outcome.refused.add(record_id)
    if pair is None:
        outcome.unpaired.add(record_id)
    return outcome
