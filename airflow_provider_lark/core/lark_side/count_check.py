"""Comparing the number of records read with Lark's total, page by page."""

from __future__ import annotations

from airflow_provider_lark.core.api.wire.results import RecordPage
from airflow_provider_lark.core.errors import IncompleteRead
from airflow_provider_lark.core.hints import counted


class CountCheck:
    """Watches the pages of one read for signs that a record was passed over."""

    def __init__(self) -> None:
        self.total: int | None = None
        self._newest: int | None = None
        self._pages = 0
        self._shrank = False

    def see(self, page: RecordPage) -> None:
        """Take note of a page's count."""
        before, self._newest = self._newest, page.total
        if before is not None and page.total is not None and page.total < before:
            # a deleted record lets those behind it move up, one of them into a page that was already read
            self._shrank = True
        least = self.total if self._pages else page.total
        self.total = None if least is None or page.total is None else min(least, page.total)
        self._pages += 1

    def complaint(self, seen: int) -> str:
        """Return what is wrong when *seen* different records came; empty for nothing.

        Lark's count is that of the whole search on every page.
        """
        if self.total is None:
            return f"Lark did not return the number of records, and returned {counted(seen, 'record')}"
        if seen < self.total:
            return f"Lark reports {counted(self.total, 'record')} but returned {seen:,}"
        return "records were deleted during the read, so some may have been skipped" if self._shrank else ""

    def require_all(self, seen: int, *, where: str, state: str) -> None:
        """Refuse to go on when *seen* different records may not be all.

        :param state: what was done until now, for the message.
        :raises IncompleteRead: something may be missing.
        """
        if complaint := self.complaint(seen):
            raise IncompleteRead(
                f"{where}: {complaint}; {state}. Another try may succeed: run it when fewer people edit the table, and "
                "check the app's permissions on it"
            )
