"""The emulator's own source of time, so that token life, lags and edit times can be driven by a test."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()  # noqa: TID251 - the emulator's one place

    def sleep(self, seconds: float) -> None:
        """Block for *seconds*."""
        time.sleep(seconds)  # noqa: TID251 - the emulator's one place


class ManualClock:
    """Stands still until it is told to move; sleeping moves it at once.

    >>> clock = ManualClock(1000.0)
    >>> clock.advance(5)
    >>> clock.now()
    1005.0
    """

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now = now
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch, as set."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by *seconds* without blocking."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on by *seconds*."""
        with self._lock:
            self._now += seconds
