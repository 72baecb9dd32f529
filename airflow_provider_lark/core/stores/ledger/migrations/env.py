"""Alembic's entry: runs the ledger's migrations on the connection that :mod:`..migrate` hands over."""

from __future__ import annotations

from alembic import context

from airflow_provider_lark.core.stores.ledger.migrate import VERSION_TABLE
from airflow_provider_lark.core.stores.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # the business database may have an alembic_version of its own
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
