"""Who looks at the cards of decisions, and when it last did. Frozen: later changes are later revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None

TABLE = "lark_decision_cards"
COLUMNS: dict[str, Any] = {"owner": sa.String(64), "lark_table": sa.String(64), "looked_at_ms": sa.BigInteger()}


def upgrade() -> None:
    """Add the columns that are not there: MySQL commits each DDL statement."""
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_columns(TABLE)}
    for name, kind in COLUMNS.items():
        if name not in known:
            op.add_column(TABLE, sa.Column(name, kind))


def downgrade() -> None:
    """Drop the columns."""
    for name in COLUMNS:
        op.drop_column(TABLE, name)
