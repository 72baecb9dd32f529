"""The clocks of tests: nobody waits on them. And the wait for others, which ends with what is waited for."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_lark.core.clock import SystemClock


class JumpingClock(SystemClock):
    """The real time, plus every second that somebody wanted to sleep.

    A wait that only returned would leave whoever repeats for two minutes repeating for two minutes.
    """

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_seconds

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_seconds

    def sleep(self, seconds: float) -> None:
        self.ahead_seconds += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class RecordedClock(JumpingClock):
    """Notes how long the event loop would have paused, and lets something happen in each pause.

    :param during: called with the pause's number.
    """

    def __init__(self, during: Callable[[int], object] = lambda _: None) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.during = during

    async def sleep_async(self, seconds: float) -> None:
        await super().sleep_async(seconds)
        self.pauses.append(seconds)
        self.during(len(self.pauses))


def wait_until(is_so: Callable[[], object], *, pause_seconds: float = 0.02) -> None:
    """Wait for what another thread or process does; the machine may be slow."""
    clock = SystemClock()
    give_up = clock.monotonic() + 180
    while not is_so():
        assert clock.monotonic() < give_up
        clock.sleep(pause_seconds)
