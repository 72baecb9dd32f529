"""Resolutions: conflicts decided in ``sync_conflict``: ``UPDATE sync_conflict SET outcome = 'lark' WHERE …``."""

from __future__ import annotations

from typing import cast

from airflow_provider_lark.core.side import Key, RecordId, Side
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.run.run import Run


def apply_resolutions(run: Run) -> None:
    """Carry out what people decided, on the rows as they are now."""
    decided = run.read(lambda tx: tx.conflicts.decided())
    if not decided:
        return
    resolutions = {Key(conflict.key): cast("Side", conflict.outcome) for conflict in decided}
    ids = [RecordId(conflict.record_id) for conflict in decided if conflict.record_id]
    fates = run.lark.table.look_up(ids)
    rows = [run.lark.decode(record) for record in fates.shown]
    gone = fates.gone
    run.report.rows_lark += len(rows)
    ingest(run, Bundle(rows, gone=gone, resolutions=resolutions))
