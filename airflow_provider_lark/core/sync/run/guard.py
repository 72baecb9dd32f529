"""The guard against mass deletes, alike in both directions: a run deletes up to a limit on each side, and never all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_provider_lark.core.side import Key, Side
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import SyncReport

NO_LIMIT = 2**63 - 1


@dataclass(slots=True)
class Guard:
    """What one run may still delete.

    :param count_pairs: counts the live pairs; asked once, when the first delete comes up, outside of transactions.
    :param allowed: a person has looked, and allows this run to delete whatever is to be deleted.
    :ivar released: keys that a person has released: their deletes pass, and do not count.
    :ivar approved: how many of them were deleted on each side.
    :ivar stopped: sides on which more is to be deleted than the limit, so that nothing more is deleted there.
    """

    mapping: TableMapping
    report: SyncReport
    count_pairs: Callable[[], int]
    allowed: bool = False
    stopped: set[Side] = field(default_factory=set)
    released: set[Key] = field(default_factory=set)
    approved: Counter[Side] = field(default_factory=Counter)
    _pairs: int | None = None

    @property
    def is_lifted(self) -> bool:
        """Whether nothing is held: by a person for this run, or by the mapping for good."""
        return self.allowed or self.mapping.max_delete_ratio >= 1

    @property
    def pairs(self) -> int:
        """The live pairs when the first delete came up."""
        if self._pairs is None:
            self._pairs = self.count_pairs()
        return self._pairs

    @property
    def limit(self) -> int:
        """The most rows that a run deletes on one side."""
        return max(0, min(self.most, self.pairs - 1))

    @property
    def most(self) -> int:
        """What the mapping allows, whatever is left then."""
        return max(self.mapping.max_delete_rows, int(self.mapping.max_delete_ratio * self.pairs))

    def room(self, side: Side) -> int:
        """Return how many more rows may be deleted on *side*."""
        if self.is_lifted:
            return NO_LIMIT
        if side in self.stopped:
            return 0
        done = self.report.to_lark.deleted if side == "lark" else self.report.to_sql.deleted
        return max(0, self.limit - (done - self.approved[side]))
