"""What every test may use: real databases of each kind. And what every test gets: a process that knows no app yet."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ("tests.databases",)


@pytest.fixture(autouse=True)
def _forget_apps() -> None:
    """Let no test meet the token of another's emulator, which may have had the same port."""
    shared = sys.modules.get("airflow_provider_lark.core.api.calls.app_state")
    if shared is not None:
        shared._STATES.clear()


@pytest.fixture
def time_flies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the waits of the machine's clock pass at once, and the clock show that they have passed.

    A wait that only returned would leave whoever repeats for two minutes repeating for two minutes.
    """
    from airflow_provider_lark.core.clock import SystemClock

    now, monotonic = SystemClock.now, SystemClock.monotonic
    ahead = 0.0

    def sleep(_: SystemClock, seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    async def sleep_async(clock: SystemClock, seconds: float) -> None:
        sleep(clock, seconds)

    monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + ahead)
    monkeypatch.setattr(SystemClock, "monotonic", lambda clock: monotonic(clock) + ahead)
    monkeypatch.setattr(SystemClock, "sleep", sleep)
    monkeypatch.setattr(SystemClock, "sleep_async", sleep_async)
