"""Dead letters: rows that could not be synced, kept where a person sees them, and tried again where that can help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from airflow_provider_lark.core.database.driver_values import storable
from airflow_provider_lark.core.errors import LarkError, RowWaits, ValueMismatch
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.sync.run.transaction import Transaction

#: after so many failed attempts an entry stays ``failed``; the seeds' operator SQL asks for retry_count >= 3
MAX_RETRIES = 3


def add_dead_letter(
    tx: Transaction,
    id_: str,
    error: LarkError,
    *,
    direction: Literal["to_lark", "to_sql"],
    operation: str,
    entry_ids: Sequence[int] = (),
    retry_count: int = 0,
) -> None:
    """Make a dead letter of one row and note why.

    A value that the other side cannot hold waits for an edit. Everything else is tried again with growing delays:
    a parent row may come, another record may give the key up.

    :param entry_ids: the queue entries that asked for the row; without any a new one is made.
    """
    text = storable(tx.conn, str(error))
    delay = None if isinstance(error, ValueMismatch) else retry_delay_seconds(retry_count)
    if isinstance(error, RowWaits) and not entry_ids:
        # what it waits for may come with a later page of this very run, which ends with what waits in the queue
        delay = 0.0
    if not entry_ids:
        tx.dead_letters.add(id_, error=text, delay_seconds=delay, operation=operation)
    elif delay is None:
        tx.queue.fail(entry_ids, error=text)
    else:
        tx.queue.retry(entry_ids, error=text, delay_seconds=delay, max_retries=MAX_RETRIES)
    tx.log([LogLine(id_, direction, operation, "failed", text)])


def retry_delay_seconds(retry_count: int) -> float:
    """Return how long a failed queue entry waits: 30 s, doubled each time, capped at an hour."""
    return float(min(30 * 2**retry_count, 3600))
