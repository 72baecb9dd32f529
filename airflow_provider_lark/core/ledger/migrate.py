"""Bring a database's ledger to the schema of this version."""

from __future__ import annotations

from sqlalchemy import Connection

from airflow_provider_lark.core.database.migration import Migrations
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.ledger import tables

VERSION_TABLE = "sync_alembic_version"
HEAD = "v0011"

_MIGRATIONS = Migrations(
    noun="ledger",
    scripts="airflow_provider_lark.core.ledger:migrations",
    version_table=VERSION_TABLE,
    head=HEAD,
    metadata=tables.metadata,
    lock=7_205_759_403_792_794,
)
upgrade = _MIGRATIONS.upgrade
current_version = _MIGRATIONS.current_version


def refuse_newer(conn: Connection) -> None:
    """Refuse a ledger of a version that this package does not know; nothing is changed.

    :raises SchemaMismatch: names both versions, and what to do.
    """
    found = current_version(conn)
    if found is not None and found > HEAD:
        raise SchemaMismatch(
            f"the ledger in this database has version {found}, and this package knows {HEAD}: another worker runs a "
            "newer airflow-provider-lark; upgrade this one"
        )


def require_current(conn: Connection) -> None:
    """Refuse a database whose ledger is missing, or of another version than this package; nothing is changed.

    :raises SchemaMismatch: which, and what to do.
    """
    found = current_version(conn)
    if found is None:
        raise SchemaMismatch("the database has no ledger (sync_… tables) yet; the setup or the first run creates it")
    refuse_newer(conn)
    if found != HEAD:
        raise SchemaMismatch(
            f"the ledger in this database has version {found}, and this package needs {HEAD}; the setup or the next "
            "run upgrades it"
        )
