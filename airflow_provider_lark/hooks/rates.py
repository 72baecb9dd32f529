"""Where the processes of an app share its rate limits: in Redis and the token store's database, or in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_lark.core.accounts.account_store import Accounts
    from airflow_provider_lark.core.api.calls.budget.store import RateStore
    from airflow_provider_lark.core.clock import Clock
    from airflow_provider_lark.hooks.connections.lark import LarkSettings


def open_rate_store(settings: LarkSettings, accounts: Accounts | None, clock: Clock) -> RateStore | None:
    """Return the store; nothing is asked yet.

    A Redis connection that cannot be used is told once: calls go on without it.
    """
    database = None if accounts is None else accounts.rate_store(settings.host, settings.app_id)
    if settings.redis_conn_id is None:
        return database

    from airflow_provider_lark.hooks.connections.redis import open_if_usable, open_rates

    first = open_if_usable(open_rates, settings, without="rate limits are not shared through Redis")
    if first is None:
        return database
    if database is None:
        return first

    from airflow_provider_lark.core.api.calls.budget.change import ChangingStore

    name = f"{settings.app_id} at {settings.host}"
    return ChangingStore(first, database, called="Redis", name=name, clock=clock)
