"""The inbox of a Lark connection, in the database of its token store, and the door that fills it.

With a RabbitMQ connection, the door fills a queue, from which a pump fills the inbox.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.accounts import read_keyring
from airflow_provider_lark.hooks.connections.rabbitmq import open_broker
from airflow_provider_lark.hooks.connections.redis import open_bell
from airflow_provider_lark.hooks.database import sql_engine
from airflow_provider_lark.hooks.receiving.background import keep_running
from airflow_provider_lark.hooks.receiving.questions import open_questions

if TYPE_CHECKING:
    from airflow_provider_lark.core.doors.web_app import Served
    from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore
    from airflow_provider_lark.core.inbox.rabbitmq.publisher import RabbitMQInbox
    from airflow_provider_lark.core.inbox.rabbitmq.queues import AppQueues
    from airflow_provider_lark.core.inbox.redis_bell import RedisBell
    from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
    from airflow_provider_lark.core.inbox.waiting import WaitingEvents
    from airflow_provider_lark.core.receiving.approval_door import CallbackSecrets
    from airflow_provider_lark.core.receiving.door import Door
    from airflow_provider_lark.hooks.lark import LarkHook


def open_served(conn_id: str) -> Served:
    """Return door and inbox of the app of a connection, whose tables are made.

    With RabbitMQ, the queues are declared instead, and this process moves what comes there to the inbox until it ends.

    :raises LarkError: the connection cannot receive, or its inbox cannot be used.
    """
    from airflow_provider_lark.core.doors.web_app import Served
    from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor
    from airflow_provider_lark.core.receiving.feed_door import FeedDoor
    from airflow_provider_lark.hooks.lark import LarkHook

    hook = LarkHook(conn_id)
    door = open_door(hook)
    settings = hook.settings
    approval_door = ApprovalDoor(settings.app_id, approval_secrets(hook))
    feed_door = FeedDoor(settings.app_id, settings.app_secret)
    return Served(door, open_delivery_store(hook), approval_door, feed_door)


def open_delivery_store(hook: LarkHook) -> AsyncDeliveryStore:
    """Return the store for deliveries to the app; its tables, or with RabbitMQ its queues, are created.

    :raises LarkError: the inbox cannot be used.
    """
    from airflow_provider_lark.core.inbox.group_commit import WRITERS, GroupCommit
    from airflow_provider_lark.core.inbox.retention import Upkeep
    from airflow_provider_lark.core.questions.desk import DECIDERS, PATIENCE, Desk

    store = name_store(hook.lark_conn_id, hook.settings.token_store_conn_id)
    keep_running("upkeep", store, None, lambda: Upkeep(lambda: sql_engine(store)))
    questions = open_questions(hook, kept_open=DECIDERS)
    if hook.settings.rabbitmq_conn_id is not None:
        # the queue takes clicks too, while the database that decides about them is down
        return Desk(GroupCommit(_open_queue(hook)), questions, patience=PATIENCE)
    inbox = open_inbox(hook, kept_open=WRITERS)
    # tables that cannot be made are said now, and not at the first event
    inbox.check()
    return Desk(GroupCommit(inbox), questions)


def approval_secrets(hook: LarkHook) -> CallbackSecrets:
    """Return what the approval centre has to show when it calls back.

    :raises ConfigError: the connection has neither an Encrypt Key nor a verification token.
    """
    from airflow_provider_lark.core.receiving.approval_door import callback_secrets

    settings = hook.settings
    try:
        return callback_secrets(
            settings.app_id,
            encrypt_key=settings.event_encrypt_key,
            verification_token=settings.event_verification_token,
        )
    except ConfigError as exc:
        raise ConfigError(f"connection {hook.lark_conn_id!r}: {exc.message}") from None


def open_inbox(hook: LarkHook, *, kept_open: int = 0) -> SqlInbox:
    """Return the inbox of the app; the database is not asked yet.

    :param kept_open: as for :func:`.sql_engine`; the others wait for one of them.
    :raises ConfigError: the connection names no token store, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key.
    """
    from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox

    settings = hook.settings
    conn_id = name_store(hook.lark_conn_id, settings.token_store_conn_id)
    bell = find_bell(hook)
    announce = None if bell is None else bell.ring
    engine = sql_engine(conn_id, kept_open=kept_open)
    inbox = SqlInbox(engine, read_keyring(), settings.app_id, announce=announce)
    # a receiver reads its connection anew every minute, and lets go of what it had
    weakref.finalize(inbox, engine.dispose)
    return inbox


def find_bell(hook: LarkHook) -> RedisBell | None:
    """Return what wakes whoever waits for the app's events, None without Redis; nothing is asked yet.

    :raises ConfigError: the Redis connection cannot be used.
    """
    conn_id = hook.settings.redis_conn_id
    return None if conn_id is None else open_bell(conn_id, hook.settings.app_id)


def _open_queue(hook: LarkHook) -> RabbitMQInbox:
    from airflow_provider_lark.core.inbox.rabbitmq.publisher import RabbitMQInbox
    from airflow_provider_lark.core.inbox.rabbitmq.pump import Pump
    from airflow_provider_lark.core.questions.desk import LateDesk

    settings, inbox = hook.settings, open_inbox(hook, kept_open=1)
    target = LateDesk(inbox, open_questions(hook, kept_open=1))
    broker, keyring = open_broker(settings.rabbitmq_conn_id or ""), read_keyring()
    queue = RabbitMQInbox(broker, keyring, settings.app_id)
    queue.prepare()
    # that the database is down now, or its tables not made, is for the pump to cope with
    source = (broker.address, keyring.key_ids, settings.app_id, inbox.where)
    keep_running("pump", hook.lark_conn_id, source, lambda: Pump(broker, keyring, settings.app_id, target))
    return queue


def find_queue(hook: LarkHook) -> AppQueues | None:
    """Return what tells of the app's queues, None without RabbitMQ; nothing is asked yet.

    :raises ConfigError: the RabbitMQ connection cannot be used.
    """
    if hook.settings.rabbitmq_conn_id is None:
        return None
    broker = open_broker(hook.settings.rabbitmq_conn_id)

    from airflow_provider_lark.core.inbox.rabbitmq.queues import AppQueues

    return AppQueues(broker, hook.settings.app_id)


def name_store(lark_conn_id: str, store_conn_id: str | None) -> str:
    """Return the SQL connection of the database that holds the inbox.

    :raises ConfigError: the Lark connection names none.
    """
    if store_conn_id is None:
        raise ConfigError(
            f"connection {lark_conn_id!r}: has no token store, which also holds the inbox for its events; set "
            "store_conn_id to a SQL connection"
        )
    return store_conn_id


def open_door(hook: LarkHook) -> Door:
    """Return what lets in what Lark sends to the app.

    :raises ConfigError: the connection has neither an Encrypt Key nor a verification token.
    """
    from airflow_provider_lark.core.receiving.door import Door

    settings = hook.settings
    try:
        return Door(
            settings.app_id,
            encrypt_key=settings.event_encrypt_key,
            verification_token=settings.event_verification_token,
        )
    except ConfigError as exc:
        raise ConfigError(f"connection {hook.lark_conn_id!r}: {exc.message}") from None


def open_waiting(hook: LarkHook, types: Sequence[str]) -> WaitingEvents:
    """Return what looks for events that wait in the inbox; the database is not asked yet.

    :raises ConfigError: the connection names no token store.
    """
    from airflow_provider_lark.core.inbox.waiting import WaitingEvents

    settings = hook.settings
    conn_id = name_store(hook.lark_conn_id, settings.token_store_conn_id)
    return WaitingEvents(sql_engine(conn_id), settings.app_id, types)
