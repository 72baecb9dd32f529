"""The tables of accounts, as the modules beside use them; :mod:`.migrations` creates them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table, Text

from airflow_provider_lark.core.stores.columns import MYSQL, name_type
from airflow_provider_lark.core.stores.dbtime import Now, timestamp_type

HOST_LENGTH = 250
SUBJECT_LENGTH = 128
LOOKUP_LENGTH = 320
"""Longest on MySQL; 320 is the longest e-mail address."""

metadata = MetaData()


def _host() -> Column[str]:
    return Column("host", name_type(HOST_LENGTH), primary_key=True)


def _app_id() -> Column[str]:
    return Column("app_id", String(64), primary_key=True)


tokens = Table(
    "tokens",
    metadata,
    _host(),
    _app_id(),
    Column("token_type", String(16), primary_key=True),
    Column("subject", name_type(SUBJECT_LENGTH), primary_key=True),
    # absent while the first one is being fetched, and after Lark refused it
    Column("token", Text),
    Column("token_expires_at", timestamp_type()),
    Column("refresh_token", Text),
    Column("refresh_expires_at", timestamp_type()),
    Column("scopes", Text),
    Column("key_id", String(16)),
    # from then on the row is of no use: the later one of the two ends above
    Column("expires_at", timestamp_type(), nullable=False, server_default=Now()),
    Column("claim_token", String(64)),
    Column("claim_until_ms", BigInteger),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_tokens_app_id", "app_id"),
    Index("idx_tokens_expires_at", "expires_at"),
    **MYSQL,
)

user_cache = Table(
    "user_cache",
    metadata,
    _host(),
    _app_id(),
    Column("lookup_type", String(10), primary_key=True),
    Column("lookup", name_type(LOOKUP_LENGTH), primary_key=True),
    Column("is_known", Boolean, nullable=False),
    Column("open_id", String(64)),
    Column("user_id", String(64)),
    Column("union_id", String(64)),
    Column("fetched_at", timestamp_type(), nullable=False, server_default=Now()),
    Column("expires_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_user_cache_expires_at", "expires_at"),
    **MYSQL,
)
