"""A stop request from outside, for example from a signal handler: work ends between two calls, never within one.

What a call did is noted by the caller before its next one, so nothing is left half-known, and leases are given back on
the way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.errors import Stopped

_SLICE_SECONDS = 0.2
"""How long a wait may go on after the word."""


class StopFlag:
    """Set once; a client that has it makes no further call.

    A plain attribute: the handler of a signal must not wait for a lock that the interrupted code may hold.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._is_finishing = False

    def set(self) -> None:
        """Tell whoever works to stop."""
        self._is_set = True

    def check(self) -> None:
        """Return when the work may go on.

        :raises Stopped: it may not.
        """
        if self._is_set and not self._is_finishing:
            raise Stopped("stopped on request; completed work is recorded, and the next run continues from there")

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let the calls of the block be made all the same: without them, earlier ones would be in vain."""
        self._is_finishing = True
        try:
            yield
        finally:
            self._is_finishing = False

    def sleep(self, clock: Clock, seconds: float) -> None:
        """Wait on *clock*, in slices: a signal's handler runs in between, but does not end a wait.

        :raises Stopped: the word came.
        """
        end = clock.monotonic() + seconds
        while (left := end - clock.monotonic()) > 0:
            self.check()
            clock.sleep(min(left, _SLICE_SECONDS))


class StoppableClock:
    """A clock, by default the machine's, whose waits end when *stop* is set."""

    def __init__(self, stop: StopFlag, clock: Clock = SYSTEM_CLOCK) -> None:
        self._stop = stop
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for *seconds*.

        :raises Stopped: the word came.
        """
        self._stop.sleep(self._clock, seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait for *seconds* without blocking the event loop; nothing ends it."""
        await self._clock.sleep_async(seconds)
