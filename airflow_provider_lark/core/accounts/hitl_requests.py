"""The table of requests of Airflow's tasks that questions ask, beside :mod:`.tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.accounts.tables import ID_LENGTH, metadata
from airflow_provider_lark.core.database.dbtime import Now, timestamp_type
from airflow_provider_lark.core.database.mysql_options import MYSQL, name_type

hitl_requests = Table(
    "lark_hitl_requests",
    metadata,
    Column("question_id", String(32), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("dag_id", name_type(ID_LENGTH), nullable=False),
    Column("run_id", name_type(ID_LENGTH), nullable=False),
    Column("task_id", name_type(ID_LENGTH), nullable=False),
    Column("map_index", Integer, nullable=False),
    # sealed, as tokens are
    Column("request", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("key_id", String(16)),
    # as Airflow writes it, which tells one asking of a task instance from the next
    Column("created_at", String(64)),
    Column("parked_ms", BigInteger, key="awaiting_since_ms"),
    Column("passed_ms", BigInteger),
    Column("looked_ms", BigInteger, nullable=False),
    Column("look_at_ms", BigInteger, nullable=False),
    # looks that failed in a row
    Column("attempts", Integer, nullable=False),
    Column("outcome", String(16)),
    # when its cards said how it ended
    Column("finished_ms", BigInteger),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_lark_hitl_requests_live", "app_id", "finished_ms", "look_at_ms"),
    **MYSQL,
)
