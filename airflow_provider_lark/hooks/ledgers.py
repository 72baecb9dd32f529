"""From ``[lark] mapping_files`` and the mappings in them to their databases, and to their ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.hooks.database import opened_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_provider_lark.core import TableMapping
    from airflow_provider_lark.core.ledger import Ledger


def configured_files() -> list[str]:
    """Return the mapping files that the configuration names."""
    return [name.strip() for name in (conf.get("lark", "mapping_files", fallback="") or "").split(",") if name.strip()]


@contextmanager
def read_ledger(mapping: TableMapping, conn_id: str) -> Iterator[Ledger]:
    """Give the ledger of a mapping, to read.

    :raises SchemaMismatch: there is none yet, or it is of another version.
    """
    from airflow_provider_lark.core.database.connections import open_session

    with opened_engine(conn_id) as database, open_session(database) as conn:
        yield ledger_of(mapping, conn)


@contextmanager
def write_ledger(mapping: TableMapping, conn_id: str) -> Iterator[Ledger]:
    """Give the ledger of a mapping in a transaction that is committed at the end; otherwise as :func:`read_ledger`."""
    from airflow_provider_lark.core.database.connections import write_transaction

    with opened_engine(conn_id) as database, write_transaction(database) as conn:
        yield ledger_of(mapping, conn)


def ledger_of(mapping: TableMapping, conn: Connection) -> Ledger:
    """Return the ledger of a mapping in an open session.

    :raises SchemaMismatch: there is none yet, or it is of another version.
    """
    from airflow_provider_lark.core.ledger import Ledger, migrate

    try:
        migrate.require_current(conn)
    except SchemaMismatch as exc:
        raise SchemaMismatch(f"mapping {mapping.name!r}: {exc.message}") from exc
    return Ledger(conn, mapping.sql.table_name)


def conn_id_of(mapping: TableMapping, *, advice: str) -> str:
    """Return the connection of a mapping's database.

    :raises ConfigError: the mapping names none; the message ends with *advice*.
    """
    if not mapping.sql.conn_id:
        raise ConfigError(f"mapping {mapping.name!r}: no database connection; {advice}")
    return mapping.sql.conn_id
