"""What a person reads when the database user may not write to a table of the ledger."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.refusals import words_of
from airflow_provider_lark.core.errors import ConfigError


def missing_right(table: str, error: DBAPIError) -> ConfigError | None:
    """Return the error for a write to *table* of the ledger; None where it failed otherwise."""
    if not lacks_right(error):
        return None
    return ConfigError(
        f"the database user may not write to {table}: {words_of(error)}; GRANT it SELECT, INSERT, UPDATE and DELETE on "
        "the sync_… tables, on PostgreSQL also USAGE on their sequences"
    )
