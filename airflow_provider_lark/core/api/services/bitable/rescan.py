"""A scan that may have to begin again with smaller pages, and yields no record twice for it.

Where Lark finds a later page too large, and binds the page_token to the page size, the only way on is from the start.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_lark.core.api.wire.results import RecordPage, WireRecord

_SMALLEST = 50
"""Records a page, under which beginning again would cost more calls than anyone waits for."""


class Rescan:
    """How far a scan is, and what it has met: 8 bytes a record.

    :param page_size: records a page at first.
    :param sort: by a sorted scan a record that was edited meanwhile is met again, or its edit would go unread.
    """

    def __init__(self, page_size: int, sort: Sequence[Mapping[str, Any]] | None) -> None:
        self.page_size = page_size
        self.turn = 0
        self._sorted_by = [order["field_name"] for order in sort or () if "field_name" in order]
        self._met = array("q")
        self._last = ""
        self._skip: frozenset[int] = frozenset()

    def begin_again(self, page_size: int) -> bool:
        """Take smaller pages than *page_size*, from the start; False when they would be too small."""
        if page_size // 2 < _SMALLEST:
            return False
        self.page_size = page_size // 2
        self.turn += 1
        self._skip = frozenset(self._met)
        return True

    def describe_next(self, size: int) -> str:
        """Say which records the page holds that could not be read, and what to do where it stays so."""
        after = f"after record {self._last}" if self._last else "at the beginning"
        order = f", sorted by {', '.join(self._sorted_by)}" if self._sorted_by else ""
        return (
            f"the page of up to {size} records {after} ({len(self._met):,} read so far{order}) fails; if this "
            "persists, one of its records is broken: find it with a smaller view or limit, and recreate it in Lark"
        )

    def take(self, page: RecordPage) -> RecordPage:
        """Return *page* without what was met before the scan began again."""
        items = page.items
        marks = [self._mark(record) for record in items]
        if self._skip:
            kept = [at for at, mark in enumerate(marks) if mark not in self._skip]
            items, marks = [items[at] for at in kept], [marks[at] for at in kept]
            page = replace(page, items=items)
        self._met.extend(marks)
        self._last = items[-1]["record_id"] if items else self._last
        return page

    def _mark(self, record: WireRecord) -> int:
        if not self._sorted_by:
            return hash(record["record_id"])
        values = record["fields"]
        return hash((record["record_id"], *(str(values.get(name)) for name in self._sorted_by)))
