"""How many requests a client has sent, by kind: the measure of what a sync costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock


class CallLog:
    """Counts every HTTP request that was sent, retries included; a failed connection is not counted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def add(self, kind: str) -> None:
        """Count one request of *kind*."""
        with self._lock:
            self._counts[kind] += 1

    def snapshot(self) -> dict[str, int]:
        """Return the counts by kind, kinds that did not occur left out."""
        with self._lock:
            return dict(self._counts)

    @property
    def by_kind(self) -> dict[str, int]:
        """The counts by kind; :data:`.CallKind` has the kinds."""
        return self.snapshot()

    @property
    def total(self) -> int:
        """All requests so far."""
        return sum(self.snapshot().values())

    def since(self, earlier: Mapping[str, int]) -> dict[str, int]:
        """Return what came after the snapshot *earlier*, kinds that did not occur left out."""
        now = Counter(self.snapshot())
        now.subtract(earlier)
        return {kind: count for kind, count in now.items() if count > 0}

    def __repr__(self) -> str:
        return f"CallLog({self.snapshot()!r})"
