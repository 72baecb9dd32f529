"""Edits known from events that the search did not show: read by id, so that they need not wait for the next poll."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from airflow_provider_lark.core.side import LarkRow, RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.told import LOOKED_UP_MAX, Told, pauses
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def read_told_changes(run: Run, told: Told, shown: Collection[str]) -> None:
    """Ingest the records that events say were changed, and that the pull did not show so; as a rule there are none.

    Those that Lark does not show so by id either are noted in the report: it may be behind, and show them later.

    :param shown: ids of those that the pull showed so.
    """
    missed = [RecordId(id_) for id_ in told.changed if id_ not in shown]
    if not missed or len(missed) > LOOKED_UP_MAX:
        return
    missed = run.read(_unknown, told, missed)
    for pause in (0.0, *pauses(told.patience_seconds)):
        if pause:
            run.clock.sleep(pause)
        if not missed:
            return
        rows = _read(run, told, missed)
        ingest(run, Bundle(rows))
        run.report.rows_lark += len(rows)
        seen = {row.id for row in rows}
        missed = [id_ for id_ in missed if id_ not in seen]
    run.report.not_shown = {id_: told.changed[id_] for id_ in missed}


def _unknown(tx: Transaction, told: Told, ids: Sequence[RecordId]) -> list[RecordId]:
    pairs = tx.pairs.by_records(ids)
    return [id_ for id_ in ids if id_ not in pairs or not told.is_shown(id_, pairs[id_].lark_modified_ms)]


def _read(run: Run, told: Told, ids: Sequence[RecordId]) -> list[LarkRow]:
    """Return those that Lark shows as they are since the event."""
    records = run.lark.table.look_up(ids, automatic_fields=True).shown
    rows = [replace(run.lark.decode(each), modified_ms=each.get("last_modified_time")) for each in records]
    return [row for row in rows if told.is_shown(row.id, row.modified_ms)]
