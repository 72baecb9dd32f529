"""Taking a mapping away again: its triggers, and what the ledger knows of its table. Both tables keep their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core import capture
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.sql_side.reflection import TableSpec, reflect_table
from airflow_provider_lark.core.sync.binding import capturing
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping


@dataclass(frozen=True, slots=True)
class Removal:
    """What :func:`remove` would take away.

    :param triggers: their names.
    :param lines: how many the ledger has of the table, by table of the ledger.
    :param waiting: changes in SQL that have not reached Lark.
    """

    triggers: tuple[str, ...]
    lines: Mapping[str, int]
    waiting: int


def look_at_removal(engine: Engine, mapping: TableMapping) -> Removal:
    """Return what :func:`remove` would take away; nothing is changed."""
    spec = _spec_of(engine, mapping)
    with open_session(engine) as conn:
        migrate.refuse_newer(conn)
        triggers = () if spec is None else tuple(sorted(capture.installed(conn, spec)))
        if not inspect(conn).has_table(tables.checkpoint.name):
            return Removal(triggers, {}, 0)
        ledger = Ledger(conn, mapping.sql.table_name)
        backlog = ledger.queue.backlog()
        return Removal(triggers, ledger.count_forgettable(), backlog.pending + backlog.processing + backlog.blacklisted)


def remove(engine: Engine, mapping: TableMapping, *, keep_state: bool, clock: Clock) -> None:
    """Take the triggers off the table, which may be gone already; forget its state unless that is to be kept."""
    spec = _spec_of(engine, mapping)
    with open_session(engine) as conn:
        migrate.refuse_newer(conn)
    if spec is not None:
        capturing.take_off(engine, spec, clock=clock)
    with write_transaction(engine) as conn:
        if not keep_state and inspect(conn).has_table(tables.checkpoint.name):
            Ledger(conn, mapping.sql.table_name).forget()


def _spec_of(engine: Engine, mapping: TableMapping) -> TableSpec | None:
    with open_session(engine) as conn:
        if not inspect(conn).has_table(mapping.sql.table, schema=mapping.sql.schema):
            return None
    table = reflect_table(engine, mapping.sql.table, mapping.sql.schema)
    return TableSpec(name=mapping.sql.table, schema=mapping.sql.schema, columns=(), key_columns=(), table=table)
