"""An Airflow connection becomes what wakes tasks through Redis, and what shares rate limits and users' ids there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import read_connection

if TYPE_CHECKING:
    from airflow_provider_lark.core.accounts.redis_rate_store import RedisRateStore
    from airflow_provider_lark.core.accounts.redis_user_cache import RedisUserCache
    from airflow_provider_lark.core.inbox.redis_bell import RedisBell
    from airflow_provider_lark.hooks.connections.lark import LarkSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

_TOLD: set[tuple[str, str]] = set()
# what this process has said of connections that cannot be used

TYPES = ("redis", "rediss", "generic")
"""The types of connection that are taken."""

_PORT = 6379
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_CHECKS = ("none", "optional", "required")
_YES, _NO = (True, "true", "1", 1), (None, False, "false", "0", 0, "")


def open_bell(conn_id: str, app_id: str) -> RedisBell:
    """Return what wakes whoever waits for the app's events; nothing is connected yet.

    :raises ConfigError: see :func:`read_redis`.
    """
    _need_package(conn_id)

    from airflow_provider_lark.core.inbox.redis_bell import RedisBell

    return RedisBell(read_redis(conn_id), app_id)


def open_rates(conn_id: str, host: str, app_id: str) -> RedisRateStore:
    """Return where the processes of an app share its rate limits; nothing is connected yet.

    :raises ConfigError: see :func:`read_redis`.
    """
    _need_package(conn_id)

    from airflow_provider_lark.core.accounts.redis_rate_store import RedisRateStore

    return RedisRateStore(read_redis(conn_id), host, app_id)


def open_users(conn_id: str, host: str, app_id: str) -> RedisUserCache:
    """Return where the processes of an app share whose an e-mail address or mobile number is; nothing is connected yet.

    :raises ConfigError: see :func:`read_redis`.
    """
    _need_package(conn_id)

    from airflow_provider_lark.core.accounts.redis_user_cache import RedisUserCache

    return RedisUserCache(read_redis(conn_id), host, app_id)


def open_if_usable(open_: Callable[[str, str, str], T], settings: LarkSettings, *, without: str) -> T | None:
    """Return what *open_* makes of the Redis connection that *settings* name; None where they name none.

    One that cannot be used is told once: work goes on without it.

    :param without: what is so without it, for people.
    """
    conn_id = settings.redis_conn_id
    if conn_id is None:
        return None
    try:
        return open_(conn_id, settings.host, settings.app_id)
    except ConfigError as exc:
        if (conn_id, without) not in _TOLD:
            _TOLD.add((conn_id, without))
            log.warning("%s: %s", without, exc.message)
        return None


def read_redis(conn_id: str) -> dict[str, Any]:
    """Return the arguments for :class:`redis.Redis`.

    The extra may hold ``db``, ``ssl`` and the ``ssl_…`` options of Airflow's Redis hook.

    :raises ConfigError: there is no such connection, it is none of Redis, or an option of it is impossible.
    """
    connection = read_connection(conn_id)
    where, kind = f"connection {conn_id!r}", connection.conn_type
    if kind not in TYPES:
        raise ConfigError(f"{where}: has type {kind!r}; expected a Redis connection of type {' or '.join(TYPES)}")
    if not connection.host:
        raise ConfigError(f"{where}: has no host; enter the host name of the Redis server")
    try:
        extra: Any = connection.extra_dejson
        db = int(extra.get("db") or connection.schema or 0)
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{where}: extra must be a JSON object in which db is a number") from None
    return {
        "host": connection.host,
        "port": connection.port or _PORT,
        "db": db,
        "username": connection.login or None,
        "password": connection.password or None,
        **_read_tls(extra, where, always=kind == "rediss"),
    }


def _read_tls(extra: dict[str, Any], where: str, *, always: bool) -> dict[str, Any]:
    """Return the options for TLS, none where it is not wanted."""
    said = extra.get("ssl")
    if said not in _YES and said not in _NO:
        raise ConfigError(f"{where}: ssl must be true or false")
    files = {name: extra[name] for name in _FILES if extra.get(name)}
    if said not in _YES and not always:
        if said is None and files:
            # a connection that was meant to be safe must not be plain
            raise ConfigError(f"{where}: has {next(iter(files))} but no ssl; set ssl to true, or to false for no TLS")
        return {}
    checks = extra.get("ssl_cert_reqs") or "required"
    if checks not in _CHECKS:
        raise ConfigError(f"{where}: ssl_cert_reqs must be one of {', '.join(_CHECKS)}")
    for name, path in files.items():
        if not isinstance(path, str) or not Path(path).is_file():
            raise ConfigError(f"{where}: {name} must be the path of a PEM file that exists on this machine")
    is_named = checks != "none" and extra.get("ssl_check_hostname") not in (False, "false")
    return {"ssl": True, "ssl_cert_reqs": checks, "ssl_check_hostname": is_named, **files}


def _need_package(conn_id: str) -> None:
    if find_spec("redis") is None:
        raise ConfigError(
            f"connection {conn_id!r}: Redis needs the package redis; install airflow-provider-lark[redis]"
        )
