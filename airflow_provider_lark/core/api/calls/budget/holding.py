"""The places of one window that are this process's own for now.

A place is taken by a call until a whole window has passed since its answer, as in :mod:`..ratelimit`: however long
calls are on their way, Lark sees no more of them in a window than there are places.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, nsmallest
from math import ceil

from airflow_provider_lark.core.api.calls.budget.division import Demand, Grant

_FIRST = 2
"""So many places a process asks for at first; more as it uses them."""


class Holding:
    """Not safe to share between threads: its budget is.

    :param quota: the places of all processes.
    :param seconds: the window.
    """

    def __init__(self, quota: int, seconds: float) -> None:
        self.quota = quota
        self.seconds = seconds
        self._free_at: list[float] = []
        self._in_flight = 0

    @property
    def count(self) -> int:
        """How many places there are, those of calls that are not answered included."""
        return len(self._free_at) + self._in_flight

    @property
    def is_quiet(self) -> bool:
        """Whether no call is under way."""
        return not self._in_flight

    def seconds_left(self, now: float) -> float | None:
        """Return how long it takes until a place is free; None where all belong to calls without an answer."""
        return max(0.0, self._free_at[0] - now) if self._free_at else None

    def take(self) -> None:
        """Take the place that has been free longest."""
        heappop(self._free_at)
        self._in_flight += 1

    def end(self, now: float) -> None:
        """Note that a call was answered, or given up."""
        self._in_flight -= 1
        heappush(self._free_at, now + self.seconds)

    def demand(self, owner: str, now: float, *, waiting: int, is_crowded: bool, may_grow: bool = True) -> Demand:
        """Return what to ask the store for: twice of what is in use, as long as there is plenty."""
        free_in = sorted(max(0, ceil((at - now) * 1000)) for at in self._free_at)
        in_use = self._in_flight + sum(1 for each in free_in if each) + waiting
        wanted = max(_FIRST, in_use + 1 if is_crowded else in_use * 2) if may_grow else max(1, self.count)
        return Demand(
            owner=owner,
            quota=self.quota,
            window_seconds=self.seconds,
            wanted=min(self.quota, wanted),
            in_flight=self._in_flight,
            free_in_ms=tuple(free_in),
        )

    def accept(self, grant: Grant, asked: Demand, now: float) -> None:
        """Have what the store said."""
        # calls that were answered meanwhile freed their places later than those that were offered
        gone = nsmallest(grant.returned, self._free_at)
        self._free_at = self._free_at + [now] * max(0, grant.places - asked.in_flight - len(asked.free_in_ms))
        for each in gone:
            self._free_at.remove(each)
        heapify(self._free_at)

    def fill(self, places: int, now: float) -> None:
        """Have at least *places*."""
        self._free_at += [now] * max(0, places - self.count)
        heapify(self._free_at)
