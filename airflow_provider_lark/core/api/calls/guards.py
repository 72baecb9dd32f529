"""Who is asked before a write to a table is sent: whoever holds the right to write there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_lark.core.api.wire.flow import Flow, blocking
from airflow_provider_lark.core.api.wire.routes import Effect


class Guards:
    """The guards of one client."""

    def __init__(self) -> None:
        self._guards: list[tuple[str, Callable[[], None]]] = []

    @contextmanager
    def added(self, table_id: str, check: Callable[[], None]) -> Iterator[None]:
        """Ask *check*, which may block and raise, about writes to a table as long as the block lasts."""
        guard = (f"/tables/{table_id}/", check)
        self._guards.append(guard)
        try:
            yield
        finally:
            self._guards.remove(guard)

    def ask(self, path: str, effect: Effect) -> Flow[None]:
        """Return when a call of *path* may be sent; asked last, after all waits."""
        for place, check in [*self._guards] if effect != "read" else ():
            if place in f"{path}/":
                yield from blocking(check)
