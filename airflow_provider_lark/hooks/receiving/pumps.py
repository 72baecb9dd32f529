"""Moving deliveries from RabbitMQ to the inbox: one pump per connection in each process that receives."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_lark.core.inbox.rabbitmq.pump import Pump

_lock = Lock()
_running: dict[str, tuple[object, Pump]] = {}


def keep_pumping(conn_id: str, source: object, make: Callable[[], Pump]) -> None:
    """Let a pump run for the connection until the process ends; its thread holds up no end.

    :param source: from where and to where; while it stays the same, so does the pump.
    """
    with _lock:
        before = _running.get(conn_id)
        if before is not None and before[0] == source:
            return
        pump = make()
        _running[conn_id] = (source, pump)
        pump.start()
    if before is not None:
        # the connection was changed: what the old pump holds goes back to its queue
        before[1].stop()
