"""The ledger's tables, as the functions beside use them; :mod:`.migrations` creates them.

In the database the SQL key is named ``record_id``, as in the queue that operators know; here it is ``.c.key``, and
Lark's id is ``.c.lark_record_id``.

Indexes begin with what tells rows apart, not with the table's name: PostgreSQL takes a table that was just filled for
nearly empty, and would read all rows of one name to find 500 of them.

On MySQL and MariaDB every text is compared byte by byte, by the collation that the migrations chose for the server;
a later migration that adds a column names none.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from airflow_provider_lark.core.database.dbtime import Now, timestamp_type
from airflow_provider_lark.core.database.migration import ONLY_ON
from airflow_provider_lark.core.database.mysql_options import MYSQL, name_type

TABLE_NAME_LENGTH = 200
KEY_LENGTH = 500
"""Longest key on MySQL; elsewhere one that is too long must not make the application's own write fail."""

metadata = MetaData()


def _long_text() -> TypeEngine[Any]:
    return Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _row_id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _table_name(**options: Any) -> Column[str]:
    return Column("table_name", name_type(TABLE_NAME_LENGTH), nullable=False, **options)


def _key(**options: Any) -> Column[str]:
    return Column("record_id", name_type(KEY_LENGTH), key="key", nullable=False, **options)


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
    Column("seen", String(32)),
    Column("changed_ms", BigInteger),
    Index("ix_sync_queue_status", "status", "table_name", "id"),
    Index("ix_sync_queue_key", "key", "table_name"),
    **MYSQL,
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
    Column("run_id", name_type(250)),
    _created_at(),
    Index("ix_sync_log_created_at", "created_at"),
    Index("ix_sync_log_key", "key", "table_name"),
    **MYSQL,
)

blacklist = Table(
    "sync_blacklist",
    metadata,
    _row_id(),
    _key(),
    Column("reason", Text),
    Column("table_name", name_type(TABLE_NAME_LENGTH)),
    Column("expires_at", timestamp_type()),
    _created_at(),
    Index("ix_sync_blacklist_key", "key"),
    **MYSQL,
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
    Column("near", _long_text()),
    Column("sent", _long_text()),
    Column("tombstone", Boolean, nullable=False, server_default=text("'0'")),
    Column("out_of_sight", Boolean, nullable=False, server_default=text("'0'")),
    Column("outside", Boolean, nullable=False, server_default=text("'0'")),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("ux_sync_record_map_lark", "lark_record_id", "table_name", unique=True),
    **MYSQL,
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
    Column("time_zone", String(64)),
    Column("partitions", _long_text()),
    # never compared; v0010 named this collation
    Column("capture", Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")),
    Column("scope", _long_text()),
    Column("batch_limit", Integer),
    Column("batch_limit_met_ms", BigInteger),
    Column("unsettled", _long_text()),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    **MYSQL,
)

intent = Table(
    "sync_intent",
    metadata,
    Column("client_token", String(64), primary_key=True),
    _table_name(),
    Column("kind", String(20), nullable=False, server_default="create"),
    Column("record_ids", _long_text(), key="sql_keys", nullable=False),
    Column("payload", _long_text(), nullable=False),
    Column("state", String(10), nullable=False, server_default="open"),
    Column("created_ms", BigInteger, nullable=False),
    _created_at(),
    Index("ix_sync_intent_state", "table_name", "state"),
    **MYSQL,
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
    Index("ix_sync_conflict_key", "key", "table_name"),
    **MYSQL,
)

lease = Table(
    "sync_lease",
    metadata,
    Column("resource", name_type(250), primary_key=True),
    Column("owner", name_type(250), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    **MYSQL,
)

scan = Table(
    "sync_scan",
    metadata,
    Column("id", name_type(KEY_LENGTH), primary_key=True),
    Column("scan_id", String(64), primary_key=True),
    Column("side", String(8), primary_key=True),
    _created_at(),
    Index("ix_sync_scan_scan_id", "scan_id"),
    **MYSQL,
)

COUNTS = (
    *("lark_created", "lark_updated", "lark_deleted", "sql_created", "sql_updated", "sql_deleted"),
    *("rewritten", "near_misses", "conflicts", "skipped", "held", "failed", "different"),
)
"""What a run counts, of rows."""

run = Table(
    "sync_run",
    metadata,
    _row_id(),
    _table_name(),
    Column("mapping", name_type(200), nullable=False),
    Column("run_id", name_type(250), nullable=False),
    Column("operation", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("runs", Integer, nullable=False, server_default=text("1")),
    Column("started_at", timestamp_type(), nullable=False, server_default=Now()),
    Column("finished_at", timestamp_type(), nullable=False, server_default=Now()),
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in (*COUNTS, "api_calls", "pending")),
    Column("duration_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("oldest_ms", BigInteger),
    Column("error_message", Text),
    Index("ix_sync_run_table", "table_name", "id"),
    Index("ix_sync_run_finished_at", "finished_at"),
    **MYSQL,
)

change = Table(
    "sync_change",
    metadata,
    _row_id(),
    _table_name(),
    _key(),
    Column("lark_record_id", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("operation", String(20), nullable=False),
    Column("base_values", _long_text()),
    Column("lark_values", _long_text()),
    Column("sql_values", _long_text()),
    Column("new_values", _long_text()),
    Column("outcome", String(40)),
    Column("policy", String(40)),
    Column("run_id", name_type(250), nullable=False),
    _created_at(),
    Index("ix_sync_change_key", "key", "table_name"),
    Index("ix_sync_change_run", "run_id", "table_name"),
    **MYSQL,
)

history = Table(
    "sync_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("complete_since", timestamp_type(), nullable=False, server_default=Now()),
    Column("reason", String(20), nullable=False),
    **MYSQL,
)
"""One line at most: since when all that runs wrote is known, and why not for longer. None: since the first run."""

decision = Table(
    "sync_decision",
    metadata,
    _row_id(),
    _table_name(),
    Column("kind", String(20), nullable=False),
    _key(),
    Column("seen", String(64), nullable=False),
    Column("choice", String(10), nullable=False),
    Column("decided_by", name_type(250), nullable=False),
    Column("status", String(20), nullable=False, server_default="open"),
    _created_at(),
    Column("closed_at", timestamp_type()),
    Index("ix_sync_decision_status", "status", "table_name"),
    **MYSQL,
)

alarm = Table(
    "sync_alarm",
    metadata,
    Column("place", String(64), primary_key=True),
    _table_name(),
    Column("is_red", Boolean, nullable=False, server_default=text("'0'")),
    Column("uuid", String(64), nullable=False, server_default=""),
    Column("message_id", String(100), nullable=False, server_default=""),
    Column("good_checks", Integer, nullable=False, server_default=text("0")),
    Column("red_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("shown", String(64), nullable=False, server_default=""),
    **MYSQL,
)

mute = Table("sync_mute", metadata, Column("id", Integer, primary_key=True), info={ONLY_ON: "sqlite"})
"""On SQLite only: while it holds a row, inside one transaction, the capturing triggers of one table are silent.

Which table, its id tells; see :func:`.mark_of`.
"""
