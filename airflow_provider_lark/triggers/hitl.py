"""The trigger that carries answers from Lark to tasks that wait in Airflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow_provider_lark.triggers.polling import Poll, PollingTrigger


class LarkHITLBridgeTrigger(PollingTrigger):
    """Looks at the tasks that ask in Lark until its time is over, and fires once.

    The success event is ``{"status": "success", "counts": {…}}``: how many ended, by outcome. Another triggerer that
    takes over goes on: what is to be done stands in the database.

    :param lark_conn_id: connection of type ``lark``.
    :param airflow_conn_id: connection to Airflow's REST API.
    :param until_ms: when its time is over, UTC milliseconds.
    :param calls: how calls to Lark go, where otherwise than the connection says: the parameters of a hook by name.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        airflow_conn_id: str,
        until_ms: int,
        calls: dict[str, Any] | None = None,
        **polling: Any,
    ) -> None:
        super().__init__(**polling)
        self.calls = calls
        self.lark_conn_id = lark_conn_id
        self.airflow_conn_id = airflow_conn_id
        self.until_ms = until_ms

    def _settings(self) -> dict[str, Any]:
        return {
            "lark_conn_id": self.lark_conn_id,
            "airflow_conn_id": self.airflow_conn_id,
            "until_ms": self.until_ms,
            "calls": self.calls,
        }

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        from airflow_provider_lark.hooks.hitl.bridge import HitlBridge

        # masking asks the supervisor, which must not be waited for on the event loop; and databases block
        bridge = await asyncio.to_thread(HitlBridge.open, self.lark_conn_id, self.airflow_conn_id, self.calls)

        async def poll() -> dict[str, Any] | None:
            await asyncio.to_thread(bridge.look)
            is_over = self._clock.now() * 1000 >= self.until_ms
            return {"counts": dict(bridge.counts)} if is_over else None

        try:
            yield poll
        finally:
            bridge.close()
