"""The trigger behind an asset watcher: starts a DAG when an event of Lark has arrived."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Sequence
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.hooks.receiving.failures import pause_seconds, tell_failure
from airflow_provider_lark.hooks.receiving.held_connection import long_connection_held

if TYPE_CHECKING:
    from airflow_provider_lark.core.inbox.waiting import Look, Waiting, WaitingEvents

log = logging.getLogger(__name__)

EVENT_TYPES = (
    "drive.file.bitable_record_changed_v1",
    "drive.file.bitable_field_changed_v1",
    "base.automation.record_changed",
)

LOOK_SECONDS = 1.0
_IN_VAIN_TOLD = 3


class LarkEventTrigger(BaseEventTrigger):
    """Wakes a DAG through an ``AssetWatcher`` while events of Lark wait in the inbox.

    It takes none of them: the DAG's tasks do, ``BitableIncrementalSyncOperator(events=True)`` for example. So a
    triggerer that dies loses nothing, and a wake-up that Airflow loses is made up for: it wakes again after 30 seconds,
    then less often, while anything waits. The payload is ``{"waiting": n}``; Airflow logs it. Events that come close
    together are one wake-up. From Airflow 3.3 on, triggers of one connection look at the inbox together.

    A new long connection of the app, in whichever process, wakes too, with ``{"waiting": n, "connections": m}``: what
    Lark sent before it may be lost.

    :param lark_conn_id: connection of type ``lark`` with a ``store_conn_id``.
    :param table: the table to look after: ``MyDB:users``, or its address. Lark is asked for the events of its base.
        Default: all tables, and whatever is subscribed to.
    :param event_types: which events to wake for; one, or several.
    :param long_connection: receive events and clicks over the app's long connection while the trigger runs, in the
        triggerer; needs the extra ``long-connection``. One process an app is connected, others stand by. The start of
        the trigger wakes too.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str = "lark_default",
        table: str | None = None,
        event_types: Sequence[str] | str = EVENT_TYPES,
        long_connection: bool = False,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.lark_conn_id = lark_conn_id
        self.table = table
        # one type is not a list of letters, none of which would ever come
        self.event_types = (event_types,) if isinstance(event_types, str) else tuple(event_types)
        self.long_connection = long_connection
        self._clock = clock or CallingHook.clock

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain values."""
        given: dict[str, Any] = {
            "lark_conn_id": self.lark_conn_id,
            "table": self.table,
            "event_types": list(self.event_types),
        }
        if self.long_connection:
            # Airflow tells watchers apart by their arguments: those of before stay the same
            given["long_connection"] = True
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    def shared_stream_key(self) -> Hashable | None:
        """Return what triggers that look together have in common."""
        return ("lark_events", self.lark_conn_id, self.event_types, self.long_connection)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        """Yield what waits, look by look, for ever."""
        trigger = cls(**kwargs)
        async with aclosing(trigger._looks()) as looks:
            async for look in looks:
                yield look

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Fire for what waits for this trigger's table."""
        from airflow_provider_lark.core.inbox.wake_ups import WakeUps

        subject = await self._find_subject()
        wake_ups = WakeUps()
        # who comes to hold the connection does not know how long nobody did
        connections = 0 if self.long_connection else None
        async for look in shared_stream:
            waiting = _waiting(look.by_subject, subject)
            has_gap = connections is not None and look.connections != connections
            connections = look.connections
            is_due = wake_ups.is_due(waiting, self._clock.monotonic())
            if not is_due and not has_gap:
                continue
            if wake_ups.in_vain == _IN_VAIN_TOLD:
                log.warning(
                    "connection %r: events of Lark wait, and no run takes them; check that the DAG is not paused, and "
                    "that its sync operator has events=True",
                    self.lark_conn_id,
                )
            payload = {"waiting": waiting.entries if waiting else 0}
            yield TriggerEvent(payload | ({"connections": connections} if has_gap else {}))  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire while anything waits; for ever."""
        async with aclosing(self._looks()) as looks:
            async for event in self.filter_shared_stream(looks):
                yield event

    async def _looks(self) -> AsyncGenerator[Look]:
        held = long_connection_held(self.lark_conn_id, self._clock) if self.long_connection else nullcontext()
        async with held:
            async for look in self._look_for_ever():
                yield look

    async def _look_for_ever(self) -> AsyncIterator[Look]:
        failures = 0
        events: WaitingEvents | None = None
        while True:
            try:
                # what blocks must not do so on the triggerer's loop
                if events is None:
                    events = await asyncio.to_thread(self._open)
                found = await asyncio.to_thread(events.look)
            except Exception as exc:  # noqa: BLE001 - a watcher that ends is started again at once, for ever
                failures, events = failures + 1, None
                tell_failure(f"connection {self.lark_conn_id!r}: the inbox cannot be read", exc, failures)
                await self._clock.sleep_async(pause_seconds(failures))
                continue
            if failures:
                log.info("connection %r: the inbox can be read again", self.lark_conn_id)
            failures = 0
            yield found
            await self._clock.sleep_async(LOOK_SECONDS)

    def _open(self) -> WaitingEvents:
        from airflow_provider_lark.hooks.lark import LarkHook
        from airflow_provider_lark.hooks.receiving.inbox import open_waiting

        return open_waiting(LarkHook(self.lark_conn_id), self.event_types)

    async def _find_subject(self) -> str | None:
        """Return the table as the inbox names it, after Lark was asked for its events; None: all tables."""
        if self.table is None:
            return None
        failures = 0
        while True:
            try:
                return await self._locate()
            except Exception as exc:  # noqa: BLE001 - as above
                failures += 1
                tell_failure(
                    f"connection {self.lark_conn_id!r}: the table {self.table!r} cannot be found", exc, failures
                )
                await self._clock.sleep_async(pause_seconds(failures))

    async def _locate(self) -> str:
        from airflow_provider_lark.core.errors import LarkError
        from airflow_provider_lark.hooks.lark import LarkHook

        hook = await asyncio.to_thread(LarkHook, self.lark_conn_id)
        address = await asyncio.to_thread(hook.table, self.table or "")
        async with await hook.async_client() as client:
            found = await client.bitable.locate(address)
            try:
                await client.drive.subscribe(app_token=found.app_token)
            except LarkError as exc:
                log.warning("Lark may not send events for the table %r: %s", self.table, exc)
        return f"{found.app_token}/{found.table_id}"


def _waiting(by_subject: dict[str, Waiting], subject: str | None) -> Waiting | None:
    if subject is not None:
        return by_subject.get(subject)
    from airflow_provider_lark.core.inbox.waiting import Waiting

    every = list(by_subject.values())
    if not every:
        return None
    return Waiting(sum(each.entries for each in every), max(each.newest_id for each in every))
