"""Whether the Bitable table of a mapping is the one that the ledger belongs to, and moving the ledger to another one.

A copy of a base has the same table and record ids. A mapping that points to it by mistake would write there what the
ledger knows of the original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import LarkError, SchemaMismatch
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.binding.locate import locate
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import SetupReport

LOOKED_AT = 100


def tell_other_table(
    mapping: TableMapping, state: Checkpoint | None, table: LarkTable, known: Callable[[], Sequence[RecordId]]
) -> str:
    """Return what a person reads where the ledger belongs to another Bitable table than *table*; empty where not.

    :param known: reads records of the ledger; a call finds out whether *table* has them.
    """
    if state is None or not state.app_token or (state.app_token, state.table_id) == (table.app_token, table.table_id):
        return ""
    is_copy = has_records(table, known())
    of_copy = ", which has the same records: it is a copy" if is_copy else ""
    return (
        f"mapping {mapping.name!r}: the SQL table {mapping.sql.table_name!r} is already paired with another Bitable "
        f"table: its ledger belongs to base {state.app_token}, table {state.table_id}, and the mapping points to base "
        f"{table.app_token}, table {table.table_id}{of_copy}. Nothing was written. Correct the mapping; or, if it is "
        f"meant to continue there, run `airflow lark sync move {mapping.name}` (docs/backup.md)"
    )


def require_own_table(
    mapping: TableMapping, state: Checkpoint | None, table: LarkTable, known: Callable[[], Sequence[RecordId]]
) -> None:
    """Refuse a Bitable table that the ledger does not belong to.

    :raises SchemaMismatch: which it belongs to, and what to do.
    """
    if told := tell_other_table(mapping, state, table, known):
        raise SchemaMismatch(told)


def known_records(engine: Engine, mapping: TableMapping) -> list[RecordId]:
    """Return some of the records that the ledger has of a mapping."""
    with open_session(engine) as conn:
        if not inspect(conn).has_table(tables.record_map.name):
            return []
        return Ledger(conn, mapping.sql.table_name).pairs.some_records(LOOKED_AT)


def has_records(table: LarkTable, known: Sequence[RecordId]) -> bool:
    """Tell whether *table* has at least half of the *known* records; False where Lark does not say."""
    try:
        return bool(known) and len(table.look_up(known).shown) * 2 >= len(known)
    except LarkError:
        return False


def look_at_move(client: LarkClient, engine: Engine, mapping: TableMapping) -> str:
    """Return what a move of the ledger would do; empty where it belongs to the mapping's Bitable table."""
    with open_session(engine) as conn:
        migrate.refuse_newer(conn)
        has_ledger = inspect(conn).has_table(tables.checkpoint.name)
        state = Ledger(conn, mapping.sql.table_name).checkpoint.load() if has_ledger else None
    table = LarkTable(client, *locate(client, mapping, state))
    if state is None or (state.app_token, state.table_id) == (table.app_token, table.table_id):
        return ""
    where = f"from base {state.app_token}, table {state.table_id}, to base {table.app_token}, table {table.table_id}"
    if has_records(table, known_records(engine, mapping)):
        return f"would move {where}, which has the same records: rows and records stay paired"
    return f"would move {where}, which has other records: rows and records are matched by key, as on first contact"


def move(
    ledger: Ledger, state: Checkpoint | None, table: LarkTable, report: SetupReport, *, keeps_pairs: bool
) -> Checkpoint | None:
    """Let the ledger belong to *table* from now on, and return its new state; the next run compares all rows.

    :param keeps_pairs: it has the same records; otherwise rows and records are matched by key, as on first contact.
    """
    if state is None or (state.app_token, state.table_id) == (table.app_token, table.table_id):
        return state
    how = "which has the same records" if keeps_pairs else "whose records are matched by key"
    report.created.append(f"the ledger belongs to base {table.app_token}, table {table.table_id} now, {how}")
    if not keeps_pairs:
        ledger.forget()
        return None
    # of what was sent to the other table nothing can be found out here
    for intent in ledger.intents.open("create", "update", "delete"):
        ledger.intents.finish(intent.client_token)
    return replace(
        state,
        app_token=table.app_token,
        table_id=table.table_id,
        watermark_ms=None,
        boundary=(),
        last_scan_at_ms=None,
        unsettled={},
        total_offset=0,
    )
