"""The first tables of accounts. Frozen: later changes are later revisions.

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


def _time(name: str, *, now: bool = False) -> sa.Column[Any]:
    kind = (
        sa.Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )
    default = sa.text(NOW.get(op.get_bind().dialect.name, "CURRENT_TIMESTAMP(6)").replace(":", r"\:")) if now else None
    return sa.Column(name, kind, nullable=not now, server_default=default)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, nullable=False)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    column, string = sa.Column, sa.String
    return {
        "tokens": [
            _key("host", _name(250)),
            _key("app_id", string(64)),
            _key("token_type", string(16)),
            _key("subject", _name(128)),
            column("token", sa.Text),
            _time("token_expires_at"),
            column("refresh_token", sa.Text),
            _time("refresh_expires_at"),
            column("scopes", sa.Text),
            column("key_id", string(16)),
            _time("expires_at", now=True),
            column("claim_token", string(64)),
            column("claim_until_ms", sa.BigInteger),
            _time("updated_at", now=True),
        ],
        "user_cache": [
            _key("host", _name(250)),
            _key("app_id", string(64)),
            _key("lookup_type", string(10)),
            _key("lookup", _name(320)),
            column("is_known", sa.Boolean, nullable=False),
            column("open_id", string(64)),
            column("user_id", string(64)),
            column("union_id", string(64)),
            _time("fetched_at", now=True),
            _time("expires_at", now=True),
        ],
    }


INDEXES = [
    ("idx_tokens_app_id", "tokens", ["app_id"]),
    ("idx_tokens_expires_at", "tokens", ["expires_at"]),
    ("idx_user_cache_expires_at", "user_cache", ["expires_at"]),
]


def upgrade() -> None:
    """Create the tables and indexes that are not there yet."""
    inspector = sa.inspect(op.get_bind())
    tables = _tables()
    present = set(inspector.get_table_names()) & set(tables)
    indexed = {index["name"] for table in present for index in inspector.get_indexes(table)}
    for name in set(tables) - present:
        op.create_table(name, *tables[name], **OPTIONS)
    for name, table, columns in INDEXES:
        if name not in indexed:
            op.create_index(name, table, columns)


def downgrade() -> None:
    """Drop the tables; users have to authorise again."""
    for name in _tables():
        op.drop_table(name)
