"""Records that somebody may still be typing in: a run leaves them alone, and a later one takes them.

Lark saves a cell while a person types, so what a run meets may be half a value. A record that was changed less than
``settle_seconds`` ago by Lark's clock is left on both sides, and noted in the checkpoint beside the watermark, which
moves on without it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.ledger.checkpoint import Unsettled
from airflow_provider_lark.core.side import LarkRow

ENDLESS = 10
"""So many times ``settle_seconds`` after it was first left, a record is taken although it is still being changed."""

LEFT_MAX = 1000
"""So many records are left at once. Where more change together, somebody pastes or imports, and nobody types."""


@dataclass(slots=True)
class Settling:
    """Which records a run leaves, and which it has left.

    :param settle_ms: how long a record must have gone without a change; 0: none is left.
    :param now_ms: when the run began to look, by Lark's clock. One moment for the whole run: its steps agree on what
        is left.
    :param floor_ms: the watermark then. What is no newer was taken in, unless it is among *waiting*.
    :param waiting: what runs before have left.
    :ivar left: what this run leaves, by record id.
    :ivar new: those of them that no run has ever taken in, so that they are not among what Lark is known to hold.
    :ivar keys: the keys of *left*, as far as they name one. Their rows are not written to Lark.
    :ivar met: those of *waiting* that this run has met.
    :ivar own: records whose last change was our own write.
    :ivar kept: what the checkpoint holds by now.
    """

    settle_ms: int = 0
    now_ms: int = 0
    floor_ms: int | None = None
    waiting: Mapping[str, Unsettled] = field(default_factory=dict)
    left: dict[str, Unsettled] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    kept: Mapping[str, Unsettled] | None = None

    def is_news(self, record_id: str, modified_ms: int | None, floor_ms: int | None) -> bool:
        """Tell whether a record as it was changed then was not taken in by a run that came to *floor_ms*."""
        is_newer = floor_ms is None or (modified_ms or 0) > floor_ms
        return is_newer or record_id in self.left or self.awaits(record_id)

    def awaits(self, record_id: str) -> bool:
        """Tell whether runs before have left a record, and this one has not met it yet."""
        return record_id in self.waiting and record_id not in self.met

    def lowest(self, floor_ms: int) -> int:
        """Return down to which modification time a pull reads, so that it meets all that was left."""
        return min([floor_ms, *(self.waiting[id_].modified_ms for id_ in self.unmet)])

    def is_unsettled(self, row: LarkRow) -> bool:
        """Tell whether *row*, which is not as both sides last agreed, is to be left."""
        at_ms = row.modified_ms
        if not self.settle_ms or at_ms is None or at_ms <= self.now_ms - self.settle_ms:
            return False
        if not self.is_news(row.id, at_ms, self.floor_ms):
            # an edit that shows up late; left, it would not be met again
            return False
        if row.id not in self.left and len(self.left) >= LEFT_MAX:
            return False
        return self.now_ms - self._since(row.id) < ENDLESS * self.settle_ms

    def leave(self, row: LarkRow, keys: Collection[str], *, is_new: bool) -> None:
        """Note that *row* is left.

        :param keys: of its pair, and the one that it names.
        """
        self.left[row.id] = Unsettled(self._since(row.id), row.modified_ms or self.now_ms)
        self.keys.update(keys)
        if is_new:
            self.new.add(row.id)

    def keep_waiting(self, *, gone: Collection[str]) -> None:
        """Go on waiting for records that Lark does not show as they were met, as long as for one that is edited.

        :param gone: those of them that were deleted.
        """
        for id_ in self.unmet:
            since_ms = self._since(id_)
            if id_ not in gone and id_ not in self.left and self.now_ms - since_ms < ENDLESS * self.settle_ms:
                self.left[id_] = replace(self.waiting[id_], since_ms=since_ms)

    def leaves(self, name: str) -> bool:
        """Tell whether the record of a key, or of this id, is left."""
        return name in self.keys or name in self.left

    def take_to_keep(self) -> dict[str, Unsettled] | None:
        """Return what the checkpoint is to hold; None where it holds that already."""
        if self.left == (self.waiting if self.kept is None else self.kept):
            return None
        self.kept = dict(self.left)
        return dict(self.left)

    def meets(self, row: LarkRow) -> bool:
        """Tell whether *row* is one that runs before have left, in no older state than they met it."""
        if not self.awaits(row.id):
            return False
        if row.modified_ms is None:
            return not self.settle_ms
        # another replica may be behind
        return row.modified_ms >= self.waiting[row.id].modified_ms

    @property
    def unmet(self) -> list[str]:
        """The ids of what runs before have left, and this one has not met yet."""
        return [id_ for id_ in self.waiting if self.awaits(id_)]

    def due_in_seconds(self, now_ms: int) -> float | None:
        """Return in how many seconds the first of those that are left may be taken; None: none is left."""
        # of others nobody knows when Lark shows them again
        recent = [each for each in self.left.values() if each.modified_ms > self.now_ms - self.settle_ms]
        ends = [each.modified_ms + self.settle_ms for each in recent]
        # Lark tells its time in whole seconds
        return max(0.0, (min(ends) - now_ms) / 1000) + 1 if ends else None

    def _since(self, record_id: str) -> int:
        known = self.waiting.get(record_id)
        # no later than now: a clock that was wrong for a while must not bind a record
        return self.now_ms if known is None else min(known.since_ms, self.now_ms)
