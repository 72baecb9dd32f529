"""Records that a scan missed and Lark does not call gone. Frozen: later changes are later revisions.

False in the rows from before: the next scan finds out anew which are missing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; one that a killed run has added already counts."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sync_record_map")}
    if "out_of_sight" not in present:
        op.add_column(
            "sync_record_map", sa.Column("out_of_sight", sa.Boolean, nullable=False, server_default=sa.text("'0'"))
        )


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("sync_record_map", "out_of_sight")
