"""Requests of Airflow's tasks that a question asks. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
TABLE = "lark_hitl_requests"
INDEX = "idx_lark_hitl_requests_live"


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _moment() -> Any:
    return (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )


def upgrade() -> None:
    """Create the table and its index, unless they are there."""
    default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:"))
    number = sa.BigInteger
    if TABLE not in sa.inspect(op.get_bind()).get_table_names():
        op.create_table(
            TABLE,
            sa.Column("question_id", sa.String(32), primary_key=True, nullable=False),
            sa.Column("app_id", sa.String(64), nullable=False),
            sa.Column("dag_id", _name(250), nullable=False),
            sa.Column("run_id", _name(250), nullable=False),
            sa.Column("task_id", _name(250), nullable=False),
            sa.Column("map_index", sa.Integer, nullable=False),
            sa.Column("request", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
            sa.Column("key_id", sa.String(16)),
            sa.Column("created_at", sa.String(64)),
            sa.Column("parked_ms", number),
            sa.Column("passed_ms", number),
            sa.Column("looked_ms", number, nullable=False),
            sa.Column("look_at_ms", number, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("outcome", sa.String(16)),
            sa.Column("finished_ms", number),
            sa.Column("updated_at", _moment(), nullable=False, server_default=default),
            **OPTIONS,
        )
    if INDEX not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(TABLE)}:
        op.create_index(INDEX, TABLE, ["app_id", "finished_ms", "look_at_ms"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table(TABLE)
