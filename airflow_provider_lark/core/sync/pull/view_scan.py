"""A view as a filter: its records are marked at the start of a run, and judged by these marks.

Lark finds nothing by view and by time at once, so what a view shows is read as a whole, the key field only. What is
created while a run goes on is met by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.lark_side.view_check import require_view
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.leavers import leaving_together, settle_leavers
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_PAGE = 500


@contextmanager
def marked_view(run: Run) -> Iterator[list[RecordId]]:
    """Mark the records of the mapping's view while the run goes on, and yield those that nobody counts as inside yet.

    :raises SchemaMismatch: there is no such view, or its base ignores views.
    :raises IncompleteRead: Lark may not have shown all of it.
    """
    view = run.binding.mapping.lark.view
    if not view:
        yield []
        return
    table, name = run.lark.table, run.binding.mapping.name
    view_id = require_view(table, view, run.binding.all_fields, where=f"mapping {name!r}: lark.view")
    run.view_scan = run.new_token()
    try:
        entered = list[RecordId]()
        names = run.lark.names_of(run.binding.rules.key_columns[:1])
        for page in table.search_all(names, view_id=view_id, state="nothing was synced"):
            ids = [RecordId(record["record_id"]) for record in page.items]
            run.transact(_mark, run.view_scan, ids)
            entered += run.read(_not_inside, ids)
        yield entered
    finally:
        scan_id = run.view_scan
        run.transact(lambda tx: tx.scan(scan_id).drop())


def ingest_moved(run: Run, entered: Sequence[RecordId]) -> None:
    """Bring in what the view shows now, and look at what it shows no more; no time of modification tells of either."""
    with leaving_together(run):
        for some in split(entered, _PAGE):
            _ingest(run, some)
        after: Key | None = None
        while run.view_scan and (left := run.read(_left_page, run.view_scan, after)):
            _ingest(run, [pair.record_id for pair in left])
            after = left[-1].key
        settle_leavers(run)


def _ingest(run: Run, ids: Sequence[RecordId]) -> None:
    # one that is gone is found by the count, as any other
    _, rows = read_by_id(run, ids)
    run.report.rows_lark += len(rows)
    ingest(run, Bundle(rows))


def _mark(tx: Transaction, scan_id: str, ids: Sequence[RecordId]) -> None:
    tx.scan(scan_id).mark("view", ids)


def _not_inside(tx: Transaction, ids: Sequence[RecordId]) -> list[RecordId]:
    known = tx.pairs.by_records(ids)
    waiting = tx.dead_letters.among(ids)
    return [id_ for id_ in ids if (known[id_].outside if id_ in known else id_ not in waiting)]


def _left_page(tx: Transaction, scan_id: str, after: Key | None) -> list[Pair]:
    return tx.scan(scan_id).pairs_out_of_view(limit=_PAGE, after=after)
