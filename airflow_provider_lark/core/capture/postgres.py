"""Capture on PostgreSQL. A setting that is local to the transaction silences it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from airflow_provider_lark.core.capture.triggers import Capture, is_ours, name_of, run
from airflow_provider_lark.core.database.quoting import literal, quote
from airflow_provider_lark.core.fields.column import Column, ColumnKind
from airflow_provider_lark.core.sql_side.keys import key_sql
from airflow_provider_lark.core.sql_side.reflection import TableSpec

MUTE_SETTING = "lark_sync.muted"
_DIFFERS = "_differs"
#: what another trigger does, or a foreign key, is loud always: it has come to rows that the engine has not written
_LOUD = f"(current_setting('{MUTE_SETTING}', true) IS DISTINCT FROM 'on' OR pg_trigger_depth() > 0)"

_FUNCTION = "RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
_COMPARE = "(old anyelement, new anyelement) RETURNS boolean LANGUAGE plpgsql STABLE"

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


_NO_FIELD = "undefined_column"
#: PL/pgSQL plans an expression once a session; it fails after the type of a column in it was changed
_STALE_PLAN = "datatype_mismatch"


_LEDGER = text(
    "SELECT coalesce((SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
    "ON n.oid = c.relnamespace WHERE c.oid = to_regclass('sync_queue')), current_schema())"
)
_CALLERS = text(
    "SELECT tgname, tgrelid::regclass::text FROM pg_catalog.pg_trigger "
    "WHERE tgfoid = to_regprocedure(:function) AND NOT tgisinternal AND tgparentid = 0"
)


class PostgresCapture:
    """Two functions and three triggers a table; DDL is part of the transaction.

    Columns are named inside the functions only: PostgreSQL refuses to change the type of a column that a trigger's
    WHEN names. A function learns of a column that is renamed, dropped or of another type when it runs, and must not
    fail then, because the application's write would. The trigger's function runs with its owner's rights, so that
    whoever may write to the table need not be granted the ledger; that which compares needs none.
    """

    def plan(self, conn: Connection, table: TableSpec, watched: Sequence[str]) -> Capture:
        """Return what ought to be installed."""
        # where this session finds it, which need not be the first schema of the search path
        ledger = quote(conn.dialect, conn.scalar(_LEDGER) or "public")
        function = _function_body(conn, table, f"{ledger}.sync_queue")
        compared = [column for column in table.columns if column.name in {*watched, *table.key_columns}]
        differs = _differs_body(conn, compared)
        # with the types: after a change of one, new functions spare open sessions their old plans
        stem = name_of(table, [ledger, _LOUD, function, differs, *(column.type_label for column in compared)])
        call, compare = f"{ledger}.{stem}()", f"{ledger}.{stem}{_DIFFERS}"
        events = {
            "ins": ("INSERT", [_LOUD]),
            "upd": ("UPDATE", [_LOUD, f"{compare}(OLD, NEW)"]),
            "del": ("DELETE", [_LOUD]),
        }
        return Capture(
            stem,
            {
                f"{stem}_{suffix}": f"CREATE TRIGGER {stem}_{suffix} AFTER {event} ON {_qualified(conn, table)} "
                f"FOR EACH ROW WHEN ({' AND '.join(when)}) EXECUTE FUNCTION {call}"
                for suffix, (event, when) in events.items()
            },
            before=[
                f"CREATE OR REPLACE FUNCTION {call} {_FUNCTION} AS {literal(conn.dialect, function)}",
                f"CREATE OR REPLACE FUNCTION {compare}{_COMPARE} AS {literal(conn.dialect, differs)}",
                # whoever writes to the table runs it, also where functions are not public by default
                f"GRANT EXECUTE ON FUNCTION {compare}(anyelement, anyelement) TO PUBLIC",
            ],
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
            # a table that was renamed has taken its triggers along, which call the same function
            for name, relation in conn.execute(_CALLERS, {"function": function}).all():
                run(conn, f"DROP TRIGGER {quote(conn.dialect, name)} ON {relation}")
            run(conn, f"DROP FUNCTION {function}")
            compare = function.removesuffix("()") + _DIFFERS
            run(conn, f"DROP FUNCTION IF EXISTS {compare}(anyelement, anyelement)")

    def _triggers(self, conn: Connection, table: TableSpec) -> list[tuple[str, str, bool]]:
        rows = conn.execute(
            text(
                "SELECT t.tgname, t.tgfoid::regprocedure::text, t.tgenabled <> 'D' FROM pg_catalog.pg_trigger t "
                "WHERE t.tgrelid = to_regclass(:name) AND NOT t.tgisinternal ORDER BY t.tgname"
            ),
            {"name": _qualified(conn, table)},
        )
        return [(name, function, enabled) for name, function, enabled in rows if is_ours(name)]


def _qualified(conn: Connection, table: TableSpec) -> str:
    name = quote(conn.dialect, table.name)
    return f"{quote(conn.dialect, table.schema)}.{name}" if table.schema else name


def _differs(conn: Connection, column: Column) -> str:
    name = quote(conn.dialect, column.name)
    # json has no equality, and that of citext and of some collations overlooks case
    cast = "" if column.kind in _EXACT else '::text COLLATE "C"'
    return f"OLD.{name}{cast} IS DISTINCT FROM NEW.{name}{cast}"


def _differs_body(conn: Connection, columns: Sequence[Column]) -> str:
    changed = " OR ".join(_differs(conn, column) for column in columns)
    return f"""
BEGIN
  RETURN {changed};
EXCEPTION WHEN {_NO_FIELD} OR {_STALE_PLAN} THEN
  -- rather one entry too many; the next run installs what fits the columns
  RETURN true;
END
"""


def _function_body(conn: Connection, table: TableSpec, queue: str) -> str:
    old, new, given = (key_sql(conn.dialect, table.key, row) for row in ("OLD", "NEW", "($1)"))
    ask = literal(conn.dialect, f"SELECT {given}")

    def entry(key: str, operation: str) -> str:
        return (
            f"IF {key} IS NOT NULL THEN INSERT INTO {queue} (table_name, record_id, operation) "
            f"VALUES ({literal(conn.dialect, table.table_name)}, {key}, '{operation}'); END IF;"
        )

    return f"""
DECLARE
  old_key text;
  new_key text;
BEGIN
  BEGIN
    IF TG_OP <> 'INSERT' THEN old_key := {old}; END IF;
    IF TG_OP <> 'DELETE' THEN new_key := {new}; END IF;
  EXCEPTION
    WHEN {_STALE_PLAN} THEN
      IF TG_OP <> 'INSERT' THEN EXECUTE {ask} INTO old_key USING OLD; END IF;
      IF TG_OP <> 'DELETE' THEN EXECUTE {ask} INTO new_key USING NEW; END IF;
    WHEN {_NO_FIELD} THEN
      -- a key column has another name: the next run says so
      RETURN NULL;
  END;
  IF TG_OP = 'UPDATE' AND old_key = new_key COLLATE "C" THEN
    {entry("new_key", "UPDATE")}
  ELSE
    {entry("old_key", "DELETE")}
    {entry("new_key", "INSERT")}
  END IF;
  RETURN NULL;
END
"""
