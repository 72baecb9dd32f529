"""How many records a write call of a table may carry, as Lark has taught. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; those that a killed run has added already count."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sync_checkpoint")}
    for column in (sa.Column("batch_limit", sa.Integer), sa.Column("batch_limit_met_ms", sa.BigInteger)):
        if column.name not in present:
            op.add_column("sync_checkpoint", column)


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sync_checkpoint", "batch_limit_met_ms")
    op.drop_column("sync_checkpoint", "batch_limit")
