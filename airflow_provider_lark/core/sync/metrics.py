"""Metrics of a sync: the backlog and its age."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.ledger import tables
from airflow_provider_lark.core.ledger.backlog import Backlog, count_backlog

__all__ = ["Backlog", "backlog"]


def backlog(engine: Engine, table_name: str | None = None) -> Backlog:
    """Count what waits in the queue of a database.

    :param table_name: ``table`` or ``schema.table`` as in the mapping; None counts all tables.
    :raises SchemaMismatch: the database has no ledger yet.
    """
    with open_session(engine) as conn:
        if not inspect(conn).has_table(tables.queue.name):
            raise SchemaMismatch(f"the database has no table {tables.queue.name}; run the setup of a mapping first")
        return count_backlog(conn, table_name)
