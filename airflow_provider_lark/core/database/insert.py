"""An INSERT that meets rows which are already there, in each dialect's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import mysql, postgresql, sqlite

from airflow_provider_lark.core.database.mysql_options import is_mysql


def insert_new(conn: Connection, table: Table) -> Insert:
    """Return an INSERT into *table* that skips rows whose key exists."""
    if is_mysql(conn.dialect):
        return insert(table).prefix_with("IGNORE")
    if conn.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def insert_if_new(conn: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless its key exists, or another transaction is just inserting it; tell whether it did."""
    return insert_new_rows(conn, table, [values]) == 1


def insert_new_rows(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert those of *rows* whose key neither exists nor is just being inserted, and return how many those were."""
    # without the option SQLAlchemy forgets the count of an INSERT where a driver drops it early
    made = conn.execute(insert_new(conn, table).values(list(rows)), execution_options={"preserve_rowcount": True})
    return made.rowcount


def upsert_many(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Return an INSERT of *rows* into *table*, all with the same columns, that overwrites the rows of their keys."""
    key = [column.name for column in table.primary_key]
    changed = [name for name in rows[0] if name not in key]
    if is_mysql(conn.dialect):
        new = mysql.insert(table).values(list(rows))
        return new.on_duplicate_key_update({name: new.inserted[name] for name in changed})
    if conn.dialect.name == "sqlite":
        lite = sqlite.insert(table).values(list(rows))
        return lite.on_conflict_do_update(index_elements=key, set_={name: lite.excluded[name] for name in changed})
    post = postgresql.insert(table).values(list(rows))
    return post.on_conflict_do_update(index_elements=key, set_={name: post.excluded[name] for name in changed})
