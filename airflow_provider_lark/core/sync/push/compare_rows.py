"""Rows of SQL held against what both sides last agreed on: those that differ are put into the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from airflow_provider_lark.core.chunks import STATEMENT_ROWS
from airflow_provider_lark.core.fields.canonical import dump_values, hash_values
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.ledger.queue import Sighting
from airflow_provider_lark.core.side import Key, SqlRow
from airflow_provider_lark.core.sync.push.judge import is_news
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_GONE = "gone"
"""What tells a row that is not there from any other."""


class Compared(NamedTuple):
    """What became of a page of rows.

    :param paired: how many of them belong to a live pair.
    :param last: the key to go on behind; None: the table ends here, or cannot be continued.
    """

    rows: int
    sightings: list[Sighting]
    paired: int
    last: Key | None = None


def compare_rows(run: Run, *, deletes: bool) -> None:
    """Compare all rows, page by page, with what both sides last agreed on.

    :param deletes: also look for pairs whose row is gone, once every row was read.
    """
    after: Key | None = None
    paired = 0
    while True:
        page = run.read(_page, run, after)
        run.report.rows_sql += page.rows
        paired += page.paired
        if page.sightings:
            run.transact(_note, page.sightings)
        if page.last is None:
            break
        after = page.last
    # of a page that cannot be continued nobody knows what comes behind
    if deletes and page.rows < STATEMENT_ROWS and paired < run.count_pairs():
        _find_deletes(run)


def sightings_among(tx: Transaction, run: Run, rows: Sequence[SqlRow], changed_ms: Mapping[Key, int]) -> Compared:
    """Return those of *rows* of which Lark has to hear, as entries of the queue.

    :param changed_ms: when SQL changed each, where anybody tells.
    """
    columns = run.binding.rules.all_columns
    plain = {
        row.id: hash_values(dump_values({name: row.values[name] for name in columns}))
        for row in rows
        if not row.problems and not run.is_deleted(row)
    }
    agreed = tx.pairs.as_agreed(plain)
    rest = [row for row in rows if row.id not in agreed]
    keys = [row.id for row in rest]
    pairs = tx.pairs.by_keys(keys)
    waiting = tx.conflicts.open_keys(keys)
    found = [
        Sighting(row.id, "UPDATE" if row.id in pairs else "INSERT", _seen(row), changed_ms.get(row.id, 0))
        for row in rest
        if _is_news(run, pairs.get(row.id), row, waits=row.id in waiting)
    ]
    live = sum(pair.base is not None and not pair.tombstone for pair in pairs.values())
    return Compared(len(rows), found, len(agreed) + live)


def _page(tx: Transaction, run: Run, after: Key | None) -> Compared:
    page = tx.sql.page_after(after, STATEMENT_ROWS)
    # a key that cannot be read cannot be continued from
    named = [row for row in page.rows if row.values]
    ends = len(page.rows) < STATEMENT_ROWS or not named
    return sightings_among(tx, run, named, {})._replace(rows=len(page.rows), last=None if ends else named[-1].id)


def _is_news(run: Run, pair: Pair | None, row: SqlRow, *, waits: bool) -> bool:
    if row.problems and not run.is_deleted(row) and not row.outside:
        # it becomes a dead letter, which names the value that has to be mended
        return not waits
    return is_news(run, pair, row, waits=waits)


def _seen(row: SqlRow) -> str:
    told = dump_values(row.values)
    return hash_values(told + "".join(problem.message for problem in row.problems))


def _find_deletes(run: Run) -> None:
    """Look for the rows of all pairs, and put the deletes of those that are gone into the queue, or leave them held."""
    after = Key("")
    while keys := run.read(lambda tx, after: tx.pairs.live_page(after=after, limit=STATEMENT_ROWS), after):
        gone = run.read(_gone, keys)
        if gone:
            run.transact(_note, [Sighting(key, "DELETE", _GONE) for key in gone])
        after = keys[-1]


def _gone(tx: Transaction, keys: Sequence[Key]) -> list[Key]:
    there = tx.sql.read(keys)
    missing = [key for key in keys if key not in there]
    # of those a person decides
    waiting = tx.conflicts.open_keys(missing)
    return [key for key in missing if key not in waiting]


def _note(tx: Transaction, sightings: Sequence[Sighting]) -> None:
    tx.queue.note(sightings)
