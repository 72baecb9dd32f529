"""The zone in which a table's dates were last taken, and its partitions. Frozen: later changes are later revisions.

A ledger from before has NULL there: its runs took UTC unless the mapping named a zone, and nobody noted which.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those that a killed run has added already count."""
    long_text = sa.Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sync_checkpoint")}
    for column in (sa.Column("time_zone", sa.String(64)), sa.Column("partitions", long_text)):
        if column.name not in present:
            op.add_column("sync_checkpoint", column)


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sync_checkpoint", "partitions")
    op.drop_column("sync_checkpoint", "time_zone")
