"""What events say about a table, and when Lark shows it so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

LOOKED_UP_MAX = 500
"""So many records are looked up by id, 100 a call; more are left to the scan, or to the next poll."""


@dataclass(frozen=True, slots=True)
class Told:
    """What events say was done to records.

    :param deleted: ids of records that were deleted; whether they are gone, Lark has to say.
    :param changed: ids of records that were added or edited, each with when, in milliseconds by Lark's clock; 0 where
        the event does not say.
    :param patience_seconds: for how long to look again for those that Lark does not show so yet: its reads may come
        from a copy that is behind.
    """

    deleted: Collection[str] = ()
    changed: Mapping[str, int] = field(default_factory=dict)
    patience_seconds: float = 0.0

    def is_shown(self, record_id: str, modified_ms: int | None) -> bool:
        """Tell whether a record that was modified then shows what the event tells of."""
        # no event tells more than seconds, rounded down
        return modified_ms is not None and modified_ms >= self.changed.get(record_id, 0)


NOTHING_TOLD = Told()


def pauses(patience_seconds: float) -> Iterator[float]:
    """Yield the seconds to wait before each further look: 1, 2, 4 …, no more than *patience_seconds* in all."""
    pause, left = 1.0, patience_seconds
    while left >= pause:
        yield pause
        pause, left = pause * 2, left - pause
