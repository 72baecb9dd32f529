"""The ledger's tables, as the functions beside use them; :mod:`.migrations` creates them.

``record_id`` is the SQL key throughout, as in the queue that operators know; Lark's id is ``lark_record_id``.

Indexes begin with what tells rows apart, not with the table's name: PostgreSQL takes a table that was just filled for
nearly empty, and would read all rows of one name to find 500 of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from airflow_provider_lark.core.stores.dbtime import Now, timestamp_type

TABLE_NAME_LENGTH = 200
KEY_LENGTH = 500
"""Longest key on MySQL, where an index takes 3,072 bytes; elsewhere keys are not limited."""

metadata = MetaData()
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _name(length: int) -> TypeEngine[Any]:
    # without a length outside MySQL: a key that is too long must not make the application's own write fail
    return Text().with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _long_text() -> TypeEngine[Any]:
    return Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")


def _row_id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _table_name(**options: Any) -> Column[str]:
    return Column("table_name", _name(TABLE_NAME_LENGTH), nullable=False, **options)


def _key(**options: Any) -> Column[str]:
    return Column("record_id", _name(KEY_LENGTH), nullable=False, **options)


def _created_at() -> Column[Any]:
    return Column("created_at", timestamp_type(), nullable=False, server_default=Now())


queue = Table(
    "sync_queue",
    metadata,
    _row_id(),
    _table_name(),
    _key(),
    Column("operation", String(10), nullable=False, server_default="UPDATE"),
    Column("status", String(20), nullable=False, server_default="pending"),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    Column("error_message", Text),
    _created_at(),
    Column("processed_at", timestamp_type()),
    Column("next_attempt_at", timestamp_type()),
    Column("claim_token", String(64)),
    Column("lease_until_ms", BigInteger),
    Index("ix_sync_queue_status", "status", "table_name", "id"),
    Index("ix_sync_queue_key", "record_id", "table_name"),
    **_MYSQL,
)

log = Table(
    "sync_log",
    metadata,
    _row_id(),
    _table_name(),
    _key(),
    Column("direction", String(10), nullable=False),
    Column("operation", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("detail", Text),
    Column("run_id", _name(250)),
    _created_at(),
    Index("ix_sync_log_created_at", "created_at"),
    Index("ix_sync_log_key", "record_id", "table_name"),
    **_MYSQL,
)

blacklist = Table(
    "sync_blacklist",
    metadata,
    _row_id(),
    _key(),
    Column("reason", Text),
    Column("table_name", _name(TABLE_NAME_LENGTH)),
    Column("expires_at", timestamp_type()),
    _created_at(),
    Index("ix_sync_blacklist_key", "record_id"),
    **_MYSQL,
)

record_map = Table(
    "sync_record_map",
    metadata,
    _key(primary_key=True),
    _table_name(primary_key=True),
    Column("lark_record_id", String(64), nullable=False),
    Column("base", _long_text()),
    Column("base_hash", String(32)),
    Column("lark_modified_ms", BigInteger),
    Column("tombstone", Boolean, nullable=False, server_default=text("'0'")),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("ux_sync_record_map_lark", "lark_record_id", "table_name", unique=True),
    **_MYSQL,
)

checkpoint = Table(
    "sync_checkpoint",
    metadata,
    _table_name(primary_key=True),
    Column("watermark_ms", BigInteger),
    Column("boundary", _long_text(), nullable=False),
    Column("last_scan_at_ms", BigInteger),
    Column("total_offset", Integer, nullable=False, server_default=text("0")),
    Column("app_token", String(64), nullable=False),
    Column("table_id", String(64), nullable=False),
    Column("fields", _long_text(), nullable=False),
    Column("modified_field_id", String(64)),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    **_MYSQL,
)

intent = Table(
    "sync_intent",
    metadata,
    Column("client_token", String(64), primary_key=True),
    _table_name(),
    Column("kind", String(20), nullable=False, server_default="create"),
    Column("record_ids", _long_text(), nullable=False),
    Column("payload", _long_text(), nullable=False),
    Column("state", String(10), nullable=False, server_default="open"),
    Column("created_ms", BigInteger, nullable=False),
    _created_at(),
    Index("ix_sync_intent_state", "table_name", "state"),
    **_MYSQL,
)

conflict = Table(
    "sync_conflict",
    metadata,
    _row_id(),
    _table_name(),
    _key(),
    Column("lark_record_id", String(64)),
    Column("base_values", _long_text()),
    Column("lark_values", _long_text()),
    Column("sql_values", _long_text()),
    Column("policy", String(40), nullable=False),
    Column("outcome", String(40)),
    Column("status", String(20), nullable=False, server_default="open"),
    _created_at(),
    Column("closed_at", timestamp_type()),
    Index("ix_sync_conflict_status", "status", "table_name"),
    Index("ix_sync_conflict_key", "record_id", "table_name"),
    **_MYSQL,
)

lease = Table(
    "sync_lease",
    metadata,
    Column("resource", _name(250), primary_key=True),
    Column("owner", _name(250), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    **_MYSQL,
)

scan = Table(
    "sync_scan",
    metadata,
    Column("id", _name(KEY_LENGTH), primary_key=True),
    Column("scan_id", String(64), primary_key=True),
    Column("side", String(8), primary_key=True),
    _created_at(),
    Index("ix_sync_scan_scan_id", "scan_id"),
    **_MYSQL,
)

mute = Table("sync_mute", metadata, Column("id", Integer, primary_key=True))
"""On SQLite only: the capturing triggers are silent while it holds a row, inside one transaction."""
