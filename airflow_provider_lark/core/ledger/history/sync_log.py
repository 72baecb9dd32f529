"""The log of changes, with the outcome of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import epoch_ms, now_plus
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import log
from airflow_provider_lark.core.side import Key

Direction = Literal["to_lark", "to_sql", "both"]
Status = Literal["applied", "skipped", "conflict", "decided", "failed", "rewritten", "near_miss"]


class LogLine(NamedTuple):
    """One change and what became of it; its members are named like the columns of the log.

    :param key: the SQL key, or Lark's record id where no key is known.
    :param detail: why, for a person to read; no cell values.
    """

    key: str
    direction: Direction
    operation: str
    status: Status
    detail: str | None = None


class PastLine(NamedTuple):
    """A line of the log as it stands there; *created_ms* is the database's time."""

    id: int
    created_ms: int
    key: str
    direction: str
    operation: str
    status: str
    detail: str
    run_id: str


class SyncLog(LedgerPart):
    """The log of one table."""

    def write(self, run_id: str, lines: Sequence[LogLine]) -> None:
        """Append *lines* to the log."""
        named = {"table_name": self.table_name, "run_id": run_id}
        for some in split(lines):
            self.conn.execute(insert(log), [named | line._asdict() for line in some])

    def latest(
        self, *, limit: int, key: str | None = None, run_id: str | None = None, status: str | None = None
    ) -> list[PastLine]:
        """Return up to *limit* lines, the newest first: all, or those of one key, run or status."""
        created = epoch_ms(log.c.created_at).label("created_ms")
        wanted = select(log, created).where(log.c.table_name == self.table_name)
        for column, value in ((log.c.key, key), (log.c.run_id, run_id), (log.c.status, status)):
            if value is not None:
                wanted = wanted.where(column == value)
        return [
            PastLine(
                id=row.id,
                created_ms=row.created_ms,
                key=row.key,
                direction=row.direction,
                operation=row.operation,
                status=row.status,
                detail=row.detail or "",
                run_id=row.run_id or "",
            )
            for row in self.conn.execute(wanted.order_by(log.c.id.desc()).limit(limit))
        ]

    def keys_written(self, direction: Direction, *, limit: int) -> list[Key]:
        """Return the keys of the last *limit* creates and updates that were applied in a direction."""
        last = (
            select(log.c.key)
            .where(log.c.table_name == self.table_name, log.c.direction == direction, log.c.status == "applied")
            .where(log.c.operation.in_(("INSERT", "UPDATE")))
            .order_by(log.c.id.desc())
            .limit(limit)
        )
        return [Key(key) for key in dict.fromkeys(self.conn.scalars(last))]


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete log lines that are so old, of every table; return how many."""
    return conn.execute(delete(log).where(log.c.created_at <= now_plus(-older_than_seconds))).rowcount
