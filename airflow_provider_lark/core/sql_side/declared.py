"""What a database declares of its columns, and SQLAlchemy's reflection leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, JSON, NUMERIC, Connection, DefaultClause, Table, text
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.types import NullType, TypeEngine

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import quoted_name
from airflow_provider_lark.core.fields.column import CHARSET, COLLATION, DECLARED, ShortText

#: each column with its type, and with those under it: what a domain stands for, what an array is of
_POSTGRES = text("""
WITH RECURSIVE told AS (
  SELECT a.attname, a.atttypid AS type, 0 AS depth FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT d.attname, CASE WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.typelem END, d.depth + 1
  FROM told d JOIN pg_catalog.pg_type t ON t.oid = d.type WHERE t.typbasetype <> 0 OR t.typcategory = 'A'
)
SELECT attname, array_agg(pg_catalog.format_type(type, NULL) ORDER BY depth) FROM told GROUP BY attname
""")
_MYSQL = text(
    "SELECT column_name, column_type, character_set_name, collation_name, column_default "
    "FROM information_schema.columns WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
)
# as they compare where they must be unique, which is all that SQLite tells
_SQLITE = text("""
SELECT c.name, c.coll FROM pragma_index_list(:name, :schema) i, pragma_index_xinfo(i.name, :schema) c
WHERE i."unique" AND c.key AND c.name IS NOT NULL AND c.coll <> 'BINARY'
""")
_JSONB = text("SELECT name FROM pragma_table_info(:name, :schema) WHERE upper(type) = 'JSONB'")


def tell_declared(conn: Connection, table: Table) -> None:
    """Complete a table that was just reflected: types by their own names, limits, character sets, defaults."""
    if conn.dialect.name == "postgresql":
        _tell_postgres(conn, table)
    elif is_mysql(conn.dialect):
        _tell_mysql(conn, table)
    elif conn.dialect.name == "sqlite":
        for name, collation in conn.execute(_SQLITE, {"name": table.name, "schema": table.schema or "main"}):
            if name in table.c:
                table.c[name].info[COLLATION] = collation
        if any(type(column.type) is NUMERIC for column in table.columns):
            # SQLAlchemy before 2.1 does not know this name, and takes what it does not know for a number
            for (name,) in conn.execute(_JSONB, {"name": table.name, "schema": table.schema or "main"}):
                table.c[name].type = JSON()


def _tell_postgres(conn: Connection, table: Table) -> None:
    encoding = str(conn.scalar(text("SHOW server_encoding")))
    if encoding not in ("UTF8", "SQL_ASCII"):
        for column in table.columns:
            column.info[CHARSET] = encoding
    limits = {"name": conn.dialect.max_identifier_length, '"char"': 1}
    name = quoted_name(conn.dialect, table)
    for column_name, types in conn.execute(_POSTGRES, {"table": name}):
        if column_name not in table.c:
            continue
        column = table.c[column_name]
        limit = next((limits[each] for each in types if each in limits), None)
        if limit is not None:
            # the server cuts what is longer, and says nothing
            column.type = _shortened(column.type, limit)
        if limit is not None or isinstance(column.type, NullType):
            column.info[DECLARED] = types[0]


def _shortened(sql_type: TypeEngine[Any], limit: int) -> TypeEngine[Any]:
    if isinstance(sql_type, DOMAIN):
        return _shortened(sql_type.data_type, limit)
    if isinstance(sql_type, ARRAY):
        sql_type.item_type = _shortened(sql_type.item_type, limit)
        return sql_type
    return ShortText(limit)


def _tell_mysql(conn: Connection, table: Table) -> None:
    found: Sequence[Any] = conn.execute(_MYSQL, {"schema": table.schema, "name": table.name}).all()
    for name, declared, charset, collation, default in found:
        if name not in table.c:
            continue
        column = table.c[name]
        if charset:
            column.info[CHARSET], column.info[COLLATION] = charset, collation
        if isinstance(column.type, NullType):
            column.info[DECLARED] = declared
        is_made = default not in (None, "NULL") and column.computed is None and column.server_default is None
        if is_made and conn.dialect.insert_returning:
            # MariaDB's NEXTVAL(sequence), for one; only where the database tells what it has made
            column.server_default = DefaultClause(text(str(default).replace(":", "\\:")))
