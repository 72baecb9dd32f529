"""What the triggers behind deferred sensors share: poll, pause, count failures, fire one event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, PermanentError
from airflow_provider_lark.hooks.calls.calling import CallingHook

_TOLD_FIRST, _TOLD_EACH = 3, 60
"""Of polls that fail one after the other, which stand in the log."""

Poll = Callable[[], Awaitable[dict[str, Any] | None]]
"""Looks once; returns what a success event tells, None when the condition does not hold yet."""


class PollingTrigger(BaseTrigger):
    """Polls until a condition holds, and fires one event.

    The event is ``{"status": "success", …}``, or ``{"status": "error", "permanent": bool, "message": …}`` when a person
    has to change something, or polling failed too often in a row. Airflow logs it: it holds no cell.

    :param poll_interval_seconds: pause between two polls.
    :param exponential_backoff: double the pause after each poll, up to *max_wait_seconds*.
    :param max_wait_seconds: the longest pause; None for no limit.
    :param max_failures: consecutive failing polls after which it gives up; None leaves that to the task's timeout.
    """

    def __init__(
        self,
        *,
        poll_interval_seconds: float = 60.0,
        exponential_backoff: bool = False,
        max_wait_seconds: float | None = None,
        max_failures: int | None = 5,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.poll_interval_seconds = poll_interval_seconds
        self.exponential_backoff = exponential_backoff
        self.max_wait_seconds = max_wait_seconds
        self.max_failures = max_failures
        self._clock = clock or CallingHook.clock

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain values."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                **self._settings(),
                "poll_interval_seconds": self.poll_interval_seconds,
                "exponential_backoff": self.exponential_backoff,
                "max_wait_seconds": self.max_wait_seconds,
                "max_failures": self.max_failures,
            },
        )

    def __repr__(self) -> str:
        # Airflow's shows all arguments: what a filter looks for, and a proxy's password
        return f"<{type(self).__qualname__}>"

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return the arguments of the subclass's own."""

    @abstractmethod
    def _opened(self) -> AbstractAsyncContextManager[Poll]:
        """Open what the polls need, and give what polls."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is one event to fire."""
        yield TriggerEvent(await self._wait())  # type: ignore[no-untyped-call]  # Airflow leaves it untyped

    async def _wait(self) -> dict[str, Any]:
        try:
            async with self._opened() as poll:
                return await self._poll_until_done(poll)
        except PermanentError as exc:
            return _failure(exc, permanent=True)
        except Exception as exc:  # noqa: BLE001 - any driver's error; the task hears of it, and its retries decide
            return _failure(exc, permanent=False)

    async def _poll_until_done(self, poll: Poll) -> dict[str, Any]:
        failures = polls = 0
        failing_since = self._clock.monotonic()
        while True:
            try:
                told = await poll()
            except Exception as exc:
                failing_since = failing_since if failures else self._clock.monotonic()
                if isinstance(exc, PermanentError) and not self._outlasts(exc, self._clock.monotonic() - failing_since):
                    raise
                failures += 1
                if failures <= _TOLD_FIRST or failures % _TOLD_EACH == 0:
                    self.log.warning("poll %d failed (%d consecutive): %s", polls + 1, failures, _words_of(exc))
                if self.max_failures is not None and failures >= self.max_failures:
                    return _failure(
                        exc, permanent=False, said_before=f"{failures} consecutive polls failed; last error: "
                    )
            else:
                failures = 0
                if told is not None:
                    return {"status": "success", **told}
            await self._clock.sleep_async(self._pause_seconds(polls))
            polls += 1

    def _outlasts(self, error: PermanentError, failing_seconds: float) -> bool:
        """Whether it goes on polling, although a person has to change something; by default it does not."""
        return False

    def _pause_seconds(self, polls: int) -> float:
        # a pause of zero would spin the triggerer's loop; the exponent is capped before it overflows
        pause = max(self.poll_interval_seconds, 1.0)
        if self.exponential_backoff:
            pause *= 2 ** min(polls, 20)
        return pause if self.max_wait_seconds is None else min(pause, max(self.max_wait_seconds, 1.0))


def _words_of(exc: Exception) -> str:
    # another one's text may quote anything
    return f"{type(exc).__name__}: {exc}" if isinstance(exc, LarkError) else type(exc).__name__


def _failure(exc: Exception, *, permanent: bool, said_before: str = "") -> dict[str, Any]:
    return {"status": "error", "permanent": permanent, "message": f"{said_before}{type(exc).__name__}: {exc}"}
