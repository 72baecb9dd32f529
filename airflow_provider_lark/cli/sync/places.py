"""From a mapping to the database that it is in, and to its ledger."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.hooks import ledgers
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.figures.sync import sync_figures
from airflow_provider_lark.hooks.lark import LarkHook


def conn_id_of(mapping: TableMapping, args: Namespace) -> str:
    """Return the connection of a mapping's database.

    :raises ConfigError: nothing names one.
    """
    given: str | None = args.sql_conn_id
    return given or ledgers.conn_id_of(mapping, advice="give --sql-conn-id, or set sql.conn_id in the mapping")


@contextmanager
def opened_sync(client: LarkClient, hook: LarkHook, mapping: TableMapping, args: Namespace) -> Iterator[SyncEngine]:
    """Give the engine of a mapping."""
    with opened_engine(conn_id_of(mapping, args)) as database:
        engine = SyncEngine(client, database, mapping.with_bases(hook.bases))
        engine.observer = sync_figures()
        yield engine


@contextmanager
def read_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping, to read; see :func:`.ledgers.read_ledger`."""
    with ledgers.read_ledger(mapping, conn_id_of(mapping, args)) as ledger:
        yield ledger


@contextmanager
def write_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping in a transaction that is committed at the end."""
    with ledgers.write_ledger(mapping, conn_id_of(mapping, args)) as ledger:
        yield ledger


def require_ledger(database: Engine, mapping: TableMapping) -> None:
    """Refuse a database whose ledger is missing, or of another version.

    :raises SchemaMismatch: which, and what to do.
    """
    with open_session(database) as conn:
        ledgers.ledger_of(mapping, conn)
