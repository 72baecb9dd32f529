"""Scripted faults: what goes wrong, on which request, how often (reference §10)."""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Action = Literal[
    "error",
    "error_after",
    "drop_before",
    "drop_after",
    "timeout_before",
    "timeout_after",
    "bad_json",
    "delay",
    "expire_tokens",
    "repeat_page_token",
    "empty_page_token",
    "empty",
    "short",
]


@dataclass
class Fault:
    """One scripted fault.

    :param match: regular expression searched in ``"METHOD route-template"``.
    :param action: what happens; see ``docs/emulator.md``.
    :param times: how often; None for always.
    :param skip: matching requests to let pass first.
    :param contains: only requests whose body contains this text: a poisoned record.
    """

    match: str
    action: Action = "error"
    code: int | None = None
    status: int | None = None
    msg: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = 1
    skip: int = 0
    contains: str | None = None
    app_id: str | None = None
    reset_seconds: int = 1
    delay_seconds: float = 0.0
    fault_id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            msg = f"unknown fault action {self.action!r}; known: {list(get_args(Action))}"
            raise ValueError(msg)
        if self.action in {"error", "error_after"} and self.code is None and self.status is None:
            msg = "an error fault needs code or status"
            raise ValueError(msg)
        self._pattern = re.compile(self.match)

    def wants(self, target: str, body: bytes, app_id: str) -> bool:
        """Whether the fault strikes this request; counts down ``skip`` and ``times``."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.app_id is not None and self.app_id != app_id:
            return False
        if not self._pattern.search(target):
            return False
        if self.contains is not None and self.contains.encode() not in body:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class Faults:
    """The script: the first fault in order of addition that wants a request strikes it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, match: str = "", **settings: Any) -> Fault:
        """Script a fault; see :class:`Fault` for the settings.

        >>> faults = Faults()
        >>> faults.add("batch_create", code=1254291, times=2).hits
        0
        """
        fault = Fault(match, **settings)
        fault.fault_id = next(self._ids)
        with self._lock:
            self._faults.append(fault)
        return fault

    def strike(self, target: str, body: bytes, app_id: str) -> Fault | None:
        """The fault for this request, if any."""
        if not self._faults:
            return None
        with self._lock:
            return next((each for each in self._faults if each.wants(target, body, app_id)), None)

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._faults.clear()

    def to_list(self) -> list[dict[str, Any]]:
        """The script as JSON objects, with the hits so far."""
        with self._lock:
            return [asdict(each) for each in self._faults]
