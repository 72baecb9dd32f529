"""Decisions that a run is carrying out. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, unless it is there: MySQL commits each DDL statement."""
    if "taken_token" not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns("lark_questions")}:
        op.add_column("lark_questions", sa.Column("taken_token", sa.String(64)))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("lark_questions", "taken_token")
