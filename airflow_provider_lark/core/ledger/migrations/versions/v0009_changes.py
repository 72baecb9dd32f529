"""What each run wrote, with the values before and after. Frozen: later changes are later revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_sync_change_key", ["record_id", "table_name"]),
    ("ix_sync_change_run", ["run_id", "table_name"]),
)


def upgrade() -> None:
    """Create both tables; what a killed run has made already counts."""
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    if not inspector.has_table("sync_history"):
        _create_history(bind)
    # before the other statements: MySQL commits it with the next of them, so that a killed run need not repeat it
    _note_gap(bind)
    indexes = set()
    if not inspector.has_table("sync_change"):
        _create_changes(bind)
    else:
        indexes = {index["name"] for index in inspector.get_indexes("sync_change")}
    for name, columns in INDEXES:
        if name not in indexes:
            op.create_index(name, "sync_change", columns)


def _note_gap(bind: sa.Connection) -> None:
    """Note that of runs until now no values are known, where there were any."""
    if bind.scalar(sa.text("SELECT count(*) FROM sync_history")):
        return
    if bind.execute(sa.text("SELECT id FROM sync_log LIMIT 1")).first() is not None:
        bind.execute(sa.text("INSERT INTO sync_history (id, reason) VALUES (1, 'upgrade')"))


def _create_changes(bind: sa.Connection) -> None:
    name, long_text, moment, now = _types(bind)
    op.create_table(
        "sync_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("table_name", name(200), nullable=False),
        sa.Column("record_id", name(500), nullable=False),
        sa.Column("lark_record_id", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("operation", sa.String(20), nullable=False),
        sa.Column("base_values", long_text),
        sa.Column("lark_values", long_text),
        sa.Column("sql_values", long_text),
        sa.Column("new_values", long_text),
        sa.Column("outcome", sa.String(40)),
        sa.Column("policy", sa.String(40)),
        sa.Column("run_id", name(250), nullable=False),
        sa.Column("created_at", moment, nullable=False, server_default=sa.text(now)),
        **_options(bind),
    )


def _create_history(bind: sa.Connection) -> None:
    _, _, moment, now = _types(bind)
    op.create_table(
        "sync_history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("complete_since", moment, nullable=False, server_default=sa.text(now)),
        sa.Column("reason", sa.String(20), nullable=False),
        **_options(bind),
    )


def _collation(bind: sa.Connection) -> str:
    return "utf8mb4_nopad_bin" if getattr(bind.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


def _types(bind: sa.Connection) -> tuple[Any, Any, Any, str]:
    collation = _collation(bind)
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

    long_text = sa.Text().with_variant(mysql.LONGTEXT(collation=collation), "mysql", "mariadb")
    return name, long_text, moment, now


def _options(bind: sa.Connection) -> dict[str, Any]:
    collation = _collation(bind)
    return {
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": collation,
        "mariadb_engine": "InnoDB",
        "mariadb_charset": "utf8mb4",
        "mariadb_collate": collation,
    }


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("sync_change")
    op.drop_table("sync_history")
