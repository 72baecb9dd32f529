"""Who has an app's long connection. Frozen: later changes are later revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0006"
down_revision = "v0005"
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


def upgrade() -> None:
    """Create the table, unless it is there."""
    if "lark_connections" in sa.inspect(op.get_bind()).get_table_names():
        return
    op.create_table(
        "lark_connections",
        sa.Column("app_id", sa.String(64), primary_key=True, nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        # without the word NULL, MySQL might make it NOT NULL with a default
        sa.Column("connected_at", MOMENT, nullable=True),
        **OPTIONS,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("lark_connections")
