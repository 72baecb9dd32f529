"""Rate limits: a token bucket per route, app and tenant (lark-api §1.5, §2.2)."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Protocol

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError


class Rate(Protocol):
    """So many calls in so many seconds."""

    @property
    def most(self) -> int:
        """Calls."""
        ...

    @property
    def period_seconds(self) -> float:
        """Seconds."""
        ...


class RateLimits:
    """Buckets that fill at the documented rate and hold one period's worth."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, float], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, target: str, owner: str, rates: Sequence[Rate], *, status: int) -> None:
        """Take one call out of the bucket of each rate, or none out of any.

        :param owner: whose buckets: an app in a tenant.
        :raises ApiError: 99991400 with ``x-ogw-ratelimit-limit`` and ``x-ogw-ratelimit-reset``.
        """
        now = self._clock.now()
        with self._lock:
            levels = [self._level(target, owner, rate, now) for rate in rates]
            for rate, level in zip(rates, levels, strict=True):
                if level < 1:
                    per_second = rate.most / rate.period_seconds
                    raise limited(rate.most, max(1, math.ceil((1 - level) / per_second)), status)
            for rate, level in zip(rates, levels, strict=True):
                self._buckets[target, owner, rate.period_seconds] = (level - 1, now)

    def _level(self, target: str, owner: str, rate: Rate, now: float) -> float:
        level, filled = self._buckets.get((target, owner, rate.period_seconds), (float(rate.most), now))
        return min(float(rate.most), level + (now - filled) * rate.most / rate.period_seconds)

    def clear(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._buckets.clear()


def limited(most: int, reset_seconds: int, status: int) -> ApiError:
    """99991400 with its headers; only the limited answer carries them (§1.5)."""
    headers = {"x-ogw-ratelimit-limit": str(most), "x-ogw-ratelimit-reset": str(reset_seconds)}
    return ApiError(99991400, "too many requests to this API", status=status, headers=headers)
