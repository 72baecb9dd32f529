"""What each run did, for people who look later. Frozen: later changes are later revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0006"
down_revision = "v0005"
branch_labels = None
depends_on = None

COUNTS = (
    *("lark_created", "lark_updated", "lark_deleted", "sql_created", "sql_updated", "sql_deleted"),
    *("rewritten", "near_misses", "conflicts", "skipped", "held", "failed", "different"),
    *("api_calls", "pending"),
)


def upgrade() -> None:
    """Create the table and its index; what a killed run has made already counts."""
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    if not inspector.has_table("sync_run"):
        _create(bind)
        indexes = set()
    else:
        indexes = {index["name"] for index in inspector.get_indexes("sync_run")}
    for name, columns in (("ix_sync_run_table", ["table_name", "id"]), ("ix_sync_run_finished_at", ["finished_at"])):
        if name not in indexes:
            op.create_index(name, "sync_run", columns)


def _create(bind: sa.Connection) -> None:
    is_mariadb = getattr(bind.dialect, "is_mariadb", False)
    collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
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
        "sync_run",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("table_name", name(200), nullable=False),
        sa.Column("mapping", name(200), nullable=False),
        sa.Column("run_id", name(250), nullable=False),
        sa.Column("operation", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("runs", sa.Integer, nullable=False, server_default=sa.text("1")),
        # MySQL gives a first TIMESTAMP column without a default one that changes with every update
        sa.Column("started_at", moment, nullable=False, server_default=sa.text(now)),
        sa.Column("finished_at", moment, nullable=False, server_default=sa.text(now)),
        *(sa.Column(each, sa.Integer, nullable=False, server_default=sa.text("0")) for each in COUNTS),
        sa.Column("duration_ms", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("oldest_ms", sa.BigInteger),
        sa.Column("error_message", sa.Text().with_variant(mysql.TEXT(collation=collation), "mysql", "mariadb")),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate=collation,
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate=collation,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sync_run")
