"""Counting what a database reads to answer: no plan has to be understood, and no time is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

_STEPS_OF_A_ROW = 8
"""SQLite tells the steps of its virtual machine: 4 for a row that is met reading through a table, more if looked up."""

_COUNTED = {
    # of this transaction alone
    "postgresql": "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables",
    "mysql": "SHOW SESSION STATUS LIKE 'Handler_read%'",
}


_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))


def numbers(count: int) -> str:
    """Return a query of the numbers from 1 to *count*, in a column ``n``: what fills a table is made by the server.

    :param count: up to 100,000.
    """
    places = {"a": 1, "b": 10, "c": 100, "e": 1_000, "f": 10_000}
    n = " + ".join(f"{factor} * {place}.d" for place, factor in places.items())
    return (
        f"SELECT n FROM (SELECT 1 + {n} AS n FROM {', '.join(f'({_DIGITS}) {p}' for p in places)}) x WHERE n <= {count}"
    )


@dataclass
class Counted:
    """How many rows were read; on SQLite about."""

    rows: int = 0


@contextmanager
def rows_read(conn: Connection) -> Iterator[Counted]:
    """Count the rows that statements of one open transaction read."""
    counted, ticks = Counted(), 0
    if conn.dialect.name == "sqlite":
        raw = conn.connection.dbapi_connection
        assert raw is not None

        def tick() -> None:
            nonlocal ticks
            ticks += 1

        raw.set_progress_handler(tick, _STEPS_OF_A_ROW)
        try:
            yield counted
        finally:
            raw.set_progress_handler(None, 0)
        counted.rows = ticks
        return
    before = _count(conn)
    yield counted
    counted.rows = _count(conn) - before


def _count(conn: Connection) -> int:
    return sum(int(row[-1]) for row in conn.execute(text(_COUNTED[conn.dialect.name])))
