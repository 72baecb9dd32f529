"""Records that carry another one's key: a person who cut a row and pasted it has made a new record of the same row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.bundle import Bundle, Taken
from airflow_provider_lark.core.sync.keep import note_failure
from airflow_provider_lark.core.sync.own_writes import look_at_own_writes
from airflow_provider_lark.core.sync.parts import take_in_parts
from airflow_provider_lark.core.sync.pull import absorb, take
from airflow_provider_lark.core.sync.run import Run
from airflow_provider_lark.core.sync.subjects import Refusal, Twin, twin_error
from airflow_provider_lark.core.sync.transaction import Transaction


def take_in(run: Run, bundle: Bundle) -> Taken:
    """Take *bundle* into SQL and count it; where two records carry one key, ask Lark whether both exist."""
    if bundle.gone and bundle.room is None:
        bundle = replace(bundle, room=run.guard.room("sql"))
    look_at_own_writes(run, bundle.rows)
    taken = take_in_parts(run, bundle)
    if taken.twins:
        fates = run.lark.table.look_up([twin.owner for twin in taken.twins])
        absent = {RecordId(record_id) for record_id in fates.gone}
        taken.add(run.transact(_settle, run, bundle, taken.twins, absent))
    absorb(run, taken)
    return taken


def _settle(tx: Transaction, run: Run, bundle: Bundle, twins: Sequence[Twin], absent: set[RecordId]) -> Taken:
    """Move the pairs of records that are gone to their successors, and refuse the other twins."""
    heirs = {twin.owner: twin for twin in reversed(twins) if twin.owner in absent}
    known = tx.pairs.by_records(list(heirs))
    moved = [replace(pair, record_id=RecordId(heirs[id_].row.id)) for id_, pair in known.items()]
    tx.pairs.save(moved)
    ids = {pair.record_id for pair in moved}
    names = {twin.row.id for twin in twins}
    again = replace(
        bundle,
        rows=[twin.row for twin in twins if twin.row.id in ids],
        gone=(),
        claims={name: claim for name, claim in bundle.claims.items() if name in names & ids},
        floor_ms=None,
    )
    taken = take(tx, run, again)
    for twin in twins:
        if twin.row.id not in ids:
            refusal = Refusal(RecordId(twin.row.id), None, twin_error(twin.key, twin.row.id, twin.owner))
            note_failure(tx, refusal, bundle.claims.get(refusal.name), taken)
            taken.refused.add(twin.row.id)
            taken.strays.add(twin.row.id)
    return taken
