"""Questions that cards ask, their cards, and the answers. Frozen: later changes are later revisions.

MySQL commits each DDL statement, so a run that was killed half way is taken up where it stopped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
NOW = {"sqlite": "(strftime('%Y-%m-%d %H:%M:%f000','now'))", "postgresql": "clock_timestamp()"}
INDEXES: dict[str, tuple[str, list[str], bool]] = {
    "idx_lark_questions_key": ("lark_questions", ["app_id", "question_key", "round"], True),
    "idx_lark_questions_updated_at": ("lark_questions", ["updated_at"], False),
    "idx_lark_question_cards_message_id": ("lark_question_cards", ["message_id"], False),
    "idx_lark_answers_question_id": ("lark_answers", ["question_id"], False),
    "idx_lark_answers_answered_at": ("lark_answers", ["answered_at"], False),
}


def _name(length: int) -> Any:
    return sa.Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _long() -> Any:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


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
        "lark_questions": [
            column("id", string(32), primary_key=True, nullable=False),
            column("app_id", string(64), nullable=False),
            column("question_key", string(64), nullable=False),
            column("round", sa.Integer, nullable=False),
            column("mark", string(64), nullable=False),
            column("state", string(16), nullable=False),
            column("terms", _long(), nullable=False),
            column("key_id", string(16)),
            column("decision", _name(250)),
            column("asked_at_ms", number, nullable=False),
            column("sent_at_ms", number),
            column("expires_at_ms", number),
            column("closed_at_ms", number),
            column("collected_at_ms", number),
            column("shown_at_ms", number),
            column("reminders", sa.Integer, nullable=False),
            _now("updated_at"),
        ],
        "lark_question_cards": [
            column("question_id", string(32), primary_key=True, nullable=False),
            column("message_id", string(64), primary_key=True, nullable=False),
            column("app_id", string(64), nullable=False),
            column("chat_id", string(64), nullable=False),
            column("noted_at_ms", number, nullable=False),
        ],
        "lark_answers": [
            column("id", number().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
            column("app_id", string(64), nullable=False),
            column("question_id", string(32), nullable=False),
            column("message_id", _name(128), nullable=False),
            column("event_id", _name(128), nullable=False),
            column("open_id", _name(128), nullable=False),
            column("content_hash", string(64), nullable=False),
            column("clicked_ms", number, nullable=False),
            _now("answered_at"),
            column("outcome", string(16), nullable=False),
            column("reason", string(16), nullable=False),
            column("body", _long(), nullable=False),
            column("key_id", string(16)),
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
