"""The long connection of a Lark connection's app, held while something of this process wants it."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_lark.hooks.receiving.failures import pause_seconds, tell_failure

if TYPE_CHECKING:
    from airflow_provider_lark.core.clock import Clock
    from airflow_provider_lark.core.doors.long_connection.receiver import LongConnectionReceiver

log = logging.getLogger(__name__)

_SETTINGS_LOOK_SECONDS = 30.0


@dataclass
class _Held:
    receiving: asyncio.Task[None]
    users: int = 0


_held: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Held]] = weakref.WeakKeyDictionary()


@asynccontextmanager
async def long_connection_held(conn_id: str, clock: Clock) -> AsyncIterator[None]:
    """Receive over the long connection of the connection's app meanwhile, once an event loop, however many want it.

    Where another process has it, this one stands by. What fails is logged and tried again, for ever: whoever wants the
    connection polls without it.
    """
    mine = _held.setdefault(asyncio.get_running_loop(), {})
    held = mine.get(conn_id)
    if held is None:
        held = mine[conn_id] = _Held(asyncio.create_task(_receive(conn_id, clock)))
    held.users += 1
    try:
        yield
    finally:
        held.users -= 1
        if not held.users:
            del mine[conn_id]
            held.receiving.cancel()
            # the lease is given back, so that another process can take over at once
            await asyncio.gather(held.receiving, return_exceptions=True)


async def _receive(conn_id: str, clock: Clock) -> None:
    from airflow_provider_lark.core.errors import PermanentError
    from airflow_provider_lark.hooks.receiving.long_connection import open_receiver

    failures = 0
    while True:
        receiver: LongConnectionReceiver | None = None
        try:
            receiver = await open_receiver(conn_id)
            log.info("connection %r: receiving the events of app %s over its long connection", conn_id, receiver.app_id)
            await receiver.run()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the next try may find it mended
            # what fails after a good spell is the first failure of another one
            was_connected = receiver is not None and receiver.counts.by_outcome["connected"] > 0
            failures = 1 if was_connected else failures + 1
            tell_failure(f"connection {conn_id!r}: there is no long connection", exc, failures)
            # Lark has refused, or the connection cannot receive: a person has to change something first
            longer = _SETTINGS_LOOK_SECONDS if isinstance(exc, PermanentError) else 0.0
            await clock.sleep_async(max(longer, pause_seconds(failures)))
