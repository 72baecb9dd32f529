"""The cards that say when a mapping is not well. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless a killed run has."""
    bind = op.get_bind()
    if sa.inspect(bind).has_table("sync_alarm"):
        return
    collation = "utf8mb4_nopad_bin" if getattr(bind.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    name = sa.Text().with_variant(mysql.VARCHAR(200, collation=collation), "mysql", "mariadb")
    op.create_table(
        "sync_alarm",
        sa.Column("place", sa.String(64), primary_key=True),
        sa.Column("table_name", name, nullable=False),
        sa.Column("is_red", sa.Boolean, nullable=False, server_default=sa.text("'0'")),
        sa.Column("uuid", sa.String(64), nullable=False, server_default=""),
        sa.Column("message_id", sa.String(100), nullable=False, server_default=""),
        sa.Column("good_checks", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("red_ms", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("shown", sa.String(64), nullable=False, server_default=""),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate=collation,
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate=collation,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sync_alarm")
