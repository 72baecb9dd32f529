"""The long connection of a Lark connection's app: what receives over it, and who has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.hooks.database import sql_engine
from airflow_provider_lark.hooks.receiving.inbox import name_store, open_delivery_store

if TYPE_CHECKING:
    from airflow_provider_lark.core.api import AsyncLarkClient
    from airflow_provider_lark.core.doors.long_connection.receiver import LongConnectionReceiver
    from airflow_provider_lark.core.inbox.connection import ConnectionLease
    from airflow_provider_lark.hooks.lark import LarkHook


def open_lease(hook: LarkHook) -> ConnectionLease:
    """Return what knows who has the app's long connection; the database is not asked yet.

    :raises ConfigError: the connection names no token store.
    """
    from airflow_provider_lark.core.inbox.connection import ConnectionLease

    settings = hook.settings
    return ConnectionLease(sql_engine(name_store(hook.lark_conn_id, settings.token_store_conn_id)), settings.app_id)


async def open_receiver(conn_id: str) -> LongConnectionReceiver:
    """Return what receives the app's events over its long connection; it belongs to the running event loop.

    :raises LarkError: the connection cannot receive, or its inbox cannot be used.
    """
    from airflow_provider_lark.core.doors.long_connection.receiver import LongConnectionReceiver
    from airflow_provider_lark.hooks.lark import LarkHook

    hook = LarkHook(conn_id)
    # reading a connection and making tables must not be waited for on the event loop
    store = await asyncio.to_thread(open_delivery_store, hook)
    lease = await asyncio.to_thread(open_lease, hook)
    return LongConnectionReceiver(
        hook.settings.app_id, open_client=lambda: _open_client(conn_id), inbox=store, lease=lease, clock=hook.clock
    )


async def _open_client(conn_id: str) -> AsyncLarkClient:
    """Return a client with what the connection says now: its secret may have been changed since."""
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_provider_lark.hooks.lark import LarkHook

    hook = LarkHook(conn_id)
    failed = ""
    try:
        await asyncio.to_thread(lambda: hook.settings)
        # no token is needed, and so no store of tokens
        return await hook.async_client(token_store=None)
    except LarkError:
        raise
    except SQLAlchemyError as exc:
        failed = type(exc).__name__
    raise Unreachable(
        f"connection {conn_id!r}: cannot be read from Airflow's database ({failed}); run `airflow db check`"
    )
