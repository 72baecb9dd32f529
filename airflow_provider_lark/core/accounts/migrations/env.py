"""Alembic's entry: runs the accounts's migrations on the connection that :mod:`.database.migration` hands over."""

from __future__ import annotations

from alembic import context

context.configure(**context.config.attributes["options"])
with context.begin_transaction():
    context.run_migrations()
