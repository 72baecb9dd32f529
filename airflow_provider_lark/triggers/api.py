"""The trigger behind a deferred LarkApiOperator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.hooks.call_events import answer_event, failure_event, refuse_late
from airflow_provider_lark.hooks.calls.api_call import AnyCall
from airflow_provider_lark.hooks.calls.calling import CallingHook


class LarkApiTrigger(BaseTrigger):
    """Makes one call, page after page where it has pages, and fires one event with the answer.

    The event is ``{"status": "success", "result": …}``, or ``{"status": "error", "kind": …, "message": …, "facts": …}``
    with the error's class. Another triggerer that takes over makes the call again.

    :param lark_conn_id: connection of type ``lark``.
    :param call: an :class:`.AnyCall` as plain values.
    :param calls: how calls go, where otherwise than the connection says: the parameters of a hook by name.
    :param not_after: until when the call may begin, in seconds since the epoch; None: at any time.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        call: dict[str, Any],
        calls: dict[str, Any] | None = None,
        not_after: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.lark_conn_id = lark_conn_id
        self.call = call
        self.calls = calls
        self.not_after = not_after
        self._clock = clock or CallingHook.clock

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain values."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "lark_conn_id": self.lark_conn_id,
                "call": self.call,
                "calls": self.calls,
                "not_after": self.not_after,
            },
        )

    def __repr__(self) -> str:
        # Airflow's shows all arguments: what is sent, and a proxy's password
        return f"<{type(self).__qualname__}>"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Make the call, and fire the event."""
        try:
            event = answer_event(await self._answer())
        except Exception as exc:  # noqa: BLE001 - the task hears of it, and its retries decide
            event = failure_event(exc)  # type: ignore[assignment]
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped

    async def _answer(self) -> Any:
        from airflow_provider_lark.hooks.lark import LarkHook

        refuse_late(self.call, self.not_after, self._clock.now())
        # masking asks the supervisor, which must not be waited for on the event loop
        hook = await asyncio.to_thread(LarkHook, self.lark_conn_id, **(self.calls or {}))
        async with await hook.async_client() as client:
            return await AnyCall(**self.call).run_async(client, self.log)
