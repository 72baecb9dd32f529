"""What people decide at a shell about conflicts and held deletes. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None

INDEX = "ix_sync_decision_status"


def upgrade() -> None:
    """Create the table and its index; what a killed run has made already counts."""
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    indexes = set()
    if inspector.has_table("sync_decision"):
        indexes = {index["name"] for index in inspector.get_indexes("sync_decision")}
    else:
        _create(bind)
    if INDEX not in indexes:
        op.create_index(INDEX, "sync_decision", ["status", "table_name"])


def _create(bind: sa.Connection) -> None:
    collation = "utf8mb4_nopad_bin" if getattr(bind.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
    now = {
        "sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))",
        "postgresql": "clock_timestamp()",
    }.get(bind.dialect.name, "CURRENT_TIMESTAMP(6)")
    moment = (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )

    def name(length: int) -> sa.types.TypeEngine[str]:
        return sa.Text().with_variant(mysql.VARCHAR(length, collation=collation), "mysql", "mariadb")

    op.create_table(
        "sync_decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("table_name", name(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("record_id", name(500), nullable=False),
        sa.Column("seen", sa.String(64), nullable=False),
        sa.Column("choice", sa.String(10), nullable=False),
        sa.Column("decided_by", name(250), nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="open"),
        sa.Column("created_at", moment, nullable=False, server_default=sa.text(now)),
        sa.Column("closed_at", moment, nullable=True),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate=collation,
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate=collation,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sync_decision")
