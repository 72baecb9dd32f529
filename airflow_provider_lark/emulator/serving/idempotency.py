"""client_token: an equal request is answered again instead of done again (lark-api §2.3)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.switches import Switches


@dataclass
class _Kept:
    request: tuple[Any, ...]
    at: float
    data: Any = None
    done: bool = False


class ClientTokens:
    """Remembers requests by app and token for the window of the switches."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def run(self, app_id: str, token: str, request: tuple[Any, ...], do: Callable[[], Any]) -> Any:
        """The data of *do*, or of the equal request that was done before.

        :raises ApiError: 1254037 malformed, 1255006 used with another request, 1254608 still running.
        """
        self._check_form(token)
        key = (app_id, token)
        now = self._clock.now()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and now - kept.at >= self._switches.client_token_window_seconds:
                kept = None
            if kept is not None and kept.request != request:
                raise ApiError(1255006, "the client_token was used with another request")
            if kept is not None and not kept.done:
                raise ApiError(1254608, "the same request is still running")
            if kept is not None:
                return kept.data
            self._forget_old(now)
            kept = self._kept[key] = _Kept(request, now)
        try:
            kept.data = do()
        except BaseException:
            # a request that changed nothing leaves its token free for the retry
            with self._lock:
                del self._kept[key]
            raise
        kept.done = True
        return kept.data

    def _forget_old(self, now: float) -> None:
        oldest = now - self._switches.client_token_window_seconds
        for key in [key for key, kept in self._kept.items() if kept.done and kept.at <= oldest]:
            del self._kept[key]

    def _check_form(self, token: str) -> None:
        try:
            parsed = uuid.UUID(token)
        except ValueError as exc:
            raise ApiError(1254037, "client_token is not a UUID") from exc
        if len(token) != 36:
            raise ApiError(1254037, "client_token must be a UUID in its standard form")
        if self._switches.uuid_strict and (parsed.version != 4 or parsed.variant != uuid.RFC_4122):
            raise ApiError(1254037, "client_token is not a UUIDv4")

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
