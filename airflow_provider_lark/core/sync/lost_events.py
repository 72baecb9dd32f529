"""Lost events: a run finds a changed record of which no event told, neither before nor soon after."""

from __future__ import annotations

from collections.abc import Iterable

SETTLE_SECONDS = 360.0
"""So long an event may come after the run that found its change. Lark delivers again after 15 s and after 5 min; what
comes with the third try, after an hour, is as good as lost."""

KEPT_MAX = 10_000
"""So many records are followed at once; of more, the later ones are not counted."""


class LostEvents:
    """Counts records that were added or edited in Lark without an event; a lower bound.

    Where a record was changed twice in a row, one event stands for both. Changes of which Lark never tells count too:
    those of formulas, and of the other side of a two-way link.
    """

    def __init__(self, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._settle_seconds = settle_seconds
        self._told: set[str] = set()
        self._found: dict[str, float] = {}

    def tell(self, records: Iterable[str]) -> None:
        """Note records of which events told, before the run that follows them."""
        for record_id in records:
            # an event that is late, about what a poll has found already
            if self._found.pop(record_id, None) is None and len(self._told) < KEPT_MAX:
                self._told.add(record_id)

    def find(self, records: Iterable[str], *, now: float) -> None:
        """Note records that a run has found changed."""
        for record_id in records:
            if record_id not in self._told and len(self._found) < KEPT_MAX:
                self._found.setdefault(record_id, now)
        # the run has followed them all
        self._told.clear()

    def count(self, *, now: float) -> int:
        """Return of how many more records it is certain by now that no event comes."""
        late = [record_id for record_id, at in self._found.items() if now - at >= self._settle_seconds]
        for record_id in late:
            del self._found[record_id]
        return len(late)
