"""Bring a database's ledger to the schema of this version."""

from __future__ import annotations

from sqlalchemy import Connection, Dialect

from airflow_provider_lark.core.database.migration import Migrations
from airflow_provider_lark.core.database.mysql_options import exact_collation
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.ledger import tables

VERSION_TABLE = "sync_alembic_version"
HEAD = "v0013"
_FIRST_MYSQL = (8, 0, 17)


def _collation(dialect: Dialect) -> str:
    """Return the collation of the ledger's texts.

    :raises SchemaMismatch: MySQL is too old to have one that compares byte by byte.
    """
    is_mariadb = getattr(dialect, "is_mariadb", False)
    if not is_mariadb and (dialect.server_version_info or _FIRST_MYSQL) < _FIRST_MYSQL:
        raise SchemaMismatch("this MySQL version has no binary collation for utf8mb4; upgrade to 8.0.17 or later")
    return exact_collation(dialect)


_MIGRATIONS = Migrations(
    noun="ledger",
    scripts="airflow_provider_lark.core.ledger:migrations",
    version_table=VERSION_TABLE,
    head=HEAD,
    metadata=tables.metadata,
    collation=_collation,
    lock=7_205_759_403_792_794,
)
upgrade = _MIGRATIONS.upgrade
current_version = _MIGRATIONS.current_version


def refuse_newer(conn: Connection) -> None:
    """Refuse a ledger of a version that this package does not know; nothing is changed.

    :raises SchemaMismatch: names both versions, and what to do.
    """
    _refuse_newer(current_version(conn))


def _refuse_newer(found: str | None) -> None:
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
    _refuse_newer(found)
    if found != HEAD:
        raise SchemaMismatch(
            f"the ledger in this database has version {found}, and this package needs {HEAD}; the setup or the next "
            "run upgrades it"
        )
