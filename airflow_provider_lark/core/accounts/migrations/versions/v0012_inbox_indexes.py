"""Finds what waits for a subject, or is of a type, among many entries. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"
branch_labels = None
depends_on = None

TABLE = "lark_inbox"
INDEXES = {
    "idx_lark_inbox_subject": ["app_id", "subject", "status"],
    "idx_lark_inbox_event_type": ["app_id", "event_type", "status"],
}


def upgrade() -> None:
    """Create the indexes that are not there: MySQL commits each DDL statement."""
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(TABLE)}
    for name, columns in INDEXES.items():
        if name not in known:
            op.create_index(name, TABLE, columns)


def downgrade() -> None:
    """Drop the indexes."""
    for name in INDEXES:
        op.drop_index(name, TABLE)
