"""The deletes that only a complete scan can tell of: what it did not see is asked for by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import HIDDEN
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId, Side
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.full_scan import UNSEEN_PAGE, Scan
from airflow_provider_lark.core.sync.pull.hold import pages
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.older.ledger import hold_if_restored
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

#: so many records asked for by id, and none gone: then the list is short, not the table
ASKED_IN_VAIN = 1000


def settle_lark_deletes(run: Run, scan: Scan) -> None:
    """Take records that the scan did not see for deleted, once Lark confirms by id that each is gone.

    A record that Lark hides stays, and so does one that it still gives by id: then the next run looks again.
    """
    if not scan.is_complete:
        if any(_unseen(run, scan, "lark")):
            run.report.warnings.append(
                f"the full scan read only {scan.seen} of {counted(scan.total or 0, 'record')}; nothing is deleted "
                "until a scan reads all records"
            )
        return
    _free_records_that_are_back(run, scan)
    absence = _look_for_unseen(run, scan)
    delete_rows_of(run, absence.gone)
    # what Lark breaks down over may be gone, too
    scan.is_doubtful = scan.is_doubtful or absence.doubtful + absence.unread > 0
    missing = absence.hidden + absence.unread + absence.doubtful
    if not missing:
        return
    reason = (
        f"{missing} of {run.guard.pairs} records are missing from Lark's results without being reported as deleted "
        f"(hidden from the app by advanced permissions: {absence.hidden}, unreadable in Lark: {absence.unread}, not "
        f"checked or found by id: {absence.doubtful}); their rows are kept"
    )
    if not scan.seen and not absence.gone:
        scan.blind = reason
    else:
        run.report.warnings.append(reason)


def delete_rows_of(run: Run, gone: Sequence[RecordId]) -> None:
    """Delete the rows of records that Lark says are gone, or hold those deletes."""
    if gone:
        hold_if_restored(run)
    # beyond the limit none is deleted, not the first ones
    room = None if len(gone) <= run.guard.room("sql") else 0
    for some in split(gone, UNSEEN_PAGE):
        ingest(run, Bundle((), gone=some, room=room))


@dataclass(slots=True)
class _Absence:
    """What became of the records that a scan did not see.

    :param hidden: how many exist, but are hidden from the app.
    :param unread: over how many Lark breaks down.
    :param doubtful: how many Lark gives by id although its list lacks them, or were not asked for.
    """

    gone: list[RecordId] = field(default_factory=list)
    hidden: int = 0
    unread: int = 0
    doubtful: int = 0


def _look_for_unseen(run: Run, scan: Scan) -> _Absence:
    absence = _Absence()
    asked = 0
    for unseen in _unseen(run, scan, "lark"):
        held_back = set() if run.guard.is_lifted else run.read(_held, [pair.key for pair in unseen])
        ids = [pair.record_id for pair in unseen if pair.key not in held_back]
        if asked >= ASKED_IN_VAIN and not absence.gone:
            # a list that lacks records without one of them being gone is no list to go by
            absence.doubtful += len(ids)
            run.transact(_lose_sight, ids)
            continue
        fates = run.lark.table.look_up(ids)
        asked += len(ids)
        gone = set(fates.gone)
        run.transact(_lose_sight, [id_ for id_ in ids if id_ not in gone])
        absence.gone += [id_ for id_ in ids if id_ in gone]
        hidden = sum(reason == HIDDEN for reason in fates.hidden.values())
        absence.hidden += hidden
        absence.unread += len(fates.hidden) - hidden
        absence.doubtful += len(fates.shown)
    return absence


def _lose_sight(tx: Transaction, ids: Sequence[RecordId]) -> None:
    tx.pairs.mark_out_of_sight(ids, out_of_sight=True)


def _held(tx: Transaction, keys: Sequence[Key]) -> set[Key]:
    return tx.deletes.among(keys)


def _free_records_that_are_back(run: Run, scan: Scan) -> None:
    """Look anew at rows that are held because their record was gone, where the scan has seen it."""
    for keys in pages(run, lambda tx, after: tx.deletes.page(pulls=True, after=after, limit=UNSEEN_PAGE)):
        run.transact(_free, scan, keys)


def _free(tx: Transaction, scan: Scan, keys: Sequence[Key]) -> None:
    known = tx.pairs.by_keys(keys)
    marks, ids = tx.scan(scan.scan_id), [pair.record_id for pair in known.values()]
    back = set(ids) - set(marks.unmarked("lark", ids))
    # one that is there but has left the filter is no reason to keep its row
    back &= set(marks.unmarked("outside", ids))
    tx.deletes.release([key for key, pair in known.items() if pair.record_id in back])


def settle_sql_deletes(run: Run, scan: Scan) -> None:
    """Queue the deletes of SQL rows of which no trigger told; what waits in the queue anyway is left to it.

    The push carries them out, or holds them.
    """
    # the rows of records that went unread were not looked for
    if run.binding.mapping.direction != "to_sql" and scan.is_complete:
        for unseen in _unseen(run, scan, "sql"):
            run.transact(_queue_deletes, unseen)


def _queue_deletes(tx: Transaction, unseen: Sequence[Pair]) -> None:
    keys = [pair.key for pair in unseen]
    known = tx.queue.changed_at(keys).keys() | tx.sql.read(keys).keys()
    tx.queue.enqueue([key for key in keys if key not in known], operation="DELETE")


def _unseen(run: Run, scan: Scan, side: Side) -> Iterator[list[Pair]]:
    after: Key | None = None
    while page := run.read(_unseen_page, scan, side, after):
        yield page
        after = page[-1].key


def _unseen_page(tx: Transaction, scan: Scan, side: Side, after: Key | None) -> list[Pair]:
    return tx.scan(scan.scan_id).pairs_unseen(side, limit=UNSEEN_PAGE, after=after)
