"""The trigger behind a deferred BitableRecordSensor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow_provider_lark.hooks.record_condition import RecordCondition
from airflow_provider_lark.triggers.polling import Poll, PollingTrigger


class BitableRecordTrigger(PollingTrigger):
    """Searches a table until enough records meet the filter, one call a poll.

    The success event is ``{"status": "success", "app_token", "table_id", "total", "record_ids"}``. The records
    themselves are read by the task: Airflow logs events.

    :param lark_conn_id: connection of type ``lark``.
    :param filter: in Lark's form.
    :param condition: the sensor's limits by name.
    :param field_names: one field is enough to learn of the records.
    :param limit: at most so many ids.
    :param calls: how calls go, where otherwise than the connection says: the parameters of a hook by name.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        app_token: str,
        table_id: str,
        filter: dict[str, Any],
        condition: dict[str, int | None],
        field_names: list[str],
        limit: int = 10,
        calls: dict[str, Any] | None = None,
        **polling: Any,
    ) -> None:
        super().__init__(**polling)
        self.lark_conn_id = lark_conn_id
        self.app_token = app_token
        self.table_id = table_id
        self.filter = filter
        self.condition = condition
        self.field_names = field_names
        self.limit = limit
        self.calls = calls

    def _settings(self) -> dict[str, Any]:
        return {
            "lark_conn_id": self.lark_conn_id,
            "app_token": self.app_token,
            "table_id": self.table_id,
            "filter": self.filter,
            "condition": self.condition,
            "field_names": self.field_names,
            "limit": self.limit,
            "calls": self.calls,
        }

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        from airflow_provider_lark.hooks.lark import LarkHook

        condition = RecordCondition.read(**self.condition)
        # masking asks the supervisor, which must not be waited for on the event loop
        hook = await asyncio.to_thread(LarkHook, self.lark_conn_id, **(self.calls or {}))
        async with await hook.async_client() as client:

            async def poll() -> dict[str, Any] | None:
                page = await client.bitable.search_page(
                    app_token=self.app_token,
                    table_id=self.table_id,
                    filter=self.filter or None,
                    field_names=self.field_names,
                    page_size=max(self.limit, 1),
                )
                total = len(page.items) if page.total is None else page.total
                ids = [item["record_id"] for item in page.items[: self.limit]]
                if not condition.is_met(total):
                    return None
                return {"app_token": self.app_token, "table_id": self.table_id, "total": total, "record_ids": ids}

            yield poll
