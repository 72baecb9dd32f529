"""The trigger behind a deferred SyncQueueBacklogSensor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from airflow_provider_lark.hooks.backlog import BacklogCondition, read_backlog
from airflow_provider_lark.triggers.polling import Poll, PollingTrigger


class SyncQueueBacklogTrigger(PollingTrigger):
    """Polls the backlog until the condition holds, and fires one event: ``{"status": "success", "backlog": {…}}``.

    :param sql_conn_id: connection of the database that holds ``sync_queue``.
    :param table_name: the mapping's SQL table; None counts all tables.
    :param condition: the sensor's limits by name.
    """

    def __init__(
        self, *, sql_conn_id: str, condition: dict[str, float], table_name: str | None = None, **polling: Any
    ) -> None:
        super().__init__(**polling)
        self.sql_conn_id = sql_conn_id
        self.condition = condition
        self.table_name = table_name

    def _settings(self) -> dict[str, Any]:
        return {"sql_conn_id": self.sql_conn_id, "condition": self.condition, "table_name": self.table_name}

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        condition = BacklogCondition.read(**self.condition)

        async def poll() -> dict[str, Any] | None:
            # reading a connection and a database blocks, which the triggerer's loop must not
            backlog = await asyncio.to_thread(read_backlog, self.sql_conn_id, self.table_name)
            return {"backlog": asdict(backlog)} if condition.is_met(backlog) else None

        yield poll
