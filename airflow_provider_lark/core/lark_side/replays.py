"""What to say when Lark takes new records for a repetition: it carries a client_token out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_lark.core.api.limits import BATCH_GET_MAX
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.lark_side.fates import look_up

if TYPE_CHECKING:
    from airflow_provider_lark.core.lark_side.record_table import RecordTable


def only_repeated(table_id: str) -> SafetyStop:
    """Return the error for creates that Lark carried out for an earlier try, and whose records people undid since."""
    return SafetyStop(
        f"table {table_id}: Lark took this task's creates for repetitions of an earlier try, whose records were "
        "deleted or changed since, so they were not created again: trigger a new DAG run instead of clearing the task"
    )


def check_made(table: RecordTable) -> None:
    """Look whether the records that *table* has just created are there: one call.

    :raises SafetyStop: they are not.
    """
    # of each call the first: it was carried out before as a whole, or not at all
    if look_up(table.client, **table.ids, record_ids=table.firsts_made[:BATCH_GET_MAX]).gone:
        raise only_repeated(table.ids["table_id"])
