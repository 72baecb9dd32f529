"""When the next message to a webhook bot may go: five a second and a hundred a minute, shared by a whole process.

Who asks first goes first. Lark counts what arrives, so that the messages keep a distance which bears that one of them
takes longer on its way than the next.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Final

from airflow_provider_lark.core.api.webhook.address import HookAddress

APART_SECONDS: Final = 0.25
"""Between two messages: a fourth of a second, where five a second are allowed."""

MINUTE_CALLS: Final = 100
MINUTE_SECONDS: Final = 61.0

PEAK_EVERY_SECONDS: Final = 1800
"""Full and half hours."""

AVOID_PEAK_SECONDS: Final = 15.0
AVOID_PEAK_MAX_SECONDS: Final = 300.0
"""How long no message goes after them: unless said otherwise, and at most."""


@dataclass(slots=True)
class HookSlot:
    """A message's place in the queue; a pause moves it on. *at*: seconds of a monotonic clock."""

    at: float


class HookPace:
    """The pace of one bot, safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._places: deque[HookSlot] = deque(maxlen=MINUTE_CALLS)
        self._paused_until = 0.0

    def queue(self, now: float, *, patience_seconds: float) -> HookSlot | None:
        """Take the next place; None, with none taken, where its turn would come later than the patience lasts.

        :param now: seconds of a monotonic clock.
        """
        with self._lock:
            at = max(now, self._paused_until)
            if self._places:
                at = max(at, self._places[-1].at + APART_SECONDS)
            if len(self._places) == MINUTE_CALLS:
                at = max(at, self._places[0].at + MINUTE_SECONDS)
            if at - now > patience_seconds:
                return None
            place = HookSlot(at)
            self._places.append(place)
            return place

    def seconds_left(self, place: HookSlot, now: float) -> float:
        """Return how long the turn of *place* is away: more than was told before where there was a pause meanwhile."""
        with self._lock:
            return max(0.0, place.at - now)

    def pause(self, now: float, seconds: float) -> None:
        """Let no message pass for *seconds*, because Lark said that there are too many; the queue keeps its order."""
        with self._lock:
            longer = now + seconds - max(now, self._paused_until)
            if longer <= 0:
                return
            self._paused_until = now + seconds
            for place in self._places:
                if place.at > now:
                    place.at += longer


_PACES: dict[tuple[int, str, str], HookPace] = {}


def shared_pace(address: HookAddress) -> HookPace:
    """Return the pace of the bot at *address*, the same for all clients of this process."""
    # the process id, because a fork inherits locks that nobody will release
    return _PACES.setdefault((os.getpid(), address.host, address.hook_id.mark()), HookPace())


def seconds_off_peak(now: float, avoid_seconds: float, jitter: float) -> float:
    """Return how long to wait so that a message does not go right after a full or half hour.

    Those that wait are spread over as long again, or all would come back in the same instant.

    >>> seconds_off_peak(1800 * 9 + 4.0, 15.0, jitter=0.5)
    18.5
    >>> seconds_off_peak(1800 * 9 + 15.0, 15.0, jitter=0.5)
    0.0

    :param now: seconds since the epoch.
    :param avoid_seconds: how long after the mark no message goes; 0: never wait.
    :param jitter: a random number in [0, 1).
    """
    since = now % PEAK_EVERY_SECONDS
    return avoid_seconds - since + jitter * avoid_seconds if since < avoid_seconds else 0.0
