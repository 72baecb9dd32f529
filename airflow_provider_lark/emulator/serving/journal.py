"""The request log and its counters, from which tests and the demo read what a client sent."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any, Final

MAX_ENTRIES: Final = 200_000


@dataclass(frozen=True)
class LogEntry:
    """One request; never its body, so no cell value is kept."""

    at_ms: int
    method: str
    template: str
    path: str
    status: int
    """HTTP status; 0 when the connection was cut instead."""
    code: int
    n_records: int
    app_id: str
    fault: str = ""
    log_id: str = ""


class Journal:
    """Entries in order of arrival; a sequence that may be read while requests come in."""

    def __init__(self) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)
        self._lock = threading.Lock()

    def add(self, entry: LogEntry) -> None:
        """Append."""
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[LogEntry]:
        """All entries, oldest first."""
        with self._lock:
            return list(self._entries)

    def count(self) -> int:
        """How many there are."""
        with self._lock:
            return len(self._entries)

    def counters(self) -> dict[str, int]:
        """Requests by ``"METHOD template"``."""
        return dict(Counter(f"{each.method} {each.template}" for each in self.entries()))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()

    def to_list(self, since: int = 0) -> list[dict[str, Any]]:
        """Entries from position *since* as JSON objects."""
        return [asdict(each) for each in self.entries()[since:]]
