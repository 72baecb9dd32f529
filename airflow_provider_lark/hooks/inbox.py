"""What Lark told an app by itself: the inbox in the database of its token store, and the door that fills it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.accounts import read_keyring
from airflow_provider_lark.hooks.database import sql_engine

if TYPE_CHECKING:
    from airflow_provider_lark.core.doors.web_app import Served
    from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
    from airflow_provider_lark.core.inbox.waiting import WaitingEvents
    from airflow_provider_lark.core.receiving.approval_door import CallbackSecrets
    from airflow_provider_lark.core.receiving.door import Door
    from airflow_provider_lark.hooks.lark import LarkHook


def open_served(conn_id: str) -> Served:
    """Return door and inbox of the app of a connection, whose tables are made.

    :raises LarkError: the connection cannot receive, or its inbox cannot be used.
    """
    from airflow_provider_lark.core.doors.web_app import Served
    from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor
    from airflow_provider_lark.hooks.lark import LarkHook

    hook = LarkHook(conn_id)
    inbox = open_inbox(hook)
    door = open_door(hook)
    approval_door = ApprovalDoor(hook.settings.app_id, approval_secrets(hook))
    # tables that cannot be made are said now, and not at the first event
    inbox.count()
    return Served(door, inbox, approval_door)


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


def open_inbox(hook: LarkHook) -> SqlInbox:
    """Return the inbox of the app; the database is not asked yet.

    :raises ConfigError: the connection names no token store, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key.
    """
    from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox

    settings = hook.settings
    conn_id = name_store(hook.lark_conn_id, settings.token_store_conn_id)
    return SqlInbox(sql_engine(conn_id), read_keyring(), settings.app_id)


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
