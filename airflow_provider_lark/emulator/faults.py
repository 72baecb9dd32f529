"""Scripted faults: what goes wrong, on which request, how often (lark-api §10)."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from dataclasses import field as attribute
from typing import Any, Final, Literal, get_args

from airflow_provider_lark.emulator.settings import check_values

NearMiss = Literal["leave_out", "trim", "crlf_to_lf", "round", "clamp", "drop_option", "keep_fields"]
"""A success that did something else than was asked."""
Action = (
    NearMiss
    | Literal[
        "error",
        "error_after",
        "drop_before",
        "drop_after",
        "timeout_before",
        "timeout_after",
        "bad_json",
        "no_data",
        "null_data",
        "empty_data",
        "delay",
        "expire_tokens",
        "repeat_page_token",
        "empty_page_token",
        "empty",
        "short",
        "stale",
    ]
)
NEAR_MISSES: Final = frozenset(get_args(NearMiss))
# a list: what is looked up in it may be unhashable JSON
ACTIONS: Final = sorted(NEAR_MISSES | {each for part in get_args(Action) for each in get_args(part)})

Touches = Callable[[str], bool]
"""Whether a request or its answer is about the record of that id, or about one that holds that value."""


def touches_nothing(_wanted: str) -> bool:
    """A request that is about no record."""
    return False


@dataclass
class Fault:
    """One scripted fault.

    :param match: regular expression searched in ``"METHOD route-template"``.
    :param action: what happens; see ``docs/emulator.md``.
    :param times: how often; None for always.
    :param skip: matching requests to let pass first.
    :param contains: only requests whose body contains this text.
    :param record: only writes of, and pages with, the record of this id or with a cell of this value.
    :param field: name or id of the field that a near miss is about.
    :param digits: decimals that ``round`` leaves.
    :param option: the option that ``drop_option`` drops; empty: the last one.
    :param count: fields that ``keep_fields`` keeps.
    :param told: whether the answer of a near miss shows what was stored; otherwise it echoes what was sent.
    """

    match: str
    action: Action = "error"
    code: int | None = None
    status: int | None = None
    msg: str | None = None
    headers: dict[str, str] = attribute(default_factory=dict)
    times: int | None = 1
    skip: int = 0
    contains: str | None = None
    record: str | None = None
    app_id: str | None = None
    field: str = ""
    digits: int = 0
    option: str = ""
    count: int = 20
    told: bool = False
    reset_seconds: int = 1
    delay_seconds: float = 0.0
    fault_id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            msg = f"unknown fault action {self.action!r}; known: {ACTIONS}"
            raise ValueError(msg)
        if self.action in {"error", "error_after"} and self.code is None and self.status is None:
            msg = "an error fault needs code or status"
            raise ValueError(msg)
        if self.is_near_miss and self.action != "keep_fields" and not self.field:
            msg = f"{self.action} needs field: the name or the id of a field"
            raise ValueError(msg)
        check_values(Fault, {each.name: getattr(self, each.name) for each in fields(self)})
        try:
            self._pattern = re.compile(self.match)
        except re.error as exc:
            msg = f"match is not a regular expression: {exc}"
            raise ValueError(msg) from exc

    @property
    def is_near_miss(self) -> bool:
        """Whether the request succeeds, and stores something else."""
        return self.action in NEAR_MISSES

    @property
    def poisons_pages(self) -> bool:
        """Whether what was read tells if it strikes."""
        return self.record is not None and self.action != "stale" and not self.is_near_miss

    def wants(self, target: str, body: bytes, app_id: str, touches: Touches) -> bool:
        """Whether the fault strikes this request; counts down ``skip`` and ``times``."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.app_id is not None and self.app_id != app_id:
            return False
        if not self._pattern.search(target):
            return False
        if self.contains is not None and self.contains.encode() not in body:
            return False
        # stale reads are stale about the record, whatever they ask for
        if self.record is not None and self.action != "stale" and not touches(self.record):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class Faults:
    """The script: the first fault in order of addition that wants a request strikes it, and every near miss."""

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
        if isinstance(settings.get("record"), int | float):
            # a number in a cell is told as its digits
            settings["record"] = str(settings["record"])
        fault = Fault(match, **settings)
        fault.fault_id = next(self._ids)
        with self._lock:
            self._faults.append(fault)
        return fault

    def strike(self, target: str, body: bytes, app_id: str, touches: Touches = touches_nothing) -> Fault | None:
        """The fault for this request, if any."""
        if not self._faults:
            return None
        with self._lock:
            serious = [each for each in self._faults if not each.is_near_miss]
            return next((each for each in serious if each.wants(target, body, app_id, touches)), None)

    def strike_page(self, target: str, body: bytes, app_id: str, touches: Touches) -> Fault | None:
        """The fault for what this request read, if any: only faults of a certain record."""
        if not self._faults:
            return None
        with self._lock:
            serious = [each for each in self._faults if each.poisons_pages]
            return next((each for each in serious if each.wants(target, body, app_id, touches)), None)

    def near_misses(self, target: str, body: bytes, app_id: str, touches: Touches) -> list[Fault]:
        """All near misses for this request."""
        if not self._faults:
            return []
        with self._lock:
            near = [each for each in self._faults if each.is_near_miss]
            return [each for each in near if each.wants(target, body, app_id, touches)]

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._faults.clear()

    def to_list(self) -> list[dict[str, Any]]:
        """The script as JSON objects, with the hits so far."""
        with self._lock:
            return [asdict(each) for each in self._faults]
