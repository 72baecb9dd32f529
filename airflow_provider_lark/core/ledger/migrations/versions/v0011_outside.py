"""Pairs outside a mapping's filters, and the filters they were judged by. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those that a killed run has added already count."""
    inspector = sa.inspect(op.get_bind())
    pairs = {column["name"] for column in inspector.get_columns("sync_record_map")}
    if "outside" not in pairs:
        op.add_column("sync_record_map", sa.Column("outside", sa.Boolean, nullable=False, server_default=sa.text("'0'")))
    states = {column["name"] for column in inspector.get_columns("sync_checkpoint")}
    if "scope" not in states:
        # in ASCII, as the field contract is
        op.add_column(
            "sync_checkpoint", sa.Column("scope", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"))
        )


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sync_checkpoint", "scope")
    op.drop_column("sync_record_map", "outside")
