"""Ingesting a bundle, in as many transactions as it takes, and settling records that carry another one's key.

A person who cut a row and pasted it has made a new record of the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.apply import add_to_report, apply
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.pull.older.ledger import hold_if_restored
from airflow_provider_lark.core.sync.pull.on_delete import find_lost_links
from airflow_provider_lark.core.sync.pull.own_writes import look_at_own_writes
from airflow_provider_lark.core.sync.pull.parts import ingest_in_parts
from airflow_provider_lark.core.sync.pull.persist import note_failure
from airflow_provider_lark.core.sync.pull.row_states import Duplicate, Refusal, duplicate_error
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def ingest(run: Run, bundle: Bundle) -> Outcome:
    """Bring *bundle* into SQL and count it; where two records carry one key, ask Lark whether both exist."""
    if bundle.gone:
        hold_if_restored(run)
    bundle = replace(bundle, rows=run.judge(bundle.rows))
    may_delete = bundle.gone or (run.leaving == "delete" and any(row.outside for row in bundle.rows))
    if may_delete and bundle.room is None:
        bundle = replace(bundle, room=run.guard.room("sql"))
    look_at_own_writes(run, bundle.rows)
    bundle = replace(bundle, lost=find_lost_links(run, bundle.rows))
    outcome = ingest_in_parts(run, bundle)
    outcome.awaited = {row.id for row in bundle.rows if run.settling.meets(row)}
    run.settling.met |= outcome.awaited
    if outcome.duplicates:
        fates = run.lark.table.look_up([each.owner for each in outcome.duplicates])
        absent = set(fates.gone)
        outcome.add(run.transact(_settle, run, bundle, outcome.duplicates, absent))
    add_to_report(run, outcome)
    if run.leavers is not None:
        run.leavers.update(dict.fromkeys(outcome.leaving))
    return outcome


def _settle(
    tx: Transaction, run: Run, bundle: Bundle, duplicates: Sequence[Duplicate], absent: set[RecordId]
) -> Outcome:
    """Move the pairs of records that are gone to their successors, and refuse the other duplicates."""
    heirs = {each.owner: each for each in reversed(duplicates) if each.owner in absent}
    known = tx.pairs.by_records(list(heirs))
    moved = [replace(pair, record_id=RecordId(heirs[id_].row.id)) for id_, pair in known.items()]
    tx.pairs.save(moved)
    ids = {pair.record_id for pair in moved}
    names = {each.row.id for each in duplicates}
    again = replace(
        bundle,
        rows=[each.row for each in duplicates if each.row.id in ids],
        gone=(),
        claims={name: claim for name, claim in bundle.claims.items() if name in names & ids},
        floor_ms=None,
    )
    outcome = apply(tx, run, again)
    for row, key, owner in duplicates:
        if row.id not in ids:
            refusal = Refusal(row.id, None, duplicate_error(key, row.id, owner))
            note_failure(tx, refusal, bundle.claims.get(refusal.name), outcome)
            outcome.refused.add(row.id)
            outcome.unpaired.add(row.id)
    return outcome
