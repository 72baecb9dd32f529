"""Records that a run left alone because somebody had just changed them. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0013"
down_revision = "v0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, unless a killed run has."""
    states = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sync_checkpoint")}
    if "unsettled" not in states:
        op.add_column(
            "sync_checkpoint", sa.Column("unsettled", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"))
        )


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("sync_checkpoint", "unsettled")
