"""Reading records by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_lark.core.lark_side.table import Fates
from airflow_provider_lark.core.side import LarkRow, RecordId
from airflow_provider_lark.core.sync.run.run import Run


def read_by_id(run: Run, ids: Sequence[RecordId]) -> tuple[Fates, list[LarkRow]]:
    """Ask Lark for records by id, 100 a call.

    They tell when they were changed if the run has to know: it may leave what was changed just now.
    """
    fates = run.lark.table.look_up(ids, automatic_fields=run.settling.settle_ms > 0)
    rows = [run.lark.decode(record) for record in fates.shown]
    if run.settling.settle_ms:
        times = [record.get("last_modified_time") for record in fates.shown]
        rows = [replace(row, modified_ms=at_ms) for row, at_ms in zip(rows, times, strict=True)]
    return fates, rows
