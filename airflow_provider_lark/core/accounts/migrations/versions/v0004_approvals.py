"""What is asked in the approval centre, and every decision that came. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
INDEXES = {
    "idx_lark_approval_questions_place": ("lark_approval_questions", ["app_id", "place", "turn"], True),
    "idx_lark_approval_questions_updated_at": ("lark_approval_questions", ["updated_at"], False),
    "idx_lark_approval_log_instance_id": ("lark_approval_log", ["instance_id"], False),
    "idx_lark_approval_log_at": ("lark_approval_log", ["at"], False),
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


def _long() -> Any:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def _tables() -> dict[str, list[sa.Column[Any]]]:
    column, string, number = sa.Column, sa.String, sa.BigInteger
    return {
        "lark_approval_questions": [
            column("instance_id", string(64), primary_key=True, nullable=False),
            column("app_id", string(64), nullable=False),
            column("place", string(64), nullable=False),
            column("turn", string(64), nullable=False),
            column("ask", _long(), nullable=False),
            column("status", string(16), nullable=False),
            column("votes", _long(), nullable=False),
            column("opened_ms", number, nullable=False),
            column("pushed_ms", number, nullable=False),
            column("closed_ms", number),
            _now("updated_at"),
        ],
        "lark_approval_log": [
            column("id", number().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
            _now("at"),
            column("app_id", string(64), nullable=False),
            column("instance_id", string(64), nullable=False),
            column("user_id", string(64), nullable=False),
            column("open_id", string(64), nullable=False),
            column("name", _name(250), nullable=False),
            column("action", string(16), nullable=False),
            column("outcome", string(16), nullable=False),
            column("reason", _long()),
        ],
    }


def upgrade() -> None:
    """Create the tables and indexes that are not there yet."""
    present = set(sa.inspect(op.get_bind()).get_table_names())
    for name, columns in _tables().items():
        if name not in present:
            op.create_table(name, *columns, **OPTIONS)
    for index, (table, columns_of_it, is_unique) in INDEXES.items():
        if index not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(table)}:
            op.create_index(index, table, columns_of_it, unique=is_unique)


def downgrade() -> None:
    """Drop the tables, with every answer in them."""
    for name in _tables():
        op.drop_table(name)
