"""The trigger behind a LarkApprovalCentreOperator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.triggers.polling import Poll, PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.receiving.approval_centre import OpenCentre


class ApprovalCentreTrigger(PollingTrigger):
    """Waits until a question in the approval centre is decided, or its time is over.

    Everything that has to last stands in the database of the token store: a triggerer that dies loses nothing, and the
    next one goes on. The success event is ``{"status": "success", "instance_id"}``; what was decided, the task reads
    there.

    :param lark_conn_id: connection of type ``lark``.
    :param deadline_ms: when the question expires, UTC milliseconds; None: never.
    :param calls: how calls go, where otherwise than the connection says: the parameters of a hook by name.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        instance_id: str,
        deadline_ms: int | None = None,
        calls: dict[str, Any] | None = None,
        **polling: Any,
    ) -> None:
        super().__init__(**{"max_failures": None, **polling})
        self.lark_conn_id = lark_conn_id
        self.instance_id = instance_id
        self.deadline_ms = deadline_ms
        self.calls = calls

    def _settings(self) -> dict[str, Any]:
        return {
            "lark_conn_id": self.lark_conn_id,
            "instance_id": self.instance_id,
            "deadline_ms": self.deadline_ms,
            "calls": self.calls,
        }

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        from airflow_provider_lark.hooks.receiving.approval_centre import RECONCILE_SECONDS

        looked_at = float("-inf")
        # opened once: a client and a look at the tables cost more than what is looked for
        stack = ExitStack()
        opened = await asyncio.to_thread(lambda: stack.enter_context(self._open()))

        async def poll() -> dict[str, Any] | None:
            nonlocal looked_at
            now = self._clock.monotonic()
            is_due = now - looked_at >= RECONCILE_SECONDS
            looked_at = now if is_due else looked_at
            status = await asyncio.to_thread(self._look, opened, is_due)
            return None if status == "PENDING" else {"instance_id": self.instance_id}

        try:
            yield poll
        finally:
            stack.close()

    def _look(self, opened: OpenCentre, reconcile: bool) -> str:
        from airflow_provider_lark.hooks.receiving.approval_centre import expire, look, show_end

        if self.deadline_ms is not None and self._clock.now() * 1000 >= self.deadline_ms:
            question = expire(opened, self.instance_id)
        else:
            question = look(opened, self.instance_id, reconcile=reconcile)
        if question.status != "PENDING":
            show_end(opened, self.instance_id)
        return question.status

    @contextmanager
    def _open(self) -> Iterator[OpenCentre]:
        from airflow_provider_lark.hooks.lark import LarkHook
        from airflow_provider_lark.hooks.receiving.approval_centre import opened_centre

        with opened_centre(LarkHook(self.lark_conn_id, **(self.calls or {}))) as opened:
            yield opened

    async def on_kill(self) -> None:
        """Take the question back: somebody has cleared the task, or set its state. Airflow 3.3 and newer call it."""
        await asyncio.to_thread(self._withdraw)

    def _withdraw(self) -> None:
        from airflow_provider_lark.hooks.receiving.approval_centre import withdraw

        with self._open() as opened:
            withdraw(opened, self.instance_id)
