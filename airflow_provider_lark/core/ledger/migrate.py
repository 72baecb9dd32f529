"""Bring a database's ledger to the schema of this version."""

from __future__ import annotations

from airflow_provider_lark.core.database.migration import Migrations
from airflow_provider_lark.core.ledger import tables

VERSION_TABLE = "sync_alembic_version"
HEAD = "v0005"

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
