"""What an operator watches: how much waits, and for how long."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.stores.connections import open_session
from airflow_provider_lark.core.stores.ledger import schema
from airflow_provider_lark.core.stores.ledger.backlog import Backlog, count_backlog

__all__ = ["Backlog", "backlog"]


def backlog(engine: Engine, table_name: str | None = None) -> Backlog:
    """Count what waits in the queue of a database.

    :param table_name: ``table`` or ``schema.table`` as in the mapping; None counts all tables.
    :raises SchemaMismatch: the database has no ledger yet.
    """
    with open_session(engine) as conn:
        if not inspect(conn).has_table(schema.queue.name):
            raise SchemaMismatch(f"the database has no table {schema.queue.name}; run the setup of its mapping first")
        return count_backlog(conn, table_name)
