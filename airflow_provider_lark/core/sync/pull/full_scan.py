"""Reading all of Lark: complete scans, and the deletes that only a complete scan can tell of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import HIDDEN
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkPage, RecordId, Side
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.changes import READS, has_slipped, newest
from airflow_provider_lark.core.sync.pull.hold import pages
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.leavers import leaving_together, settle_leavers
from airflow_provider_lark.core.sync.pull.older.ledger import hold_if_restored
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

UNSEEN_PAGE = 500
#: so many records asked for by id, and none gone: then the list is short, not the table
ASKED_IN_VAIN = 1000


@dataclass(slots=True)
class Scan:
    """A scan and what it has seen.

    :param total: what Lark said the table holds, on the last page that was read.
    :param surfaced: records that no pull can have met, so that they have to be read: they belong to no pair and wait
        nowhere, or an earlier scan missed them.
    :param is_doubtful: records are missing of which Lark does not say that they are gone, nor that they are hidden, or
        it does not show by id what the scan has seen.
    :param blind: why nothing was deleted although the scan saw no record at all.
    :param newest_ms: the newest modification when the scan began; what came later is left to a pull.
    """

    scan_id: str
    seen: int = 0
    total: int | None = None
    newest_ms: int | None = None
    pages: int = 0
    slipped: bool = False
    is_doubtful: bool = False
    blind: str | None = None
    surfaced: list[RecordId] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether as many records were read as Lark says there are."""
        return not self.slipped and (self.total is None or self.seen >= self.total)

    @property
    def is_settled(self) -> bool:
        """Whether all is known of the records that were not seen, so that the count may be outcome for agreed."""
        return self.is_complete and not self.is_doubtful and self.blind is None


def scan_all(run: Run) -> Scan:
    """Read every record with all mapped fields, and bring each page into SQL; once more where some went unread."""
    for _ in range(READS):
        with leaving_together(run):
            scan = _scan_once(run)
            settle_leavers(run)
        if scan.is_complete:
            return scan
        drop_marks(run, scan.scan_id)
    run.report.warnings.append(
        f"the full scan was attempted {READS} times and read only {scan.seen} of "
        f"{counted(scan.total or 0, 'record')}; nothing is deleted, and no record is created for rows without a "
        "captured change, until a scan reads all records"
    )
    return scan


def _scan_once(run: Run) -> Scan:
    scan = Scan(run.new_token())
    # the newest first only where a pull follows, which meets what moves to the front meanwhile
    modified = None if run.binding.mapping.direction == "to_lark" else run.binding.modified_field
    for each in run.lark.scan() if modified is None else run.lark.scan_newest(modified):
        page = replace(each, rows=run.judge(each.rows))
        outcome = ingest(run, Bundle(page.rows, compare_all=True))
        run.transact(_mark, scan, page, outcome.keys_found)
        _count(run, scan, page)
    return scan


def scan_keys(run: Run, scan: Scan) -> None:
    """Read every record's key field only, to learn which records are gone."""
    for each in run.lark.scan(run.binding.rules.key_columns[:1]):
        page = replace(each, rows=run.judge(each.rows))
        run.transact(_mark, scan, page)
        scan.surfaced.extend(run.read(_surfaced, [row.id for row in page.rows]))
        _count(run, scan, page)


def drop_marks(run: Run, scan_id: str) -> None:
    """Forget what a scan has seen."""
    run.transact(lambda tx: tx.scan(scan_id).drop())


def _surfaced(tx: Transaction, ids: Sequence[RecordId]) -> list[RecordId]:
    known = tx.pairs.by_records(ids)
    waiting = tx.dead_letters.among(ids)
    return [id_ for id_ in ids if (known[id_].out_of_sight if id_ in known else id_ not in waiting)]


def ingest_surfaced(run: Run, scan: Scan) -> None:
    """Ingest records that appeared behind the watermark: an undone delete, or a right that was given back."""
    for some in split(scan.surfaced, UNSEEN_PAGE):
        fates = run.lark.table.look_up(some)
        # the scan has just seen them
        scan.is_doubtful = scan.is_doubtful or bool(fates.hidden)
        rows = [run.lark.decode(record) for record in fates.shown]
        run.report.rows_lark += len(rows)
        ingest(run, Bundle(rows))
        run.transact(_mark_out_of_sight, [row.id for row in rows], out_of_sight=False)


def _mark(tx: Transaction, scan: Scan, page: LarkPage, keys_found: Iterable[str] = ()) -> None:
    marks = tx.scan(scan.scan_id)
    marks.mark("lark", [row.id for row in page.rows])
    marks.mark("outside", [row.id for row in page.rows if row.outside])
    marks.mark("sql", keys_found)


def _mark_out_of_sight(tx: Transaction, ids: Sequence[RecordId], *, out_of_sight: bool = True) -> None:
    tx.pairs.mark_out_of_sight(ids, out_of_sight=out_of_sight)


def _count(run: Run, scan: Scan, page: LarkPage) -> None:
    if scan.pages == 0 and page.rows:
        scan.newest_ms = newest(page)
    scan.slipped = scan.slipped or has_slipped(scan.total, page)
    scan.pages += 1
    scan.seen += len(page.rows)
    scan.total = page.total
    run.report.rows_lark += len(page.rows)


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
            run.transact(_mark_out_of_sight, ids)
            continue
        fates = run.lark.table.look_up(ids)
        asked += len(ids)
        gone = set(fates.gone)
        run.transact(_mark_out_of_sight, [id_ for id_ in ids if id_ not in gone])
        absence.gone += [id_ for id_ in ids if id_ in gone]
        hidden = sum(reason == HIDDEN for reason in fates.hidden.values())
        absence.hidden += hidden
        absence.unread += len(fates.hidden) - hidden
        absence.doubtful += len(fates.shown)
    return absence


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
