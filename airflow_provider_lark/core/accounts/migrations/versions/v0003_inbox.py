"""What Lark told an app, and what makes two deliveries the same. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
INDEXES = {
    "idx_lark_inbox_status": ("lark_inbox", ["status", "app_id", "id"]),
    "idx_lark_inbox_finished_at": ("lark_inbox", ["finished_at"]),
    "idx_lark_inbox_identities_seen_at": ("lark_inbox_identities", ["seen_at"]),
}


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _moment() -> Any:
    return (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )


def _now(name: str) -> sa.Column[Any]:
    default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:"))
    return sa.Column(name, _moment(), nullable=False, server_default=default)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    column, string, number = sa.Column, sa.String, sa.BigInteger
    return {
        "lark_inbox": [
            column("id", number().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
            column("app_id", string(64), nullable=False),
            column("kind", string(16), nullable=False),
            column("event_type", _name(128), nullable=False),
            column("event_id", _name(128), nullable=False),
            column("subject", _name(128)),
            column("body", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"), nullable=False),
            column("key_id", string(16)),
            _now("received_at"),
            column("status", string(16), nullable=False),
            column("attempts", sa.Integer, nullable=False),
            column("next_attempt_ms", number),
            column("claim_token", string(64)),
            column("claim_until_ms", number),
            column("error", sa.Text),
            # without the word NULL, MySQL might make it NOT NULL with a default
            column("finished_at", _moment(), nullable=True),
        ],
        "lark_inbox_identities": [
            column("identity", string(64), primary_key=True, nullable=False),
            column("inbox_id", number, nullable=False),
            _now("seen_at"),
        ],
    }


def upgrade() -> None:
    """Create the tables and indexes that are not there yet."""
    present = set(sa.inspect(op.get_bind()).get_table_names())
    for name, columns in _tables().items():
        if name not in present:
            op.create_table(name, *columns, **OPTIONS)
    for index, (table, columns_of_it) in INDEXES.items():
        if index not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(table)}:
            op.create_index(index, table, columns_of_it)


def downgrade() -> None:
    """Drop the tables, with what was not handled yet."""
    for name in _tables():
        op.drop_table(name)
