"""Cards that stand for all failures of a run or task, and the tasks on them. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
INDEX = "idx_alert_cards_updated_at"


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _facts() -> sa.Column[Any]:
    kind = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    return sa.Column("facts", kind, nullable=False)


def _updated_at() -> sa.Column[Any]:
    kind = (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )
    default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:"))
    return sa.Column("updated_at", kind, nullable=False, server_default=default)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    column, string, number = sa.Column, sa.String, sa.BigInteger
    return {
        "alert_cards": [
            column("card_id", string(64), primary_key=True, nullable=False),
            column("host", _name(250), nullable=False),
            column("app_id", string(64), nullable=False),
            column("receiver", _name(320), nullable=False),
            column("receiver_type", string(16)),
            column("dag_id", _name(250), nullable=False),
            column("run_id", _name(250), nullable=False),
            column("task_id", _name(250)),
            _facts(),
            column("run_state", string(16)),
            column("red_since_ms", number),
            column("green_at_ms", number),
            column("version", number, nullable=False),
            column("shown_version", number, nullable=False),
            column("uuid", string(50)),
            column("begun_at_ms", number),
            column("message_id", string(64)),
            column("sent_at_ms", number),
            column("attempts", sa.Integer, nullable=False),
            column("claim_token", string(64)),
            column("claim_until_ms", number),
            _updated_at(),
        ],
        "alert_tasks": [
            column("card_id", string(64), primary_key=True, nullable=False),
            column("task_id", _name(250), primary_key=True, nullable=False),
            column("map_index", sa.Integer, primary_key=True, nullable=False, autoincrement=False),
            column("state", string(16), nullable=False),
            column("try_number", sa.Integer, nullable=False),
            _facts(),
            column("version", number, nullable=False),
        ],
    }


def upgrade() -> None:
    """Create the tables and the index that are not there yet."""
    present = set(sa.inspect(op.get_bind()).get_table_names())
    for name, columns in _tables().items():
        if name not in present:
            op.create_table(name, *columns, **OPTIONS)
    indexed = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("alert_cards")}
    if INDEX not in indexed:
        op.create_index(INDEX, "alert_cards", ["updated_at"])


def downgrade() -> None:
    """Drop the tables; later failures of the same runs get new cards."""
    for name in _tables():
        op.drop_table(name)
