"""How far changes in SQL were read where no trigger notes them. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those that a killed run has added already count."""
    long_text = sa.Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")
    wanted = {
        "sync_queue": (sa.Column("seen", sa.String(32)), sa.Column("changed_ms", sa.BigInteger())),
        "sync_checkpoint": (sa.Column("capture", long_text),),
    }
    for table, columns in wanted.items():
        present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
        for column in columns:
            if column.name not in present:
                op.add_column(table, column)


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sync_checkpoint", "capture")
    op.drop_column("sync_queue", "changed_ms")
    op.drop_column("sync_queue", "seen")
