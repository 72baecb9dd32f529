"""What a process knows of reading records by base/v3: which page size is taken, and which tables it does not serve."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from threading import Lock
from typing import Final

from airflow_provider_lark.core.api.wire.limits import MATRIX_PAGE_MAX, SEARCH_PAGE_MAX

SIZES: Final = (MATRIX_PAGE_MAX, MATRIX_PAGE_MAX // 2)
"""The pages that are asked for; smaller ones save next to nothing against v1's 500."""

KEPT_SECONDS: Final = 6 * 3600.0
"""How long a refusal is believed, by our choice: tenants get the newer API by and by."""


class MatrixMemory:
    """Page sizes by base, refusals by table; safe to share between threads.

    :param sizes: the pages to ask for, the largest first.
    :param v1_size: the records of a page of v1, which base/v3 has to beat.
    """

    def __init__(self, sizes: Sequence[int] = SIZES, v1_size: int = SEARCH_PAGE_MAX) -> None:
        self._all_sizes = tuple(sizes)
        self._v1_size = v1_size
        self._lock = Lock()
        self._sizes: dict[str, int] = {}
        self._refused: dict[tuple[str, str], tuple[str, float]] = {}
        self._fallbacks = 0

    @property
    def fallbacks(self) -> int:
        """How many reads were begun by base/v3 and had to be done by v1."""
        return self._fallbacks

    def size(self, app_token: str) -> int:
        """Return how many records a page may have, as far as is known."""
        return self._sizes.get(app_token, self._all_sizes[0])

    def saves_calls(self, app_token: str, records: int, *, extra_calls: int) -> bool:
        """Tell whether a read of so many *records* takes fewer calls than by v1.

        :param extra_calls: calls of v1 that it takes besides.
        """
        return extra_calls + ceil(records / self.size(app_token)) < ceil(records / self._v1_size)

    def shrink(self, app_token: str) -> int | None:
        """Take the next smaller page; None: there is none."""
        with self._lock:
            smaller = next((size for size in self._all_sizes if size < self.size(app_token)), None)
            if smaller is not None:
                self._sizes[app_token] = smaller
            return smaller

    def refusal(self, app_token: str, table_id: str, *, now_seconds: float) -> str:
        """Return why a table is not read by base/v3 now; empty where nothing speaks against it.

        :param now_seconds: of a monotonic clock.
        """
        reason, until = self._refused.get((app_token, table_id), ("", 0.0))
        return reason if now_seconds < until else ""

    def fall_back(self, app_token: str, table_id: str, reason: str, *, now_seconds: float, lasting: bool) -> None:
        """Count a read that v1 has to do.

        :param lasting: later reads would fare alike; what passes is not remembered.
        """
        with self._lock:
            self._fallbacks += 1
            if lasting:
                self._refused[app_token, table_id] = (reason, now_seconds + KEPT_SECONDS)
                # a size that was taken back for this table is tried anew
                self._sizes.pop(app_token, None)
