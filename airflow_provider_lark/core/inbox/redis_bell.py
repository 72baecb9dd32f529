"""Wake-ups through Redis: whoever waits for an entry of the inbox is told at once when one arrives.

Only that something came is told, by the digest of what it concerns; the entry stands in the inbox. A wake-up that is
lost costs the time until the next look, and Redis that is down costs what it costs without Redis.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from airflow_provider_lark.core.clock import Clock, SystemClock

log = logging.getLogger(__name__)

QUEUED_MAX = 1000
"""So many wake-ups wait to be sent; more are dropped, since who hears one looks at everything."""

AGAIN_SECONDS = 5.0
"""So long a Redis that failed is left alone."""

_ANSWER_SECONDS = 1.0


class RedisBell:
    """Rings for the entries of one app; safe to share between threads. Ringing never waits and never fails.

    :param settings: for :class:`redis.Redis`: host, port, db, username, password, ssl, ssl_ca_certs.
    """

    def __init__(self, settings: Mapping[str, Any], app_id: str, *, clock: Clock | None = None) -> None:
        self._redis = redis.Redis(
            **settings,
            socket_connect_timeout=_ANSWER_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            # once more, for a connection that was closed while it rested; the default goes on for half a minute
            retry=Retry(NoBackoff(), 1),
        )
        self._app_id = app_id
        self._clock = clock or SystemClock()
        self._queue: queue.Queue[str] = queue.Queue(QUEUED_MAX)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ring(self, subjects: Iterable[str]) -> None:
        """Wake whoever listens for one of *subjects*."""
        with self._lock:
            for subject in dict.fromkeys(subjects):
                if self._queue.full():
                    break
                self._queue.put_nowait(_channel(self._app_id, subject))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._send, name="lark-bell", daemon=True)
                self._thread.start()

    def listen(self, subject: str) -> RedisEar:
        """Return what hears of *subject*; nothing is connected yet."""
        return RedisEar(self._redis, _channel(self._app_id, subject), self._clock)

    def _send(self) -> None:
        """Send what waits, then end: a receiver that reads its connection anew leaves no thread behind."""
        is_down = False
        while (channel := self._next()) is not None:
            try:
                self._redis.publish(channel, b"")
                is_down = False
            except (redis.RedisError, OSError) as exc:
                if not is_down:
                    log.warning(
                        "Redis failed (%s), so new events wake nobody and are found by looking", type(exc).__name__
                    )
                is_down = True
                self._clock.sleep(AGAIN_SECONDS)
                self._drop()

    def _next(self) -> str | None:
        with self._lock:
            if self._queue.empty():
                self._thread = None
                return None
            return self._queue.get_nowait()

    def _drop(self) -> None:
        """Forget what waits: nobody could hear it, and who listens again looks first."""
        with self._lock:
            while not self._queue.empty():
                self._queue.get_nowait()


class RedisEar:
    """Hears of one subject; belongs to one thread."""

    def __init__(self, client: redis.Redis, channel: str, clock: Clock) -> None:
        self._redis = client
        self._channel = channel
        self._clock = clock
        self._listening: Any = None
        self._failed_at: float | None = None

    def wait(self, seconds: float) -> bool:
        """Wait until something has come, or *seconds* have passed.

        Returns at once where it has just begun to listen: what came before, nobody heard.

        :returns: False, at once, where Redis is down: the caller waits by itself.
        """
        now = self._clock.monotonic()
        if self._failed_at is not None and now - self._failed_at < AGAIN_SECONDS:
            return False
        try:
            if self._listening is None:
                self._listening = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis leaves it untyped
                self._listening.subscribe(self._channel)
            else:
                self._hear(now + seconds)
        except (redis.RedisError, OSError) as exc:
            if self._failed_at is None:
                log.warning("Redis failed (%s), so the inbox is looked at instead", type(exc).__name__)
            self._failed_at = now
            self.close()
            return False
        self._failed_at = None
        return True

    def _hear(self, end: float) -> None:
        while (left := end - self._clock.monotonic()) > 0:
            if self._listening.get_message(timeout=left) is not None:
                # one look finds all that has come
                while self._listening.get_message(timeout=0) is not None:
                    continue
                return

    def close(self) -> None:
        """Stop listening."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()


def _channel(app_id: str, subject: str) -> str:
    # a subject names a base, which is nobody's business in Redis
    return f"lark:inbox:{app_id}:{hashlib.sha256(subject.encode('utf-8', 'replace')).hexdigest()[:24]}"
