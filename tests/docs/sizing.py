"""What docs/sizing.md promises, as formulas: calls of a run, calls a month, slots."""

from __future__ import annotations

from math import ceil

PAGE, WRITE = 500, 1000
MINUTES = 30 * 24 * 60
TASK_SECONDS = 10


def calls_of_run(lark: float, sql: float) -> float:
    """Return the calls of an incremental run after so many edits on each side; of less than one, the mean."""
    return 2 + (lark + sql) // PAGE + (ceil(sql / WRITE) if sql >= 1 else sql)


def calls_of_full(rows: int) -> int:
    """Return the calls of a full run that finds nothing to do."""
    return 1 + ceil(rows / PAGE) + 2 * (rows > PAGE)


def calls_of_check(rows: int) -> int:
    """Return the calls of a check that finds no difference."""
    return 1 + ceil(rows / PAGE)


def calls_a_month(tables: int, rows: int, edits: float, minutes: float) -> int:
    """Return the calls of 30 days: a run every so many minutes, and a full run and a check a day.

    :param edits: a minute, on each side of each table.
    """
    run = calls_of_run(edits * minutes, edits * minutes)
    return round(tables * (MINUTES / minutes * run + 30 * (calls_of_full(rows) + calls_of_check(rows))))


def slots(tables: int, minutes: float) -> int:
    """Return how many tasks run at once on average, rounded up."""
    return ceil(tables * TASK_SECONDS / (minutes * 60))
