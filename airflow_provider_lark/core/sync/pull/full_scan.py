"""Reading all of Lark: complete scans. What they did not see is the business of :mod:`.unseen`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.matrix_scan import Unfit
from airflow_provider_lark.core.side import LarkPage, RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.changes import READS, has_slipped, newest
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.leavers import leaving_together, settle_leavers
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.matrix_pages import by_matrix, look_first, matrix_ids, matrix_pages
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

UNSEEN_PAGE = 500


@dataclass(slots=True)
class Scan:
    """A scan and what it has seen.

    :param total: what Lark said the table holds, on the last page that was read.
    :param surfaced: records that no pull can have met, so that they have to be read: they belong to no pair and wait
        nowhere, or an earlier scan missed them.
    :param unsettled: records that were never taken in, and are left for now.
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
    unsettled: set[str] = field(default_factory=set)

    @property
    def is_complete(self) -> bool:
        """Whether as many records were read as Lark says there are."""
        return not self.slipped and (self.total is None or self.seen >= self.total)

    @property
    def is_settled(self) -> bool:
        """Whether all is known of the records that were not seen, so that the count may be outcome for agreed."""
        return self.is_complete and not self.is_doubtful and self.blind is None

    def restart(self) -> None:
        """Forget what was counted; the marks are the caller's."""
        self.seen, self.total, self.newest_ms, self.pages, self.slipped = 0, None, None, 0, False
        self.surfaced.clear()


def scan_all(run: Run) -> Scan:
    """Read every record with all mapped fields, and bring each page into SQL; once more where some went unread."""
    # the newest first only where a pull follows, which meets what moves to the front meanwhile
    modified = None if run.binding.mapping.direction == "to_lark" else run.binding.modified_field
    found = by_matrix(run, lambda memory: _scan_matrix(run, memory, modified), extra_calls=1)
    if found is not None:
        return found
    for _ in range(READS):
        with leaving_together(run):
            scan = Scan(run.new_token())
            for each in run.lark.scan() if modified is None else run.lark.scan_newest(modified):
                _take_in(run, scan, each)
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


def _scan_matrix(run: Run, memory: MatrixMemory, modified: Field | None) -> Scan:
    head = look_first(run, modified)
    scan = Scan(run.new_token())
    try:
        with leaving_together(run):
            for page in matrix_pages(run, memory, total=head.total, modified=modified):
                _take_in(run, scan, page)
            _require_all(scan, head.total)
            settle_leavers(run)
    except Unfit:
        drop_marks(run, scan.scan_id)
        raise
    # what was modified later is met by the pull that follows, or by the next one
    scan.newest_ms = head.newest_ms
    return scan


def _take_in(run: Run, scan: Scan, each: LarkPage) -> None:
    page = replace(each, rows=run.judge(each.rows))
    outcome = ingest(run, Bundle(page.rows, compare_all=True))
    run.transact(_mark, scan, page, outcome.keys_found)
    _count(run, scan, page)
    scan.unsettled |= run.settling.new & {row.id for row in page.rows}


def _require_all(scan: Scan, total: int | None) -> None:
    """Hold a scan by base/v3, which tells no count, against v1's.

    :raises Unfit: it may have passed records over.
    """
    if total is None or scan.seen < total:
        raise Unfit(f"base/v3 shows {scan.seen} of {total} records", lasting=False)
    scan.total = scan.seen


def scan_keys(run: Run, scan: Scan, *, total: int | None = None) -> None:
    """Read every record's key field only, to learn which records are gone.

    :param total: what Lark says the table holds, where that is known already.
    """
    columns = run.binding.rules.key_columns[:1]

    def read(memory: MatrixMemory) -> bool:
        try:
            for page in matrix_ids(run, memory, columns, total):
                _see(run, scan, page)
            _require_all(scan, total)
        except Unfit:
            drop_marks(run, scan.scan_id)
            scan.restart()
            raise
        return True

    if total is None or by_matrix(run, read) is None:
        for each in run.lark.scan(columns):
            _see(run, scan, each)


def _see(run: Run, scan: Scan, each: LarkPage) -> None:
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
    for some in split([id_ for id_ in scan.surfaced if id_ not in run.settling.left], UNSEEN_PAGE):
        fates, rows = read_by_id(run, some)
        # the scan has just seen them
        scan.is_doubtful = scan.is_doubtful or bool(fates.hidden)
        run.report.rows_lark += len(rows)
        ingest(run, Bundle(rows))
        taken = [row.id for row in rows if row.id not in run.settling.left]
        run.transact(_mark_out_of_sight, taken, out_of_sight=False)
    scan.unsettled = run.settling.new & set(scan.surfaced)


def _mark(tx: Transaction, scan: Scan, page: LarkPage, keys_found: Iterable[str] = ()) -> None:
    marks = tx.scan(scan.scan_id)
    marks.mark("lark", [row.id for row in page.rows])
    marks.mark("outside", [row.id for row in page.rows if row.outside])
    marks.mark("sql", keys_found)


def _mark_out_of_sight(tx: Transaction, ids: Sequence[RecordId], *, out_of_sight: bool) -> None:
    tx.pairs.mark_out_of_sight(ids, out_of_sight=out_of_sight)


def _count(run: Run, scan: Scan, page: LarkPage) -> None:
    if scan.pages == 0 and page.rows:
        scan.newest_ms = newest(page)
    scan.slipped = scan.slipped or has_slipped(scan.total, page)
    scan.pages += 1
    scan.seen += len(page.rows)
    scan.total = page.total
    run.report.rows_lark += len(page.rows)
