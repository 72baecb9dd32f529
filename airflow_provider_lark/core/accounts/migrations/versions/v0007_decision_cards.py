"""The cards on which people decide what a sync leaves to them. Frozen: later changes are later revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None

TABLE, INDEX = "lark_decision_cards", "idx_lark_decision_cards_place"
OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
MOMENT = (
    sa.Text()
    .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
    .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
)


def upgrade() -> None:
    """Create the table and its index, unless they are there."""
    if TABLE not in sa.inspect(op.get_bind()).get_table_names():
        default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:"))
        op.create_table(
            TABLE,
            sa.Column("id", sa.String(32), primary_key=True, nullable=False),
            sa.Column("app_id", sa.String(64), nullable=False),
            sa.Column("place", sa.String(64), nullable=False),
            sa.Column("content", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
            sa.Column("key_id", sa.String(16)),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("shown_version", sa.BigInteger, nullable=False),
            sa.Column("uuid", sa.String(50)),
            sa.Column("begun_at_ms", sa.BigInteger),
            sa.Column("message_id", sa.String(64)),
            sa.Column("chat_id", sa.String(64)),
            sa.Column("sent_at_ms", sa.BigInteger),
            sa.Column("closed_at_ms", sa.BigInteger),
            sa.Column("claim_token", sa.String(64)),
            sa.Column("claim_until_ms", sa.BigInteger),
            sa.Column("updated_at", MOMENT, nullable=False, server_default=default),
            **OPTIONS,
        )
    if INDEX not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(TABLE)}:
        op.create_index(INDEX, TABLE, ["app_id", "place"], unique=True)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table(TABLE)
