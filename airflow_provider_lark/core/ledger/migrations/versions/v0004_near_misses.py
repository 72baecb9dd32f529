"""What Lark made of our own writes, and what was written and not looked at yet. Frozen: later changes are later revisions.

NULL in the rows from before: nothing is known of them, and nothing waits to be looked at.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those that a killed run has added already count."""
    collation = "utf8mb4_0900_bin"
    bind = op.get_bind()
    if getattr(bind.dialect, "is_mariadb", False):
        collation = "utf8mb4_nopad_bin"
    long_text = sa.Text().with_variant(mysql.LONGTEXT(collation=collation), "mysql", "mariadb")
    present = {column["name"] for column in sa.inspect(bind).get_columns("sync_record_map")}
    for name in ("near", "sent"):
        if name not in present:
            op.add_column("sync_record_map", sa.Column(name, long_text))


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sync_record_map", "sent")
    op.drop_column("sync_record_map", "near")
