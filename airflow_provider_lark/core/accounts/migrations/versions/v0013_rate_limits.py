"""Who may use how much of an app's rate limits. Frozen: later changes are later revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0013"
down_revision = "v0012"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
MOMENT = (
    sa.Text()
    .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
    .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
)
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}


def upgrade() -> None:
    """Create the table, unless it is there."""
    if "lark_rate_limits" in sa.inspect(op.get_bind()).get_table_names():
        return
    now = NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)")
    op.create_table(
        "lark_rate_limits",
        sa.Column("host", _name(250), primary_key=True, nullable=False),
        sa.Column("app_id", sa.String(64), primary_key=True, nullable=False),
        sa.Column("name", _name(250), primary_key=True, nullable=False),
        sa.Column("entry", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.text(now)),
        **OPTIONS,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("lark_rate_limits")


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length), "mysql", "mariadb")
