"""Whether a table's writes can be undone: without that, half a batch stays when the other half is refused."""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.stores.connections import is_mysql


def missing_undo(conn: Connection, table: Table) -> str | None:
    """Return what keeps the writes to *table* from being undone, and what to do; None where they can be.

    MyISAM, Aria, MEMORY and other engines of MySQL and MariaDB know no transactions; SQLite none without a journal.
    """
    if is_mysql(conn.dialect):
        asked = text(
            "SELECT t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES t "
            "JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE "
            "WHERE t.TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND t.TABLE_NAME = :name"
        )
        found = conn.execute(asked, {"schema": table.schema, "name": table.name}).first()
        if found is not None and found[1] != "YES":
            return f"its engine {found[0]} knows no transactions; change it: ALTER TABLE {table.name} ENGINE=InnoDB"
    elif conn.dialect.name == "sqlite" and conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "off":
        return "the connection sets journal_mode=OFF, so that nothing can be undone; take that out"
    return None


def require_undo(conn: Connection, table: Table) -> None:
    """Refuse a table whose writes cannot be undone.

    :raises SchemaMismatch: a failure would leave half of a batch.
    """
    if why := missing_undo(conn, table):
        raise SchemaMismatch(f"table {table.fullname!r} cannot be synced safely: {why}")
