"""The records that a table already has, on disk: a transfer's memory must not grow with the table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from airflow_provider_lark.core.chunks import split

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE record (record_id TEXT PRIMARY KEY, key TEXT, digest TEXT) WITHOUT ROWID;
CREATE INDEX record_key ON record (key);
CREATE TABLE claimed (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A record as the index knows it.

    :param digest: of the cells that the transfer writes.
    :param twins: how many records have its key.
    """

    record_id: str
    digest: str
    twins: int


class RecordIndex:
    """A temporary file that SQLite deletes by itself."""

    def __init__(self) -> None:
        self._conn = sqlite3.connect("", isolation_level=None)
        self._conn.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conn.close()

    def add(self, records: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Note records: id, key and digest of each; one that is known is noted once."""
        self._conn.execute("BEGIN")
        self._conn.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", records)
        self._conn.execute("COMMIT")

    def find(self, keys: Sequence[str]) -> dict[str, Known]:
        """Return the records of *keys*, by key."""
        found: dict[str, Known] = {}
        for some in split(keys):
            marks = ",".join("?" * len(some))
            query = f"SELECT key, min(record_id), min(digest), count(*) FROM record WHERE key IN ({marks}) GROUP BY key"
            found |= {row[0]: Known(*row[1:]) for row in self._conn.execute(query, some)}
        return found

    def claim(self, keys: Sequence[str]) -> set[str]:
        """Note that rows with *keys* came, and return those keys that an earlier row had."""
        taken: set[str] = set()
        for some in split(keys):
            marks = ",".join("?" * len(some))
            taken |= {row[0] for row in self._conn.execute(f"SELECT key FROM claimed WHERE key IN ({marks})", some)}
        self._conn.execute("BEGIN")
        self._conn.executemany("INSERT OR IGNORE INTO claimed VALUES (?)", [(key,) for key in keys])
        self._conn.execute("COMMIT")
        return taken

    def drop(self, record_ids: Iterable[str]) -> int:
        """Forget records; return how many of them were known."""
        self._conn.execute("BEGIN")
        done = self._conn.executemany("DELETE FROM record WHERE record_id = ?", [(id_,) for id_ in record_ids])
        self._conn.execute("COMMIT")
        return done.rowcount

    def take(self, size: int) -> Iterator[list[str]]:
        """Yield the ids that are left, in parts of at most *size*, and forget each part before the next."""
        while ids := [row[0] for row in self._conn.execute("SELECT record_id FROM record LIMIT ?", (size,))]:
            yield ids
            self.drop(ids)

    def __len__(self) -> int:
        count: int = self._conn.execute("SELECT count(*) FROM record").fetchone()[0]
        return count
