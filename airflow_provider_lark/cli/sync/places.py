"""From a mapping to the database that it is in, and to its ledger."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.figures.sync import sync_figures
from airflow_provider_lark.hooks.lark import LarkHook


def conn_id_of(mapping: TableMapping, args: Namespace) -> str:
    """Return the connection of a mapping's database.

    :raises ConfigError: nothing names one.
    """
    found: str | None = args.sql_conn_id or mapping.sql.conn_id
    if not found:
        raise ConfigError(
            f"mapping {mapping.name!r}: no database connection; give --sql-conn-id, or set sql.conn_id in the mapping"
        )
    return found


@contextmanager
def opened_sync(client: LarkClient, hook: LarkHook, mapping: TableMapping, args: Namespace) -> Iterator[SyncEngine]:
    """Give the engine of a mapping."""
    with opened_engine(conn_id_of(mapping, args)) as database:
        engine = SyncEngine(client, database, mapping.with_bases(hook.bases))
        engine.observer = sync_figures()
        yield engine


@contextmanager
def read_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping, to read.

    :raises SchemaMismatch: there is none yet, or it is of another version.
    """
    with opened_engine(conn_id_of(mapping, args)) as database, open_session(database) as conn:
        yield _ledger(conn, mapping)


@contextmanager
def write_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping in a transaction that is committed at the end; otherwise as :func:`read_ledger`."""
    with opened_engine(conn_id_of(mapping, args)) as database, write_transaction(database) as conn:
        yield _ledger(conn, mapping)


def require_ledger(database: Engine, mapping: TableMapping) -> None:
    """Refuse a database whose ledger is missing, or of another version.

    :raises SchemaMismatch: which, and what to do.
    """
    with open_session(database) as conn:
        _ledger(conn, mapping)


def _ledger(conn: Connection, mapping: TableMapping) -> Ledger:
    try:
        migrate.require_current(conn)
    except SchemaMismatch as exc:
        raise SchemaMismatch(f"mapping {mapping.name!r}: {exc.message}") from exc
    return Ledger(conn, mapping.sql.table_name)
