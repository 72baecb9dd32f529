"""Cascades: rows of other tables that are deleted, or lose their reference, with the rows that a transfer replaces."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import quote, quoted_name
from airflow_provider_lark.core.database.refusals import concerns_a_row
from airflow_provider_lark.core.database.savepoints import guarded

# schema and name of the table that refers, a column of it, and what happens to its rows
_POSTGRES = """
SELECT n.nspname, c.relname, a.attname,
       CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd') AND k.conparentid = 0 AND k.conrelid <> k.confrelid
  AND k.confrelid = CAST(:quoted AS regclass)
ORDER BY 1, 2
"""
_MYSQL = """
SELECT u.table_schema, u.table_name, u.column_name, r.delete_rule
FROM information_schema.referential_constraints r
JOIN information_schema.key_column_usage u ON u.constraint_schema = r.constraint_schema
  AND u.constraint_name = r.constraint_name AND u.table_name = r.table_name AND u.ordinal_position = 1
WHERE r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') AND r.referenced_table_name = :name
  AND r.unique_constraint_schema = COALESCE(:schema, DATABASE())
  AND NOT (u.table_name = r.referenced_table_name AND u.table_schema = r.unique_constraint_schema)
ORDER BY 1, 2
"""
_SQLITE = """
SELECT NULL, m.name, f."from", f.on_delete FROM sqlite_master m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND f.seq = 0 AND f."table" = :name COLLATE NOCASE AND m.name <> f."table" COLLATE NOCASE
  AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
ORDER BY 2
"""


def rows_at_stake(conn: Connection, table: Table) -> list[str]:
    """Return the tables whose rows refer to *table* and would change when its rows are deleted: ``lines (CASCADE)``."""
    if conn.dialect.name == "sqlite":
        sql = _SQLITE
    elif is_mysql(conn.dialect):
        sql = _MYSQL
    else:
        sql = _POSTGRES
    quoted = quoted_name(conn.dialect, table)
    names = {"name": table.name, "schema": table.schema, "quoted": quoted}
    statement = text(sql)
    found = conn.execute(statement, {name: names[name] for name in statement.compile().params}).all()
    told = (f"{name} (ON DELETE {rule})" for schema, name, column, rule in found if _has(conn, schema, name, column))
    return list(dict.fromkeys(told))


def _has(conn: Connection, schema: str | None, name: str, column: str) -> bool:
    place = ".".join(quote(conn.dialect, part) for part in (schema, name) if part)
    look: Any = f"SELECT 1 FROM {place} WHERE {quote(conn.dialect, column)} IS NOT NULL LIMIT 1"
    try:
        with guarded(conn):
            # as it is written: a name may hold per cent signs
            return conn.exec_driver_sql(look, execution_options={"no_parameters": True}).first() is not None
    except DBAPIError as exc:
        if not concerns_a_row(exc):
            raise
        # this user may not look
        return True
