"""An Airflow connection becomes what wakes tasks through Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import read_connection

if TYPE_CHECKING:
    from airflow_provider_lark.core.inbox.redis_bell import RedisBell

TYPES = ("redis", "rediss", "generic")
"""The types of connection that are taken."""

_PORT = 6379


def open_bell(conn_id: str, app_id: str) -> RedisBell:
    """Return what wakes whoever waits for the app's events; nothing is connected yet.

    The extra may hold ``db``, ``ssl`` and ``ssl_ca_certs``, as Airflow's Redis hook reads them.

    :raises ConfigError: there is no such connection, it is none of Redis, or the extra ``redis`` is missing.
    """
    connection = read_connection(conn_id)
    where, kind = f"connection {conn_id!r}", connection.conn_type
    if kind not in TYPES:
        raise ConfigError(f"{where}: has type {kind!r}; expected a Redis connection of type {' or '.join(TYPES)}")
    if not connection.host:
        raise ConfigError(f"{where}: has no host; enter the host name of the Redis server")
    try:
        from airflow_provider_lark.core.inbox.redis_bell import RedisBell
    except ImportError as exc:
        raise ConfigError(f"{where}: Redis needs the package redis; install airflow-provider-lark[redis]") from exc
    try:
        extra: Any = connection.extra_dejson
        db = int(extra.get("db") or connection.schema or 0)
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{where}: extra must be a JSON object in which db is a number") from None
    settings: dict[str, Any] = {
        "host": connection.host,
        "port": connection.port or _PORT,
        "db": db,
        "username": connection.login or None,
        "password": connection.password or None,
    }
    if kind == "rediss" or extra.get("ssl") is True:
        settings |= {"ssl": True, "ssl_ca_certs": extra.get("ssl_ca_certs") or None}
    return RedisBell(settings, app_id)
