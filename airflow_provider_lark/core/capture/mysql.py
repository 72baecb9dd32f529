"""Capture on MySQL and MariaDB. A variable of the session silences it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.capture.triggers import (
    Capture,
    Definers,
    entry_sql,
    has_key,
    is_ours,
    mark_of,
    name_of,
    run,
)
from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.quoting import quote
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import Column, ColumnKind
from airflow_provider_lark.core.ledger.tables import KEY_LENGTH
from airflow_provider_lark.core.sql_side.reflection import TableSpec

MUTE_VARIABLE = "@lark_sync_muted"
#: longest text of a key column that is no text: a DECIMAL(65) with its sign
_NUMBER_LENGTH = 66


class MysqlCapture:
    """Three triggers a table. DDL commits the transaction, so new triggers are made before old ones are dropped:
    for a moment a change may be noted twice, but never not at all.
    """

    def plan(self, conn: Connection, table: TableSpec, watched: Sequence[str]) -> Capture:
        """Return what ought to be installed."""
        _check_key_length(table)
        queue = "sync_queue"
        if table.schema is not None:
            # only then: a qualified name would make a restored copy of the database write to the original
            queue = f"{quote(conn.dialect, _database(conn))}.{queue}"

        def entry(row: str, operation: str) -> str:
            return entry_sql(conn, table, queue, row, operation)

        loud = f"NOT ({MUTE_VARIABLE} <=> {mark_of(table)})"
        old, new = has_key(conn, table, "OLD"), has_key(conn, table, "NEW")
        same_key = " AND ".join(_same(conn, column) for column in table.key)
        others = [column for column in table.columns if column.name in watched and column.name not in table.key_columns]
        same = " AND ".join(_same(conn, column) for column in others) or "TRUE"
        bodies = {
            "ins": ("INSERT", _when([loud, *new], entry("NEW", "INSERT"))),
            "del": ("DELETE", _when([loud, *old], entry("OLD", "DELETE"))),
            "upd": (
                "UPDATE",
                _when([loud, f"NOT ({same_key})", *old], entry("OLD", "DELETE"))
                + _when([loud, f"NOT ({same_key})", *new], entry("NEW", "INSERT"))
                + _when([loud, same_key, f"NOT ({same})", *new], entry("NEW", "UPDATE")),
            ),
        }
        stem = name_of(table, [body for _, body in bodies.values()])
        schema = f"{quote(conn.dialect, table.schema)}." if table.schema else ""
        on = f"{schema}{quote(conn.dialect, table.name)}"
        return Capture(
            stem,
            {
                f"{stem}_{suffix}": f"CREATE TRIGGER {schema}{stem}_{suffix} AFTER {event} ON {on} FOR EACH ROW "
                f"BEGIN {body} END"
                for suffix, (event, body) in bodies.items()
            },
        )

    def installed(self, conn: Connection, table: TableSpec) -> set[str]:
        """Return the names of our triggers on the table."""
        found = conn.execute(
            text(
                "SELECT trigger_name FROM information_schema.triggers "
                "WHERE event_object_schema = COALESCE(:schema, DATABASE()) AND event_object_table = :name"
            ),
            {"schema": table.schema, "name": table.name},
        )
        return {name for name in found.scalars() if is_ours(name)}

    def create(self, conn: Connection, table: TableSpec, capture: Capture) -> None:
        """Install *capture*, then remove what was there before; one that is there already is made anew."""
        present = self.installed(conn, table)
        for name, statement in capture.triggers.items():
            if name in present and getattr(conn.dialect, "is_mariadb", False):
                # in one step, so that no change is missed
                statement = statement.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1)
            elif name in present:
                self._drop(conn, table, {name})
            else:
                # a table that was renamed has taken its triggers along, which go on naming this one
                self._drop(conn, table, {name})
            run(conn, statement)
        self._drop(conn, table, present - set(capture.triggers))

    def drop(self, conn: Connection, table: TableSpec) -> None:
        """Remove all our triggers from the table."""
        self._drop(conn, table, self.installed(conn, table))

    def _drop(self, conn: Connection, table: TableSpec, names: set[str]) -> None:
        schema = f"{quote(conn.dialect, table.schema)}." if table.schema else ""
        for name in sorted(names):
            run(conn, f"DROP TRIGGER IF EXISTS {schema}{quote(conn.dialect, name)}")


def definers_of(conn: Connection, table: TableSpec) -> Definers:
    """Tell in whose name our triggers on the table run."""
    rows = conn.execute(
        text(
            "SELECT trigger_name, definer FROM information_schema.triggers "
            "WHERE event_object_schema = COALESCE(:schema, DATABASE()) AND event_object_table = :name "
            "AND definer <> CURRENT_USER()"
        ),
        {"schema": table.schema, "name": table.name},
    )
    others = tuple(sorted({definer for name, definer in rows if is_ours(name)}))
    if not others:
        return Definers()
    known = text("SELECT CONCAT(user, '@', host) FROM mysql.user")
    try:
        existing = set(conn.scalars(known))
    except DBAPIError as exc:
        if not lacks_right(exc):
            raise
        return Definers(others, is_sure=False)
    return Definers(others, tuple(definer for definer in others if definer not in existing))


def _database(conn: Connection) -> str:
    return str(conn.scalar(text("SELECT DATABASE()")))


def _when(conditions: Sequence[str], statement: str) -> str:
    return f"IF {' AND '.join(conditions)} THEN {statement}; END IF;"


def _same(conn: Connection, column: Column) -> str:
    old, new = (f"{row}.{quote(conn.dialect, column.name)}" for row in ("OLD", "NEW"))
    if column.kind is ColumnKind.TEXT or column.kind is None:
        # nearly every collation overlooks case, and many overlook accents and trailing blanks
        old, new = f"CAST({old} AS BINARY)", f"CAST({new} AS BINARY)"
    return f"{old} <=> {new}"


def _check_key_length(table: TableSpec) -> None:
    parts = [getattr(column.type, "length", None) or _NUMBER_LENGTH for column in table.key]
    longest = parts[0] if len(parts) == 1 else sum(parts) + 3 * len(parts) + 1
    if longest > KEY_LENGTH:
        raise SchemaMismatch(
            f"table {table.table_name!r}: its key can have {longest} characters, but MySQL indexes at most "
            f"{KEY_LENGTH}; choose shorter columns under key:"
        )
