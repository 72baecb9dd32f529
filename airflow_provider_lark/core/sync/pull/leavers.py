"""Records that have left the filter, met on the pages of one reading: beyond the limit no row of theirs is deleted.

Each page alone would stay under the limit, and the first ones would be deleted before the last one exceeds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.run import Run

_PAGE = 500


@contextmanager
def leaving_together(run: Run) -> Iterator[None]:
    """Let the rows of records that have left wait while their table is being read; see :func:`settle_leavers`."""
    run.leavers = {}
    try:
        yield
    finally:
        run.leavers = None


def settle_leavers(run: Run) -> Outcome:
    """Delete the rows of all records that have left, or hold them all; each is read again, 100 a call."""
    ids = list(run.leavers or ())
    run.leavers = None
    outcome = Outcome()
    if len(ids) > run.guard.room("sql"):
        run.guard.stopped.add("sql")
    for some in split(ids, _PAGE):
        outcome.add(_ingest(run, some))
    return outcome


def _ingest(run: Run, ids: Sequence[RecordId]) -> Outcome:
    # one that is gone meanwhile is found by the count, as any other
    return ingest(run, Bundle(read_by_id(run, ids)[1]))
