"""The first ledger. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _long_text() -> Any:
    return sa.Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")


def _time(name: str, *, now: bool = False) -> sa.Column[Any]:
    kind = (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )
    default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:")) if now else None
    return sa.Column(name, kind, nullable=not now, server_default=default)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    column, string, number = sa.Column, sa.String, sa.BigInteger
    return {
        "sync_queue": [
            _id(),
            column("table_name", _name(200), nullable=False),
            column("record_id", _name(500), nullable=False),
            column("operation", string(10), nullable=False, server_default="UPDATE"),
            column("status", string(20), nullable=False, server_default="pending"),
            column("retry_count", sa.Integer, nullable=False, server_default=sa.text("0")),
            column("error_message", sa.Text),
            _time("created_at", now=True),
            _time("processed_at"),
            _time("next_attempt_at"),
            column("claim_token", string(64)),
            column("lease_until_ms", number),
        ],
        "sync_log": [
            _id(),
            column("table_name", _name(200), nullable=False),
            column("record_id", _name(500), nullable=False),
            column("direction", string(10), nullable=False),
            column("operation", string(20), nullable=False),
            column("status", string(20), nullable=False),
            column("detail", sa.Text),
            column("run_id", _name(250)),
            _time("created_at", now=True),
        ],
        "sync_blacklist": [
            _id(),
            column("record_id", _name(500), nullable=False),
            column("reason", sa.Text),
            column("table_name", _name(200)),
            _time("expires_at"),
            _time("created_at", now=True),
        ],
        "sync_record_map": [
            column("record_id", _name(500), primary_key=True, nullable=False),
            column("table_name", _name(200), primary_key=True, nullable=False),
            column("lark_record_id", string(64), nullable=False),
            column("base", _long_text()),
            column("base_hash", string(32)),
            column("lark_modified_ms", number),
            column("tombstone", sa.Boolean, nullable=False, server_default=sa.text("'0'")),
            _time("updated_at", now=True),
        ],
        "sync_checkpoint": [
            column("table_name", _name(200), primary_key=True, nullable=False),
            column("watermark_ms", number),
            column("boundary", _long_text(), nullable=False),
            column("last_scan_at_ms", number),
            column("total_offset", sa.Integer, nullable=False, server_default=sa.text("0")),
            column("app_token", string(64), nullable=False),
            column("table_id", string(64), nullable=False),
            column("fields", _long_text(), nullable=False),
            column("modified_field_id", string(64)),
            _time("updated_at", now=True),
        ],
        "sync_intent": [
            column("client_token", string(64), primary_key=True),
            column("table_name", _name(200), nullable=False),
            column("kind", string(20), nullable=False, server_default="create"),
            column("record_ids", _long_text(), nullable=False),
            column("payload", _long_text(), nullable=False),
            column("state", string(10), nullable=False, server_default="open"),
            column("created_ms", number, nullable=False),
            _time("created_at", now=True),
        ],
        "sync_conflict": [
            _id(),
            column("table_name", _name(200), nullable=False),
            column("record_id", _name(500), nullable=False),
            column("lark_record_id", string(64)),
            column("base_values", _long_text()),
            column("lark_values", _long_text()),
            column("sql_values", _long_text()),
            column("policy", string(40), nullable=False),
            column("outcome", string(40)),
            column("status", string(20), nullable=False, server_default="open"),
            _time("created_at", now=True),
            _time("closed_at"),
        ],
        "sync_lease": [
            column("resource", _name(250), primary_key=True),
            column("owner", _name(250), nullable=False),
            column("expires_ms", number, nullable=False),
            _time("updated_at", now=True),
        ],
        "sync_scan": [
            column("id", _name(500), primary_key=True),
            column("scan_id", string(64), primary_key=True),
            column("side", string(8), primary_key=True),
            _time("created_at", now=True),
        ],
    }


INDEXES: list[tuple[str, str, list[str], bool]] = [
    ("ix_sync_queue_status", "sync_queue", ["status", "table_name", "id"], False),
    ("ix_sync_queue_key", "sync_queue", ["record_id", "table_name"], False),
    ("ix_sync_log_created_at", "sync_log", ["created_at"], False),
    ("ix_sync_log_key", "sync_log", ["record_id", "table_name"], False),
    ("ix_sync_blacklist_key", "sync_blacklist", ["record_id"], False),
    ("ux_sync_record_map_lark", "sync_record_map", ["lark_record_id", "table_name"], True),
    ("ix_sync_intent_state", "sync_intent", ["table_name", "state"], False),
    ("ix_sync_conflict_status", "sync_conflict", ["status", "table_name"], False),
    ("ix_sync_scan_scan_id", "sync_scan", ["scan_id"], False),
    ("ix_sync_conflict_key", "sync_conflict", ["record_id", "table_name"], False),
]


def upgrade() -> None:
    """Create the tables and indexes that are not there yet."""
    inspector = sa.inspect(op.get_bind())
    present = set(inspector.get_table_names())
    tables = _tables()
    if op.get_bind().dialect.name == "sqlite":
        tables["sync_mute"] = [sa.Column("id", sa.Integer, primary_key=True)]
    indexed = {index["name"] for table in present & set(tables) for index in inspector.get_indexes(table)}
    for name, columns in tables.items():
        if name not in present:
            op.create_table(name, *columns, **OPTIONS)
    for name, table, names, unique in INDEXES:
        if name not in indexed:
            op.create_index(name, table, names, unique=unique)


def downgrade() -> None:
    """Drop the ledger, and with it everything that is known about pairs."""
    for name in (*_tables(), *(["sync_mute"] if op.get_bind().dialect.name == "sqlite" else [])):
        op.drop_table(name)
