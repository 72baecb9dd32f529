"""Bring a database's accounts to the schema of this version."""

from __future__ import annotations

from airflow_provider_lark.core.stores.accounts import schema
from airflow_provider_lark.core.stores.migration import Migrations

VERSION_TABLE = "lark_accounts_alembic_version"
HEAD = "v0001"

_MIGRATIONS = Migrations(
    noun="accounts",
    scripts="airflow_provider_lark.core.stores.accounts:migrations",
    version_table=VERSION_TABLE,
    head=HEAD,
    metadata=schema.metadata,
    lock=7_205_759_403_792_795,
    make_room="give the token store a database or schema of its own, or rename the other table",
)
upgrade = _MIGRATIONS.upgrade
current_version = _MIGRATIONS.current_version
