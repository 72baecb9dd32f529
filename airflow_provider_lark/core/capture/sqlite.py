"""Capture on SQLite. The marker row of ``sync_mute`` silences it, inside one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from airflow_provider_lark.core.capture.triggers import Capture, entry_sql, has_key, is_ours, mark_of, name_of, run
from airflow_provider_lark.core.database.quoting import quote
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sql_side.reflection import TableSpec


class SqliteCapture:
    """Four triggers a table; DDL is part of the transaction."""

    def plan(self, conn: Connection, table: TableSpec, watched: Sequence[str]) -> Capture:
        """Return what ought to be installed."""
        if table.schema not in (None, "main"):
            raise SchemaMismatch(
                f"table {table.table_name!r} is in an attached database, whose triggers cannot write to the ledger; "
                "connect to that database itself"
            )

        loud = f"NOT EXISTS (SELECT 1 FROM sync_mute WHERE id = {mark_of(table)})"
        rekeyed = _any_differs(conn, table.key_columns)
        changed = _any_differs(conn, [name for name in watched if name not in table.key_columns])
        inserted, updated, deleted = (
            _entry(conn, table, row, operation)
            for row, operation in (("NEW", "INSERT"), ("NEW", "UPDATE"), ("OLD", "DELETE"))
        )
        parts = {
            "ins": ("INSERT", [loud], [inserted]),
            "upd": ("UPDATE", [loud, f"NOT ({rekeyed})", f"({changed})"], [updated]),
            "key": ("UPDATE", [loud, f"({rekeyed})"], [deleted, inserted]),
            "del": ("DELETE", [loud], [deleted]),
        }
        bodies = {
            suffix: f"AFTER {event} ON {quote(conn.dialect, table.name)} FOR EACH ROW WHEN {' AND '.join(when)} "
            f"BEGIN {'; '.join(entries)}; END"
            for suffix, (event, when, entries) in parts.items()
        }
        stem = name_of(table, list(bodies.values()))
        names = {f"{stem}_{suffix}": body for suffix, body in bodies.items()}
        return Capture(stem, {name: f"CREATE TRIGGER {name} {body}" for name, body in names.items()})

    def installed(self, conn: Connection, table: TableSpec) -> set[str]:
        """Return the names of our triggers on the table."""
        found = conn.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name COLLATE NOCASE"),
            {"name": table.name},
        )
        return {name for name in found.scalars() if is_ours(name)}

    def create(self, conn: Connection, table: TableSpec, capture: Capture) -> None:
        """Install *capture* in the place of whatever is there."""
        self.drop(conn, table)
        for name, statement in capture.triggers.items():
            # a table that was renamed has taken its triggers along, which go on naming this one
            run(conn, f"DROP TRIGGER IF EXISTS {quote(conn.dialect, name)}")
            run(conn, statement)

    def drop(self, conn: Connection, table: TableSpec) -> None:
        """Remove all our triggers from the table."""
        for name in sorted(self.installed(conn, table)):
            run(conn, f"DROP TRIGGER {quote(conn.dialect, name)}")


def _entry(conn: Connection, table: TableSpec, row: str, operation: str) -> str:
    entry = entry_sql(conn, table, "sync_queue", row, operation)
    conditions = has_key(conn, table, row)
    return f"{entry} WHERE {' AND '.join(conditions)}" if conditions else entry


def _any_differs(conn: Connection, names: Sequence[str]) -> str:
    # the column's own collation may be NOCASE, which would hide an edit of case only
    columns = [quote(conn.dialect, name) for name in names]
    return " OR ".join(f"OLD.{column} COLLATE BINARY IS NOT NEW.{column}" for column in columns) or "0"
