"""The tables of accounts, as the modules beside use them; :mod:`.migrations` creates them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.database.dbtime import Now, timestamp_type
from airflow_provider_lark.core.database.mysql_options import MYSQL, name_type

HOST_LENGTH = 250
SUBJECT_LENGTH = 128
LOOKUP_LENGTH = 320
"""Longest on MySQL; 320 is the longest e-mail address."""
ID_LENGTH = 250
"""Of a DAG, run or task: Airflow's own limit."""
EVENT_LENGTH = 128
"""Longest type and id of an event on MySQL; Lark's longest have 60 characters."""

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


def _facts() -> Column[str]:
    # of MySQL's TEXT a card in escaped JSON would take it all
    return Column("facts", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False)


# a card that stands for all failures of a run, or of a task of a run
alert_cards = Table(
    "alert_cards",
    metadata,
    Column("card_id", String(64), primary_key=True),
    Column("host", name_type(HOST_LENGTH), nullable=False),
    Column("app_id", String(64), nullable=False),
    Column("receiver", name_type(LOOKUP_LENGTH), nullable=False),
    Column("receiver_type", String(16)),
    Column("dag_id", name_type(ID_LENGTH), nullable=False),
    Column("run_id", name_type(ID_LENGTH), nullable=False),
    # absent: of the whole run
    Column("task_id", name_type(ID_LENGTH)),
    _facts(),
    Column("run_state", String(16)),
    Column("red_since_ms", BigInteger),
    Column("green_at_ms", BigInteger),
    # what was noted, and what of it the card shows
    Column("version", BigInteger, nullable=False),
    Column("shown_version", BigInteger, nullable=False),
    # stands here before the first card is sent
    Column("uuid", String(50)),
    Column("begun_at_ms", BigInteger),
    Column("message_id", String(64)),
    Column("sent_at_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("claim_token", String(64)),
    Column("claim_until_ms", BigInteger),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_alert_cards_updated_at", "updated_at"),
    **MYSQL,
)

alert_tasks = Table(
    "alert_tasks",
    metadata,
    Column("card_id", String(64), primary_key=True),
    Column("task_id", name_type(ID_LENGTH), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("try_number", Integer, nullable=False),
    _facts(),
    # of the card, when it was noted: which came first
    Column("version", BigInteger, nullable=False),
    **MYSQL,
)

# what a task asked people, on cards or in the approval centre, and how it was decided
questions = Table(
    "lark_questions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("app_id", String(64), nullable=False),
    # the same for all tries of a task; each time that is asked anew is a round
    Column("question_key", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("mark", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    # sealed, as tokens are
    Column("terms", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("key_id", String(16)),
    Column("decision", name_type(ID_LENGTH)),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("sent_at_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
    Column("closed_at_ms", BigInteger),
    Column("collected_at_ms", BigInteger),
    Column("shown_at_ms", BigInteger),
    # reminders and escalations that were made
    Column("reminders", Integer, nullable=False),
    # of the newest push to the approval centre: it only grows
    Column("pushed_ms", BigInteger),
    # of the run that carries out what was decided; until it has ended, nobody takes that back
    Column("taken_token", String(64)),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_lark_questions_key", "app_id", "question_key", "round", unique=True),
    Index("idx_lark_questions_updated_at", "updated_at"),
    **MYSQL,
)

# the cards that ask a question; one card may ask several, one after the other
question_cards = Table(
    "lark_question_cards",
    metadata,
    Column("question_id", String(32), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("chat_id", String(64), nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
    Index("idx_lark_question_cards_message_id", "message_id"),
    **MYSQL,
)

# every click on a question, those that were refused too
answers = Table(
    "lark_answers",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("question_id", String(32), nullable=False),
    Column("message_id", name_type(EVENT_LENGTH), nullable=False),
    Column("event_id", name_type(EVENT_LENGTH), nullable=False),
    Column("open_id", name_type(EVENT_LENGTH), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("clicked_ms", BigInteger, nullable=False),
    Column("answered_at", timestamp_type(), nullable=False, server_default=Now()),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(16), nullable=False),
    # sealed, as tokens are
    Column("body", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("key_id", String(16)),
    Index("idx_lark_answers_question_id", "question_id"),
    Index("idx_lark_answers_answered_at", "answered_at"),
    **MYSQL,
)

# what Lark told an app, until it is handled
inbox = Table(
    "lark_inbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("event_type", name_type(EVENT_LENGTH), nullable=False),
    Column("event_id", name_type(EVENT_LENGTH), nullable=False),
    # the table or the message that it concerns
    Column("subject", name_type(EVENT_LENGTH)),
    # sealed, as tokens are
    Column("body", Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"), nullable=False),
    Column("key_id", String(16)),
    Column("received_at", timestamp_type(), nullable=False, server_default=Now()),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_ms", BigInteger),
    Column("claim_token", String(64)),
    Column("claim_until_ms", BigInteger),
    Column("error", Text),
    Column("finished_at", timestamp_type()),
    Index("idx_lark_inbox_status", "status", "app_id", "id"),
    # who waits for a card, a table or a type of event looks every second or two, past what nobody handles
    Index("idx_lark_inbox_subject", "app_id", "subject", "status"),
    Index("idx_lark_inbox_event_type", "app_id", "event_type", "status"),
    Index("idx_lark_inbox_finished_at", "finished_at"),
    **MYSQL,
)

# what makes two deliveries the same one; kept longer than Lark delivers again
inbox_identities = Table(
    "lark_inbox_identities",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("inbox_id", BigInteger, nullable=False),
    Column("seen_at", timestamp_type(), nullable=False, server_default=Now()),
    Index("idx_lark_inbox_identities_seen_at", "seen_at"),
    **MYSQL,
)

# who has an app's long connection, and how often one was made
connections = Table(
    "lark_connections",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("connected_at", timestamp_type()),
    **MYSQL,
)

# how the processes of an app divide its rate limits among them: an entry for each limit of each route
rate_limits = Table(
    "lark_rate_limits",
    metadata,
    _host(),
    _app_id(),
    Column("name", name_type(ID_LENGTH), primary_key=True),
    Column("entry", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("updated_at", timestamp_type(), nullable=False, server_default=Now()),
    **MYSQL,
)
