"""Where the workers of an app share whose an e-mail address or mobile number is: in Redis, until it expires there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import redis

from airflow_provider_lark.core.accounts.redis_server import connect, prefix_of, unreachable
from airflow_provider_lark.core.accounts.user_cache import ID_TYPES, KnownUser, UserKey


class RedisUserCache:
    """See :class:`.UserCache`; safe to share between threads.

    Addresses and numbers are kept as digests, so that whoever lists the keys reads none.

    :param settings: as for :func:`.redis_server.connect`.
    """

    def __init__(self, settings: Mapping[str, Any], host: str, app_id: str) -> None:
        self._redis = connect(settings)
        self._prefix = prefix_of("users", host, app_id)

    def read(self, keys: Sequence[UserKey], *, now: float) -> dict[UserKey, KnownUser]:
        """Return what is known of *keys*.

        :raises Unreachable: the server does not answer.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.get(self._name(key))
            pipeline.pttl(self._name(key))
        answers = self._send(pipeline)
        found = {key: _read(answers[2 * n], answers[2 * n + 1], now) for n, key in enumerate(keys)}
        return {key: user for key, user in found.items() if user is not None}

    def write(self, users: Mapping[UserKey, KnownUser], *, now: float) -> None:
        """Keep *users*.

        :raises Unreachable: the server does not answer.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for key, user in users.items():
            left_ms = int((user.expires_at - now) * 1000)
            if left_ms > 0:
                pipeline.set(self._name(key), json.dumps(dict(user.ids)), px=left_ms)
        self._send(pipeline)

    def _send(self, pipeline: Any) -> list[Any]:
        try:
            return list(pipeline.execute())
        except (redis.RedisError, OSError) as exc:
            kind = type(exc).__name__
        raise unreachable(kind)

    def _name(self, key: UserKey) -> str:
        return self._prefix + sha256("\0".join(key).encode()).hexdigest()


def _read(text: str | None, left_ms: int, now: float) -> KnownUser | None:
    """Return what an entry says; None where there is none, or it is none of ours."""
    try:
        ids = json.loads(text or "")
    except ValueError:
        return None
    if (
        left_ms <= 0
        or not isinstance(ids, dict)
        or not all(id_ is None or isinstance(id_, str) for id_ in ids.values())
    ):
        return None
    return KnownUser({each: ids[each] for each in ID_TYPES if each in ids}, now + left_ms / 1000)
