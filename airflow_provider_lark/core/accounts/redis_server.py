"""A Redis server for what workers share: it answers at once, or is down."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from airflow_provider_lark.core.errors import Unreachable

_ANSWER_SECONDS = 1.0


def connect(settings: Mapping[str, Any]) -> redis.Redis:
    """Return a client of the server; nothing is connected yet.

    :param settings: for :class:`redis.Redis`: host, port, db, username, password, ssl, ssl_ca_certs, …
    """
    return redis.Redis(
        **settings,
        socket_connect_timeout=_ANSWER_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )


def prefix_of(kind: str, host: str, app_id: str) -> str:
    """Return how the keys of an app begin; the braces keep them on one node of a cluster."""
    return f"lark:{kind}:{{{app_id}@{sha256(host.encode()).hexdigest()[:8]}}}:"


def unreachable(kind: str) -> Unreachable:
    """Return what a failure of the server means, to be raised outside the except block: frames of the driver hold the
    password in their locals.

    :param kind: of the driver's error.
    """
    return Unreachable(f"Redis failed ({kind}); check that it is running, its address, password and TLS settings")
