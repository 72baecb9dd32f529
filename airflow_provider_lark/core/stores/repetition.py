"""What to say when Lark takes new records for a repetition: it carries a client_token out once."""

from __future__ import annotations

from airflow_provider_lark.core.errors import SafetyStop


def only_repeated(table_id: str) -> SafetyStop:
    """Return the error for creates that Lark carried out for an earlier try, and whose records people undid since."""
    return SafetyStop(
        f"table {table_id}: Lark took this task's creates for repetitions of an earlier try, whose records were "
        "deleted or changed since, so they were not created again: trigger a new DAG run instead of clearing the task"
    )
