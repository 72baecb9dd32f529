"""Pacing: a token bucket per route and app, under the documented quota.

A bucket holds a fifth of the quota and refills at four fifths, so that no window of the quota's length sees more
calls than the quota allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

_BURST_SHARE = 0.2
_BUCKETS_MAX = 4096
"""Above so many buckets the idle ones are forgotten: there is one for each chat that was written to."""


@dataclass(frozen=True, slots=True)
class Quota:
    """*calls* in *seconds*, as the documents state it; *burst* where they also limit the calls of one second."""

    calls: int
    seconds: float = 1.0
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """What has a pace of its own beside that of its route: a chat, which takes so many messages a second."""

    name: str
    quota: Quota


class Bucket:
    """A token bucket that may run into debt: whoever takes when it is empty is told how long to wait."""

    def __init__(self, quota: Quota, *, share: float = 1.0) -> None:
        calls = quota.calls * share
        self._capacity = max(1.0, min(calls, (quota.burst or quota.calls) * share) * _BURST_SHARE)
        self._per_second = max(calls - self._capacity, calls * _BURST_SHARE) / quota.seconds
        self._tokens = self._capacity
        self._updated: float | None = None

    def take(self, now: float, *, patience_seconds: float) -> float | None:
        """Take one call and return the seconds to wait before it; None, with nothing taken, beyond *patience_seconds*.

        :param now: seconds of a monotonic clock.
        """
        self._refill(now)
        wait_seconds = max(0.0, 1.0 - self._tokens) / self._per_second
        if wait_seconds > patience_seconds:
            return None
        self._tokens -= 1.0
        return wait_seconds

    def pause(self, now: float, seconds: float) -> None:
        """Let no call pass for *seconds*: the server said so."""
        self._refill(now)
        self._tokens = min(self._tokens, 1.0 - seconds * self._per_second)

    def is_full(self, now: float) -> bool:
        """Tell whether it has been idle so long that a new one would be the same."""
        self._refill(now)
        return self._tokens >= self._capacity

    def _refill(self, now: float) -> None:
        if self._updated is not None:
            gained = max(0.0, now - self._updated) * self._per_second
            self._tokens = min(self._capacity, self._tokens + gained)
        self._updated = now


class RateLimiter:
    """The buckets of one app, safe to share between threads.

    :param share: the part of the quota that this process may use: all workers of an app share one quota.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._buckets: dict[tuple[str, float], Bucket] = {}

    def take(
        self, route: str, quota: Quota | None, now: float, *, share: float | None, patience_seconds: float
    ) -> float | None:
        """Take one call of *route*; see :meth:`Bucket.take`. No *quota* or no *share*: never a wait."""
        if quota is None or share is None:
            return 0.0
        with self._lock:
            bucket = self._buckets.get((route, share))
            if bucket is None:
                self._forget_idle(now)
                bucket = self._buckets[route, share] = Bucket(quota, share=share)
            return bucket.take(now, patience_seconds=patience_seconds)

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) >= _BUCKETS_MAX:
            self._buckets = {key: each for key, each in self._buckets.items() if not each.is_full(now)}

    def pause(self, route: str, now: float, seconds: float) -> None:
        """Let no call of *route* pass for *seconds*."""
        with self._lock:
            for (known, _), bucket in self._buckets.items():
                if known == route:
                    bucket.pause(now, seconds)
