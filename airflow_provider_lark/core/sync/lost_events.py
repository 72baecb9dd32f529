"""Lost events: a run finds that a record was changed in Lark, and no event tells of that change.

An event says when the change was made, and so does the record; both are matched by that time. Sans I/O.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SETTLE_SECONDS = 360.0
"""So long an event may come after the run that found its change. Lark delivers again after 15 s and after 5 min; what
comes with the third try, after an hour, is as good as lost."""

SAME_SECONDS = 5.0
"""Changes of a record within so long are one: the times of events are in whole seconds, and may differ a little from
those of records."""

KEPT_MAX = 10_000
"""So many changes are followed at once; of more, the later ones are not counted."""

HEARD_MAX = 100_000
"""So many events are remembered. Where more come, what is followed then is not counted."""

_DELETED = float("inf")
"""The moment of a delete: the last change of a record, and Lark does not say when it was made."""

_ANY = -1.0
"""The moment of an event that says none."""

_UNKNOWN = 0.0
"""The moment of a change where the table does not tell: any event of the record will do."""


@dataclass(frozen=True, slots=True)
class LostChange:
    """A change of which no event came in time.

    :param changed_at: when it was made, in whole seconds since the epoch by Lark's clock; None where Lark does not say,
        as of a delete.
    """

    record_id: str
    changed_at: float | None
    is_delete: bool = False

    def __str__(self) -> str:
        return f"{self.record_id} (deleted)" if self.is_delete else self.record_id


class LostEvents:
    """Finds the changes that runs met in Lark, and of which no event came in time.

    A change is a record that was added, edited or deleted since a run last met it: of several edits between two runs,
    the last one counts. Moments are seconds since the epoch by Lark's clock; *now* is on a clock that never jumps.
    """

    def __init__(self, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._settle_seconds = settle_seconds
        self._heard: dict[str, list[float]] = {}
        self._found: dict[str, list[float]] = {}
        # both in the order of time, so that a look costs nothing while nothing is due
        self._heard_at: deque[tuple[float, str]] = deque()
        self._found_at: deque[tuple[float, str]] = deque()
        self._newest: dict[str, float] = {}

    def hear(self, records: Iterable[str], *, changed_at: float | None, now: float, deleted: bool = False) -> None:
        """Note records of which an event tells.

        :param changed_at: when they were changed; None: the event does not say, and tells of the newest change.
        """
        moment = _DELETED if deleted else changed_at
        for record_id in records:
            if len(self._heard_at) >= HEARD_MAX:
                for each in (self._heard, self._found, self._heard_at, self._found_at):
                    each.clear()
            self._heard.setdefault(record_id, []).append(_ANY if moment is None else moment)
            self._heard_at.append((now, record_id))

    def find(self, changed: Mapping[str, int | None], deleted: Iterable[str] = (), *, now: float) -> None:
        """Note what a run has found.

        :param changed: when each record was changed, UTC milliseconds; None where that is not known.
        """
        for record_id, at_ms in changed.items():
            self._follow(record_id, _UNKNOWN if at_ms is None else float(at_ms // 1000), now)
        for record_id in deleted:
            self._follow(record_id, _DELETED, now)

    def _follow(self, record_id: str, moment: float, now: float) -> None:
        # a row that cannot be taken in is met by every run
        is_new = self._newest.pop(record_id, None) != moment or moment == _UNKNOWN
        if is_new and len(self._found_at) < KEPT_MAX:
            self._found.setdefault(record_id, []).append(moment)
            self._found_at.append((now, record_id))
        self._newest[record_id] = moment
        if len(self._newest) > HEARD_MAX:
            del self._newest[next(iter(self._newest))]

    def settle(self, *, now: float) -> list[LostChange]:
        """Return the changes of which it is certain by now that no event comes; each once."""
        lost = []
        while self._found_at and now - self._found_at[0][0] >= self._settle_seconds:
            record_id = self._found_at.popleft()[1]
            moment, *later = self._found[record_id]
            if not self._is_told(record_id, moment, later[0] if later else _DELETED):
                at = None if moment in (_DELETED, _UNKNOWN) else moment
                lost.append(LostChange(record_id, at, is_delete=moment == _DELETED))
            _keep(self._found, record_id, later)
        # an event may come before its change is found: as much earlier as it may come later
        while self._heard_at and now - self._heard_at[0][0] >= 2 * self._settle_seconds:
            record_id = self._heard_at.popleft()[1]
            _keep(self._heard, record_id, self._heard[record_id][1:])
        return lost

    def _is_told(self, record_id: str, moment: float, until: float) -> bool:
        heard = self._heard.get(record_id, ())
        if moment == _DELETED:
            return _DELETED in heard
        return any(at == _ANY or moment - SAME_SECONDS <= at < until - SAME_SECONDS for at in heard)


def _keep(kept: dict[str, list[float]], record_id: str, moments: list[float]) -> None:
    if moments:
        kept[record_id] = moments
    else:
        del kept[record_id]
