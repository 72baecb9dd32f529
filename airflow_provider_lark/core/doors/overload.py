"""Whether a process keeps up with what comes: how old its requests are, and how long a round of its event loop takes.

Lark waits three seconds. An answer that would come later is worthless, and its work delays the others; told at once
that it is too much, Lark sends an event again.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import islice

FEW = 30
"""Up to so many requests are never too many at once, however slow the machine is."""

OLD_SECONDS = 0.25
"""Where more than :data:`FEW` are older, those that come now would wait as long."""

LONG_ROUND_SECONDS = 0.1
"""Airflow's middlewares give way to the loop about nine times a request, and ever more requests make rounds longer."""

SWITCH_SECONDS = 0.0005
"""Python's own is ten times as long."""


def keep_loop_quick() -> None:
    """Spare the event loop what holds it up most, in the whole process; a second call changes nothing.

    A full garbage collection takes 0.3 seconds in an api-server, again and again under load, and for modules that never
    become garbage: what is loaded by now is passed over. And a thread that computes lets the loop wait for Python's
    switch interval in each of its rounds, in which uvloop accepts one connection.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
    sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))


class Pace(Enum):
    """What can still be answered in time."""

    ALL = "all"
    CLICKS = "clicks"
    """An event is sent again, a click is not: it goes first."""
    NOTHING = "nothing"


class Rush:
    """The requests that are being answered; its methods belong to one event loop."""

    def __init__(self) -> None:
        # when each began, the oldest first
        self._began: dict[object, float] = {}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Count one more until the block ends."""
        mark = object()
        self._began[mark] = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            del self._began[mark]

    async def pace(self) -> Pace:
        """Tell what can be answered in time; where there are many requests, after one round of the loop."""
        if len(self._began) <= FEW:
            return Pace.ALL
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(0)
        now = loop.time()
        if now - began > LONG_ROUND_SECONDS:
            return Pace.NOTHING
        # the others may have gone meanwhile
        last = next(islice(self._began.values(), FEW, None), now)
        return Pace.CLICKS if now - last > OLD_SECONDS else Pace.ALL
