"""From one store to another while the first is down, and back: never are two of them counted in at once.

Which one counts is written in the second, and everybody who uses the first looks there every few seconds. So after a
change the other one gives nothing until whoever has not heard of it has used up what it had; and a process that alone
cannot reach the first store takes all others with it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import TypeVar

from airflow_provider_lark.core.api.calls.budget.division import LATE_SECONDS, LIFE_SECONDS
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page, RateStore
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_SECONDS = 3.0
"""So old may be what a process knows of which store counts."""

TRY_SECONDS = 5.0
"""So often a process tries whether the first store is back."""

FIRST_STAY_SECONDS, LONGEST_STAY_SECONDS = 10.0, 600.0
"""So long the second store counts at least, doubling where the first fails again soon."""

_NAME = "store"
_USED_UP_MS = round((LIFE_SECONDS + LATE_SECONDS) * 1000)
_TOLD: set[str] = set()
# for which apps this process has said that the first store is down


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which store counts.

    :param since_ms: by the second store's clock; from then on it knows of everybody.
    :param stay_ms: how long the second one counts the next time, or this time.
    """

    is_first: bool = True
    since_ms: int = 0
    stay_ms: int = round(FIRST_STAY_SECONDS * 1000)

    @classmethod
    def read(cls, entries: Mapping[str, str]) -> _Choice | None:
        """Return what is written, None where nothing is."""
        try:
            is_first, since_ms, stay_ms = json.loads(entries.get(_NAME) or "null")
            return cls(bool(is_first), int(since_ms), int(stay_ms))
        except (ValueError, TypeError):
            return None

    def write(self) -> dict[str, str]:
        """Return the entry."""
        return {_NAME: json.dumps([self.is_first, self.since_ms, self.stay_ms])}

    def leave_first(self, now_ms: int) -> _Choice:
        """Return the choice after the first store failed."""
        lasted_ms = now_ms - self.since_ms
        longest_ms = round(LONGEST_STAY_SECONDS * 1000)
        stay_ms = min(self.stay_ms * 2, longest_ms) if lasted_ms < longest_ms else round(FIRST_STAY_SECONDS * 1000)
        return _Choice(False, now_ms + round(LOOK_SECONDS * 1000) + _USED_UP_MS, stay_ms)

    def leave_second(self, now_ms: int) -> _Choice:
        """Return the choice after the first store has answered again."""
        return replace(self, is_first=True, since_ms=now_ms + _USED_UP_MS)


class _Changed(Exception):
    """The first store counts again; nothing was written."""


class ChangingStore:
    """Two stores as one, see the module; safe to share between threads.

    :param name: of the app, to say once in a process that its first store is down.
    :param first: its text in messages: *called*.
    """

    def __init__(self, first: RateStore, second: RateStore, *, called: str, name: str, clock: Clock) -> None:
        self._first, self._second = first, second
        self._called, self._name, self._clock = called, name, clock
        self._lock = Lock()
        self._is_first = True
        self._quiet_until = self._looked_at = self._back_at = float("-inf")

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Visit the store that counts."""
        if self._is_first:
            self._look()
        if not self._is_first:
            try:
                return self._visit_second(names, decide)
            except _Changed:
                self._look(force=True)
        try:
            return self._first.visit(names, self._later(decide))
        except LarkError as error:
            self._fall_back(error)
        return self._visit_second(names, decide)

    def _later(self, decide: Decide[T]) -> Decide[T]:
        def later(page: Page) -> tuple[Mapping[str, str], T]:
            left_ms = max(0.0, self._quiet_until - self._clock.monotonic()) * 1000
            since_ms = page.now_ms + round(left_ms) if left_ms else 0
            return decide(replace(page, since_ms=max(page.since_ms, since_ms)))

        return later

    def _look(self, *, force: bool = False) -> None:
        """Find out which store counts, unless that is known."""
        asked = self._clock.monotonic()
        if not force and asked < self._looked_at + LOOK_SECONDS:
            return
        try:
            choice, now_ms = self._second.visit((_NAME,), _begin)
        except LarkError:
            # without it nobody can change to it
            self._looked_at = asked
            return
        self._note(choice, now_ms, asked)

    def _fall_back(self, error: LarkError) -> None:
        def leave(page: Page) -> tuple[dict[str, str], tuple[_Choice, int]]:
            choice = _Choice.read(page.entries) or _Choice()
            if choice.is_first:
                choice = choice.leave_first(page.now_ms)
            return choice.write(), (choice, page.now_ms)

        asked = self._clock.monotonic()
        try:
            choice, now_ms = self._second.visit((_NAME,), leave)
        except LarkError:
            raise error from None
        self._note(choice, now_ms, asked, error)

    def _visit_second(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Visit the second store.

        :raises _Changed: it counts no more.
        """
        answers = self._is_back()

        def look(page: Page) -> tuple[Mapping[str, str], tuple[T] | None]:
            choice = _Choice.read(page.entries) or _Choice(is_first=False)
            if not choice.is_first and answers and page.now_ms >= choice.since_ms + choice.stay_ms:
                choice = choice.leave_second(page.now_ms)
            if choice.is_first:
                return choice.write(), None
            left_ms = choice.since_ms + choice.stay_ms - page.now_ms
            self._back_at = max(self._back_at, self._clock.monotonic() + left_ms / 1000)
            entries, result = decide(replace(page, since_ms=max(page.since_ms, choice.since_ms)))
            return {**entries, **choice.write()}, (result,)

        found = self._second.visit((*names, _NAME), look)
        if found is None:
            raise _Changed
        return found[0]

    def _is_back(self) -> bool:
        """Tell whether the first store answers; asked once in a while."""
        now = self._clock.monotonic()
        if now < self._back_at:
            return False
        self._back_at = now + TRY_SECONDS
        try:
            self._first.visit((), lambda _: ({}, True))
        except LarkError:
            return False
        return True

    def _note(self, choice: _Choice, now_ms: int, asked: float, error: LarkError | None = None) -> None:
        with self._lock:
            self._is_first, self._looked_at = choice.is_first, asked
            self._quiet_until = self._clock.monotonic() + (choice.since_ms - now_ms) / 1000
            is_news = choice.is_first == (self._name in _TOLD)
            (_TOLD.discard if choice.is_first else _TOLD.add)(self._name)
        if not is_news:
            return
        if choice.is_first:
            log.info("rate limits are shared through %s again", self._called)
        else:
            reason = error.message if error is not None else f"another process could not use {self._called}"
            log.warning("rate limits are shared through the database for now: %s", reason)


def _begin(page: Page) -> tuple[dict[str, str], tuple[_Choice, int]]:
    choice = _Choice.read(page.entries)
    if choice is None:
        # processes that knew of the second store only have used up what they had
        choice = _Choice(since_ms=page.now_ms + _USED_UP_MS)
        return choice.write(), (choice, page.now_ms)
    return {}, (choice, page.now_ms)
