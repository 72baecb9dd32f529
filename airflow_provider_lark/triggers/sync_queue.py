"""The trigger behind a deferred SyncQueueBacklogSensor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import PermanentError
from airflow_provider_lark.hooks.backlog import BacklogCondition, read_backlog


class SyncQueueBacklogTrigger(BaseTrigger):
    """Polls the backlog until the condition holds, and fires one event.

    The event is ``{"status": "success", "backlog": {…}}``, or ``{"status": "error", "permanent": bool,
    "message": …}`` when the condition is impossible or polling failed too often in a row.

    :param sql_conn_id: connection of the database that holds ``sync_queue``.
    :param table_name: the mapping's SQL table; None counts all tables.
    :param condition: the sensor's limits by name.
    :param poll_interval_seconds: pause between two polls.
    :param exponential_backoff: double the pause after each poll, up to *max_wait_seconds*.
    :param max_wait_seconds: the longest pause; None for no limit.
    :param max_failures: consecutive failing polls after which it gives up; None leaves that to the task's timeout.
    """

    def __init__(
        self,
        *,
        sql_conn_id: str,
        condition: dict[str, float],
        table_name: str | None = None,
        poll_interval_seconds: float = 60.0,
        exponential_backoff: bool = False,
        max_wait_seconds: float | None = None,
        max_failures: int | None = 5,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.sql_conn_id = sql_conn_id
        self.condition = condition
        self.table_name = table_name
        self.poll_interval_seconds = poll_interval_seconds
        self.exponential_backoff = exponential_backoff
        self.max_wait_seconds = max_wait_seconds
        self.max_failures = max_failures
        self._clock = clock or SystemClock()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain values."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "sql_conn_id": self.sql_conn_id,
                "condition": self.condition,
                "table_name": self.table_name,
                "poll_interval_seconds": self.poll_interval_seconds,
                "exponential_backoff": self.exponential_backoff,
                "max_wait_seconds": self.max_wait_seconds,
                "max_failures": self.max_failures,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is one event to fire."""
        yield TriggerEvent(await self._wait())  # type: ignore[no-untyped-call]  # Airflow leaves it untyped

    async def _wait(self) -> dict[str, Any]:
        try:
            condition = BacklogCondition.read(**self.condition)
        except PermanentError as exc:
            return _failure(exc, permanent=True)
        failures = polls = 0
        while True:
            try:
                # reading a connection and a database blocks, which the triggerer's loop must not
                backlog = await asyncio.to_thread(read_backlog, self.sql_conn_id, self.table_name)
            except PermanentError as exc:
                return _failure(exc, permanent=True)
            except Exception as exc:  # noqa: BLE001 - any driver's error; counted, and reported when it persists
                failures += 1
                self.log.warning("polling the sync queue of %r failed: %s", self.sql_conn_id, type(exc).__name__)
                if self.max_failures is not None and failures >= self.max_failures:
                    return _failure(exc, permanent=False)
            else:
                failures = 0
                if condition.is_met(backlog):
                    return {"status": "success", "backlog": asdict(backlog)}
            await self._clock.sleep_async(self._pause_seconds(polls))
            polls += 1

    def _pause_seconds(self, polls: int) -> float:
        # a pause of zero would spin the triggerer's loop; the exponent is capped before it overflows
        pause = max(self.poll_interval_seconds, 1.0)
        if self.exponential_backoff:
            pause *= 2 ** min(polls, 20)
        return pause if self.max_wait_seconds is None else min(pause, max(self.max_wait_seconds, 1.0))


def _failure(exc: Exception, *, permanent: bool) -> dict[str, Any]:
    return {"status": "error", "permanent": permanent, "message": f"{type(exc).__name__}: {exc}"}
