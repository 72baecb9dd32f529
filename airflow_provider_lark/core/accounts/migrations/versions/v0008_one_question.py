"""One kind of question, on cards and in the approval centre. Frozen: later changes are later revisions.

What was asked in the approval centre before stands in the two tables of v0004, unencrypted, and cannot be encrypted
here, where there is no key. They were in no release: they go where they are empty, and stay to be read where not.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None

OLD = ("lark_approval_questions", "lark_approval_log")


def upgrade() -> None:
    """Add the column, unless it is there, and drop the old tables that hold nothing."""
    conn = op.get_bind()
    if "pushed_ms" not in {each["name"] for each in sa.inspect(conn).get_columns("lark_questions")}:
        op.add_column("lark_questions", sa.Column("pushed_ms", sa.BigInteger))
    for name in set(OLD) & set(sa.inspect(conn).get_table_names()):
        if conn.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) == 0:
            op.drop_table(name)


def downgrade() -> None:
    """Drop the column; the tables that were dropped were empty."""
    op.drop_column("lark_questions", "pushed_ms")
