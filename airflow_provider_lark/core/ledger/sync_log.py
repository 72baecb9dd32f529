"""The log of changes, with the outcome of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import log

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


class SyncLog(LedgerPart):
    """The log of one table."""

    def write(self, run_id: str, lines: Sequence[LogLine]) -> None:
        """Append *lines* to the log."""
        named = {"table_name": self.table_name, "run_id": run_id}
        for some in split(lines):
            self.conn.execute(insert(log), [named | line._asdict() for line in some])


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete log lines that are so old, of every table; return how many."""
    return conn.execute(delete(log).where(log.c.created_at <= now_plus(-older_than_seconds))).rowcount
