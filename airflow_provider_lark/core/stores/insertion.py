"""An INSERT that passes over rows which are already there, in each dialect's words."""

from __future__ import annotations

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_lark.core.stores.connections import is_mysql


def insert_new(conn: Connection, table: Table) -> Insert:
    """Return an INSERT into *table* that skips rows whose key exists."""
    if is_mysql(conn.dialect):
        return insert(table).prefix_with("IGNORE")
    if conn.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
