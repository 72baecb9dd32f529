"""Capture on PostgreSQL. A setting that is local to the transaction silences it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from airflow_provider_lark.core.fields.column import Column, ColumnKind
from airflow_provider_lark.core.stores.capture.plan import PREFIX, Capture, entry_sql, has_key, name_of, run
from airflow_provider_lark.core.stores.keys import literal, quote
from airflow_provider_lark.core.stores.tables import TableSpec

MUTE_SETTING = "lark_sync.muted"
_LOUD = f"current_setting('{MUTE_SETTING}', true) IS DISTINCT FROM 'on'"

_FUNCTION = "RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"

#: kinds whose own equality shows every change; of the others the text is compared, byte by byte
_EXACT = frozenset(
    {
        ColumnKind.INTEGER,
        ColumnKind.DECIMAL,
        ColumnKind.FLOAT,
        ColumnKind.BOOLEAN,
        ColumnKind.DATE,
        ColumnKind.DATE_TIME,
        ColumnKind.TIME,
        ColumnKind.UUID,
    }
)


class PostgresCapture:
    """One function and three triggers a table; DDL is part of the transaction.

    What decides whether an update matters stands in the trigger's WHEN, which the database itself rewrites when a
    column is renamed and protects from a column being dropped. The function runs with its owner's rights, so that
    whoever may write to the table need not be granted the ledger.
    """

    def plan(self, conn: Connection, table: TableSpec, watched: Sequence[str]) -> Capture:
        """Return what ought to be installed."""
        ledger = quote(conn.dialect, conn.scalar(text("SELECT current_schema()")) or "public")
        function = _function_body(conn, table, f"{ledger}.sync_queue")
        changed = [_differs(conn, column) for column in table.columns if column.name in {*watched, *table.key_columns}]
        events = {
            "ins": ("INSERT", [_LOUD]),
            "upd": ("UPDATE", [_LOUD, f"({' OR '.join(changed)})"]),
            "del": ("DELETE", [_LOUD]),
        }
        stem = name_of(table, [ledger, function, *changed])
        call = f"{ledger}.{stem}()"
        return Capture(
            stem,
            {
                f"{stem}_{suffix}": f"CREATE TRIGGER {stem}_{suffix} AFTER {event} ON {_qualified(conn, table)} "
                f"FOR EACH ROW WHEN ({' AND '.join(when)}) EXECUTE FUNCTION {call}"
                for suffix, (event, when) in events.items()
            },
            before=[f"CREATE OR REPLACE FUNCTION {call} {_FUNCTION} AS {literal(conn.dialect, function)}"],
        )

    def installed(self, conn: Connection, table: TableSpec) -> set[str]:
        """Return the names of our triggers on the table that are not disabled."""
        return {name for name, _, enabled in self._triggers(conn, table) if enabled}

    def create(self, conn: Connection, table: TableSpec, capture: Capture) -> None:
        """Install *capture* in the place of whatever is there."""
        self.drop(conn, table)
        for statement in (*capture.before, *capture.triggers.values()):
            run(conn, statement)

    def drop(self, conn: Connection, table: TableSpec) -> None:
        """Remove all our triggers from the table, and their functions."""
        found = self._triggers(conn, table)
        for name, _, _ in found:
            run(conn, f"DROP TRIGGER {quote(conn.dialect, name)} ON {_qualified(conn, table)}")
        for function in sorted({function for _, function, _ in found}):
            run(conn, f"DROP FUNCTION {function}")

    def _triggers(self, conn: Connection, table: TableSpec) -> list[tuple[str, str, bool]]:
        rows = conn.execute(
            text(
                "SELECT t.tgname, t.tgfoid::regprocedure::text, t.tgenabled <> 'D' FROM pg_catalog.pg_trigger t "
                "WHERE t.tgrelid = to_regclass(:name) AND NOT t.tgisinternal ORDER BY t.tgname"
            ),
            {"name": _qualified(conn, table)},
        )
        return [(name, function, enabled) for name, function, enabled in rows if name.startswith(PREFIX)]


def _qualified(conn: Connection, table: TableSpec) -> str:
    name = quote(conn.dialect, table.name)
    return f"{quote(conn.dialect, table.schema)}.{name}" if table.schema else name


def _differs(conn: Connection, column: Column) -> str:
    name = quote(conn.dialect, column.name)
    # json has no equality, and that of citext and of some collations overlooks case
    cast = "" if column.kind in _EXACT else '::text COLLATE "C"'
    return f"OLD.{name}{cast} IS DISTINCT FROM NEW.{name}{cast}"


def _function_body(conn: Connection, table: TableSpec, queue: str) -> str:
    old, new = (" AND ".join(has_key(conn, table, row)) or "true" for row in ("OLD", "NEW"))
    rekeyed = " OR ".join(_differs(conn, column) for column in table.key)

    def entry(row: str, operation: str) -> str:
        return entry_sql(conn, table, queue, row, operation)

    return f"""
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF {new} THEN {entry("NEW", "INSERT")}; END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF {old} THEN {entry("OLD", "DELETE")}; END IF;
  ELSIF {rekeyed} THEN
    IF {old} THEN {entry("OLD", "DELETE")}; END IF;
    IF {new} THEN {entry("NEW", "INSERT")}; END IF;
  ELSIF {new} THEN
    {entry("NEW", "UPDATE")};
  END IF;
  RETURN NULL;
END
"""
