"""What runs beside the doors of a process that receives: one pump a connection, one upkeep an inbox."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol


class Worker(Protocol):
    """Works in a thread of its own, which holds up no end of the process."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End after what is under way."""
        ...


_lock = Lock()
_running: dict[tuple[str, str], tuple[object, Worker]] = {}


def keep_running(task: str, conn_id: str, source: object, make: Callable[[], Worker]) -> None:
    """Let a worker run for the connection until the process ends.

    :param task: what it does; one a connection.
    :param source: what it works on; while it stays the same, so does the worker.
    """
    with _lock:
        before = _running.get((task, conn_id))
        if before is not None and before[0] == source:
            return
        worker = make()
        _running[task, conn_id] = (source, worker)
        worker.start()
    if before is not None:
        # the connection was changed: what an old pump holds goes back to its queue
        before[1].stop()


def stop_all() -> None:
    """Let every worker end."""
    with _lock:
        workers = [worker for _, worker in _running.values()]
        _running.clear()
    for worker in workers:
        worker.stop()
