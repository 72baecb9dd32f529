"""The table of cards on which people decide what a sync leaves to them; of the same set as :mod:`.tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.accounts.tables import metadata
from airflow_provider_lark.core.database.dbtime import Now, timestamp_type
from airflow_provider_lark.core.database.mysql_options import MYSQL

# a card on which people decide what a sync leaves to them: one a mapping and chat
decision_cards = Table(
    "lark_decision_cards",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("place", String(64), nullable=False),
    # sealed, as tokens are
    Column("content", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("key_id", String(16)),
    # what is to be shown, and what of it the message shows
    Column("version", BigInteger, nullable=False),
    Column("shown_version", BigInteger, nullable=False),
    # stands here before the message is sent
    Column("uuid", String(50)),
    Column("begun_at_ms", BigInteger),
    Column("message_id", String(64)),
    Column("chat_id", String(64)),
    Column("sent_at_ms", BigInteger),
    # since when nothing is left to decide
    Column("closed_at_ms", BigInteger),
    # the task that looked at it last, and for which table of Lark
    Column("owner", String(64)),
    Column("lark_table", String(64)),
    Column("looked_at_ms", BigInteger),
    Column("claim_token", String(64)),
    Column("claim_until_ms", BigInteger),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_lark_decision_cards_place", "app_id", "place", unique=True),
    **MYSQL,
)
