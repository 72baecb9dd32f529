"""Rate limiting: how many calls may be in flight or recently answered, for each route, chat and card of an app.

Lark counts what arrives in a second, and what arrives in a minute. When a call arrives there is not known here; but
no earlier than it is sent, and no later than it is answered. So a place counts from the sending of its call until a
whole window has passed since the answer: then no window of Lark's clock sees more calls than the quota, however long
each of them took on its way, and calls may go in bursts as long as there are places.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from airflow_provider_lark.core.api.wire.limits import Quota

LONGER = 1.01
"""A window here, of one at Lark: its clock may run a little slower than ours."""

_INSTANT_SECONDS = 1e-6
"""No wait is shorter: adding less to a large clock reading may change nothing."""

_PACES_MAX = 4096
"""Above so many the idle ones are forgotten: there is one for each chat that was written to."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What has a pace of its own beside that of its route: a chat, which takes so many messages a second."""

    name: str
    quota: Quota


@dataclass(frozen=True, slots=True)
class _Window:
    """At most *calls* in any *seconds*."""

    calls: int
    seconds: float


@dataclass(slots=True)
class Slot:
    """One call's place in the queue.

    :param pace: whose queue.
    :param at: seconds of a monotonic clock before which it cannot go.
    :param behind: the calls that have to be over first, and how long.
    :param ended: when it was answered, or given up.
    """

    pace: Pace
    at: float
    behind: tuple[tuple[Slot, float], ...]
    ended: float | None = None


class Pace:
    """The queue of one route, chat or card; who asks first goes first. Not safe to share: its limiter is."""

    def __init__(self, quota: Quota, *, share: float = 1.0) -> None:
        self._windows = tuple(_window(calls * share, seconds) for calls, seconds in quota.windows)
        self._places: deque[Slot] = deque(maxlen=max(window.calls for window in self._windows))
        self._paused_until = float("-inf")

    def queue(self, now: float, *, patience_seconds: float) -> Slot | None:
        """Take the next place; None, with none taken, where its turn cannot come within *patience_seconds*.

        :param now: seconds of a monotonic clock.
        """
        behind = tuple(
            (self._places[-window.calls], window.seconds)
            for window in self._windows
            if len(self._places) >= window.calls
        )
        place = Slot(self, now, behind)
        if self.seconds_left(place, now) > patience_seconds:
            return None
        self._places.append(place)
        return place

    def seconds_left(self, place: Slot, now: float) -> float:
        """Return how long to wait and ask again, at least; 0: the call goes now.

        It may be told more later: the calls ahead take their time, and Lark may ask for a pause.
        """
        turns = [(max(now, ahead.at) if ahead.ended is None else ahead.ended) + after for ahead, after in place.behind]
        place.at = max(place.at, self._paused_until, *turns)
        if place.at - now > _INSTANT_SECONDS:
            return place.at - now
        # or each place would keep all before it
        place.behind = ()
        return 0.0

    def pause(self, now: float, seconds: float) -> None:
        """Let no call pass for *seconds*: the server said so."""
        self._paused_until = max(self._paused_until, now + seconds)

    def is_idle(self, now: float) -> bool:
        """Tell whether a new one would be the same."""
        longest = max(window.seconds for window in self._windows)
        return self._paused_until <= now and all(
            place.ended is not None and place.ended + longest <= now for place in self._places
        )


def _window(calls: float, seconds: float) -> _Window:
    # of less than one call it takes a longer window
    return _Window(max(1, int(calls)), seconds * LONGER * max(1.0, 1.0 / calls))


class RateLimiter:
    """The paces of one app, safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._paces: dict[tuple[str, float], Pace] = {}

    def queue(self, what: str, quota: Quota, now: float, *, share: float, patience_seconds: float) -> Slot | None:
        """Take a place for one call of *what*; see :meth:`Pace.queue`. Give it back to :meth:`end` in any case.

        :param share: the part of the quota that this process may use: all workers of an app share one quota.
        """
        with self._lock:
            pace = self._paces.get((what, share))
            if pace is None:
                self._forget_idle(now)
                pace = self._paces[what, share] = Pace(quota, share=share)
            return pace.queue(now, patience_seconds=patience_seconds)

    def seconds_left(self, place: Slot, now: float) -> float:
        """See :meth:`Pace.seconds_left`."""
        with self._lock:
            return place.pace.seconds_left(place, now)

    def end(self, place: Slot, now: float) -> None:
        """Note that the call was answered, or given up; then its place counts as if it had gone when it could."""
        with self._lock:
            place.ended, place.behind = max(now, place.at), ()

    def pause(self, what: str, now: float, seconds: float) -> None:
        """Let no call of *what* pass for *seconds*."""
        with self._lock:
            for (known, _), pace in self._paces.items():
                if known == what:
                    pace.pause(now, seconds)

    def _forget_idle(self, now: float) -> None:
        if len(self._paces) >= _PACES_MAX:
            self._paces = {key: each for key, each in self._paces.items() if not each.is_idle(now)}
