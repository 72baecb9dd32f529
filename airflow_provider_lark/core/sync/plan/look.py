"""Binding a mapping without making anything, and what the setup would make."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from airflow_provider_lark.core import capture
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.lark_side.base_zone import BaseZone
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sql_side.reflection import reflect_table
from airflow_provider_lark.core.sync.binding import capturing
from airflow_provider_lark.core.sync.binding.belonging import LOOKED_AT, require_own_table
from airflow_provider_lark.core.sync.binding.bind import bind
from airflow_provider_lark.core.sync.binding.bound import Agreed, Binding, BothTables
from airflow_provider_lark.core.sync.binding.locate import locate
from airflow_provider_lark.core.sync.binding.modified_field import MODIFIED_FIELD_NAME
from airflow_provider_lark.core.sync.binding.zone_choice import choose_zone
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.actions import Action
from airflow_provider_lark.core.sync.users import Users

LEDGER = "ledger"
"""The key of the line that tells of the ledger's tables, which all mappings of a database share."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A mapping bound to its tables as they are.

    :param state: what the ledger knows; None before the first setup.
    :param setup: what the setup, or the next run, would make.
    """

    binding: Binding
    state: Checkpoint | None
    setup: tuple[Action, ...]


def look(
    client: LarkClient, conn: Connection, mapping: TableMapping, users: Users, *, adopt_fields: bool = False
) -> Looked:
    """Bind *mapping* by reading only.

    :param adopt_fields: see :meth:`.SyncEngine.setup`.
    :raises SchemaMismatch: the tables do not fit the mapping.
    """
    migrate.refuse_newer(conn)
    state = _load_state(conn, mapping)
    is_new = state is None or not state.fields
    app_token, table_id = locate(client, mapping, state)
    table = LarkTable(client, app_token, table_id)
    require_own_table(mapping, state, table, lambda: Ledger(conn, mapping.sql.table_name).pairs.some_records(LOOKED_AT))
    agreed = Agreed.of(state)
    reflected = reflect_table(conn, mapping.sql.table, mapping.sql.schema)
    binding = bind(
        mapping,
        BothTables(app_token, table_id, table.read_fields(), reflected, conn.dialect.name),
        replace(agreed, contract=()) if adopt_fields else agreed,
        find_user_id=users.find,
        zone=choose_zone(mapping, state, BaseZone(client, app_token)),
    )
    return Looked(binding, state, tuple(_setup(conn, binding, is_new=is_new)))


def _load_state(conn: Connection, mapping: TableMapping) -> Checkpoint | None:
    if not conn.dialect.has_table(conn, tables.checkpoint.name):
        return None
    return Ledger(conn, mapping.sql.table_name).checkpoint.load()


def _setup(conn: Connection, binding: Binding, *, is_new: bool) -> list[Action]:
    found = []
    version = migrate.current_version(conn)
    if version is None:
        found.append(Action("setup", "make", LEDGER, why="the database has no ledger (sync_… tables) yet"))
    elif version != migrate.HEAD:
        found.append(Action("setup", "make", LEDGER, why=f"the ledger tables have version {version}"))
    if is_new and binding.modified_field is None and binding.mapping.direction != "to_lark":
        why = 'the table has no "Last modified time" field'
        found.append(Action("setup", "make", f"field {MODIFIED_FIELD_NAME!r} in Lark", why=why))
    if capturing.needs_triggers(binding) and not capture.is_current(conn, capturing.captured_spec(binding)):
        why = "they are missing or outdated"
        found.append(Action("setup", "make", f"triggers on {binding.table_name}", why=why))
    is_without = binding.mapping.direction != "to_sql" and not capturing.needs_triggers(binding)
    if is_without and capture.installed(conn, capturing.captured_spec(binding)):
        why = f"the triggers on {binding.table_name} are dropped"
        found.append(Action("setup", "make", f"capture by {binding.mapping.capture.text}", why=why))
    return found
