"""Bring a database's ledger to the schema of this version."""

from __future__ import annotations

from airflow_provider_lark.core.stores.ledger import schema
from airflow_provider_lark.core.stores.migration import Migrations

VERSION_TABLE = "sync_alembic_version"
HEAD = "v0005"

_MIGRATIONS = Migrations(
    noun="ledger",
    scripts="airflow_provider_lark.core.stores.ledger:migrations",
    version_table=VERSION_TABLE,
    head=HEAD,
    metadata=schema.metadata,
    lock=7_205_759_403_792_794,
)
upgrade = _MIGRATIONS.upgrade
current_version = _MIGRATIONS.current_version
