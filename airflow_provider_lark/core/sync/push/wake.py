"""Pairs that rest outside the mapping's filters, and whose rows are inside again: their records are read first.

What people did to them meanwhile was not taken in, so a push would overwrite it.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def wake(run: Run, claims: Sequence[Claim]) -> list[Claim]:
    """Read the records of those *claims* whose rows came back, and return the others.

    A pair of which both sides are inside goes on, and its entry waits for the next batch; one whose record stays
    outside rests on, and its entry is done.
    """
    if not run.binding.mapping.is_filtered:
        return list(claims)
    back = run.read(_back, claims)
    if not back:
        return list(claims)
    fates, shown = read_by_id(run, list(back))
    run.report.rows_lark += len(shown)
    rows = run.judge(shown)
    awake = [row for row in rows if not row.outside]
    met = {back[row.id].key: back[row.id] for row in awake} | {back[id_].key: back[id_] for id_ in fates.gone}
    ingest(run, Bundle(awake, gone=fates.gone, claims={str(key): claim for key, claim in met.items()}))
    still = [claim for claim in back.values() if claim.key not in met]
    run.transact(lambda tx: tx.queue.complete([entry for claim in still for entry in claim.entry_ids]))
    gone = {claim.key for claim in back.values()}
    return [claim for claim in claims if claim.key not in gone]


def _back(tx: Transaction, claims: Sequence[Claim]) -> dict[RecordId, Claim]:
    known = tx.pairs.by_keys([claim.key for claim in claims])
    resting = {key: pair for key, pair in known.items() if pair.outside and not pair.tombstone}
    rows = tx.sql.read(list(resting))
    inside = {key for key, row in rows.items() if not row.outside}
    return {resting[claim.key].record_id: claim for claim in claims if claim.key in inside}
