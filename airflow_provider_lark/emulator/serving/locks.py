"""Write locks: concurrent writes are refused (lark-api §2.8, §7.4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.switches import Switches

_BASE = ""


class Locks:
    """What running writes hold."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._holders: set[tuple[str, str]] = set()
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def holding(self, app_token: str, table_id: str) -> AbstractContextManager[None]:
        """Hold a table, or by switch its base, as a running write does: others get 1254291 meanwhile."""
        place = _BASE if self._switches.lock_whole_base else table_id
        return self._holding_in_base(app_token, place)

    def holding_schema(self, app_token: str) -> AbstractContextManager[None]:
        """Hold what a write to no certain table holds: the base, where the switch says so."""
        if self._switches.lock_whole_base:
            return self.holding_base(app_token)
        self._check_base(app_token)
        return nullcontext()

    def holding_base(self, app_token: str) -> AbstractContextManager[None]:
        """Hold a whole base."""
        return self._holding_in_base(app_token, _BASE)

    def holding_uploads(self, app_id: str) -> AbstractContextManager[None]:
        """Hold an app's uploads as a running one does: others get 1061045 meanwhile (§7.4)."""
        return self._holding((app_id, "uploads"), ApiError(1061045, "another upload of the app is running"))

    def lock_base(self, app_token: str, seconds: float) -> None:
        """Refuse all writes in a base for *seconds*."""
        with self._lock:
            self._until[app_token] = self._clock.now() + seconds

    def clear(self) -> None:
        """Unlock the bases that were locked for a time; what runs still holds its place."""
        with self._lock:
            self._until.clear()

    def _holding_in_base(self, app_token: str, place: str) -> AbstractContextManager[None]:
        self._check_base(app_token)
        return self._holding((app_token, place), _conflict())

    def _check_base(self, app_token: str) -> None:
        with self._lock:
            if self._until.get(app_token, 0) > self._clock.now() or (app_token, _BASE) in self._holders:
                raise _conflict()

    @contextmanager
    def _holding(self, key: tuple[str, str], busy: ApiError) -> Iterator[None]:
        with self._lock:
            if key in self._holders:
                raise busy
            self._holders.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._holders.discard(key)


def _conflict() -> ApiError:
    return ApiError(1254291, "another write in this base is running")
