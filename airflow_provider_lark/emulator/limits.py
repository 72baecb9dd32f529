"""Rate limits: a token bucket per route and app (reference §1.5, §2.2)."""

from __future__ import annotations

import math
import threading

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError


class RateLimits:
    """Buckets that fill at the documented rate and hold one period's worth."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, target: str, app_id: str, *, most: int, period_seconds: float, status: int) -> None:
        """Take one call out of the bucket.

        :raises ApiError: 99991400 with ``x-ogw-ratelimit-limit`` and ``x-ogw-ratelimit-reset``.
        """
        rate = most / period_seconds
        now = self._clock.now()
        with self._lock:
            level, filled = self._buckets.get((target, app_id), (float(most), now))
            level = min(float(most), level + (now - filled) * rate)
            if level < 1:
                self._buckets[target, app_id] = (level, now)
                raise limited(most, max(1, math.ceil((1 - level) / rate)), status)
            self._buckets[target, app_id] = (level - 1, now)

    def clear(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._buckets.clear()


def limited(most: int, reset_seconds: int, status: int) -> ApiError:
    """99991400 with its headers; only the limited answer carries them (§1.5)."""
    headers = {"x-ogw-ratelimit-limit": str(most), "x-ogw-ratelimit-reset": str(reset_seconds)}
    return ApiError(99991400, "too many requests of this API", status=status, headers=headers)
