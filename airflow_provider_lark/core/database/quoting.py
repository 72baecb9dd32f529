"""Names and texts in SQL that is written by hand."""

from __future__ import annotations

from sqlalchemy import Dialect, Table

from airflow_provider_lark.core.database.mysql_options import is_mysql


def quote(dialect: Dialect, name: str) -> str:
    """Quote an identifier, whatever it is made of."""
    mark = "`" if is_mysql(dialect) else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def quoted_name(dialect: Dialect, table: Table) -> str:
    """Return a table's name as SQL writes it, to be passed as a value.

    SQLAlchemy's own doubles per cent signs, for the statements of some drivers; a value keeps them doubled.
    """
    return ".".join(quote(dialect, part) for part in (table.schema, table.name) if part)


def as_named(dialect: Dialect, reflected: str) -> str:
    """Return a column's name as it is: of MySQL's, SQLAlchemy leaves a back-tick doubled, as the DDL writes it."""
    return reflected.replace("``", "`") if is_mysql(dialect) else reflected


def literal(dialect: Dialect, text: str) -> str:
    """Write *text* as a SQL string literal."""
    if is_mysql(dialect):
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"
