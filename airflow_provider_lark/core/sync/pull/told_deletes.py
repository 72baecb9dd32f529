"""Deletes known from events: looked up by id, so that no scan of all keys is needed to find them."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.told import LOOKED_UP_MAX, Told
from airflow_provider_lark.core.sync.pull.unseen import delete_rows_of
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def settle_told_deletes(run: Run, told: Told, *, missing: int) -> None:
    """Delete the rows of records that events say were deleted, once Lark confirms by id that each is gone.

    A record that Lark still shows, or hides, stays; what is missed here, the scan finds that follows.

    :param missing: how many records fewer than expected Lark holds. Where that is more than a run may delete, none is
        deleted here: events come one by one, and the guard has to see them all.
    """
    ids = [RecordId(id_) for id_ in told.deleted]
    if not ids or len(ids) > LOOKED_UP_MAX or missing > run.guard.room("sql"):
        return
    known = run.read(_known, run, ids)
    if known:
        delete_rows_of(run, run.lark.table.look_up(known).gone)


def _known(tx: Transaction, run: Run, ids: Sequence[RecordId]) -> list[RecordId]:
    pairs = {id_: pair for id_, pair in tx.pairs.by_records(ids).items() if not pair.tombstone}
    held = set() if run.guard.is_lifted else tx.deletes.among([pair.key for pair in pairs.values()])
    return [id_ for id_, pair in pairs.items() if pair.key not in held]
