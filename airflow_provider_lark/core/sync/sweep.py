"""Reading all of Lark: complete scans, and the deletes that only a complete scan can tell of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.stores.base import Key, Page, RecordId
from airflow_provider_lark.core.stores.ledger import pairs, parked, queue, scans
from airflow_provider_lark.core.stores.ledger.pairs import Pair
from airflow_provider_lark.core.sync.bundle import Bundle, Taken
from airflow_provider_lark.core.sync.changes import READS, has_slipped, newest
from airflow_provider_lark.core.sync.run import Run
from airflow_provider_lark.core.sync.twins import take_in

UNSEEN_PAGE = 500


@dataclass(slots=True)
class Scan:
    """A scan and what it has seen.

    :param total: what Lark said the table holds, on the last page that was read.
    :param unknown: records that belong to no pair and wait nowhere.
    :param newest_ms: the newest modification when the scan began; what came later is left to a pull.
    """

    scan_id: str
    seen: int = 0
    total: int | None = None
    newest_ms: int | None = None
    pages: int = 0
    slipped: bool = False
    held: list[str] = field(default_factory=list)
    unknown: list[RecordId] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether as many records were read as Lark says there are."""
        return not self.slipped and (self.total is None or self.seen >= self.total)


def scan_all(run: Run) -> Scan:
    """Read every record with all mapped fields, and take each page into SQL; once more where some went unread."""
    for _ in range(READS):
        scan = Scan(run.new_token())
        # the newest first only where a pull follows, which meets what moves to the front meanwhile
        modified = None if run.binding.mapping.direction == "to_lark" else run.binding.modified_field
        for page in run.lark.scan() if modified is None else run.lark.scan_newest(modified):
            taken = take_in(run, Bundle(page.rows, compare_all=True))
            run.transact(_mark_page, scan, page, taken)
            _count(run, scan, page)
        if scan.is_complete:
            return scan
        run.transact(scans.drop, scan.scan_id)
    run.report.warnings.append(
        f"the scan read {scan.seen} of {scan.total} records, {READS} times; nothing is deleted, and no record is made "
        "for rows that no change told of, before a scan reads them all"
    )
    return scan


def scan_keys(run: Run, scan: Scan) -> None:
    """Read every record's key field only, to learn which records are gone."""
    for page in run.lark.scan(run.binding.rules.key_columns[:1]):
        ids = [row.id for row in page.rows]
        run.transact(scans.mark, scan.scan_id, "lark", ids)
        scan.unknown.extend(run.transact(_unknown, run, ids))
        _count(run, scan, page)


def _unknown(conn: Connection, run: Run, ids: Sequence[str]) -> list[RecordId]:
    record_ids = [RecordId(id_) for id_ in ids]
    known = pairs.by_records(conn, run.table_name, record_ids).keys() | parked.among(conn, run.table_name, ids)
    return [id_ for id_ in record_ids if id_ not in known]


def take_surfaced(run: Run, scan: Scan) -> None:
    """Take in records that appeared behind the watermark: an undone delete, or a right that was given back."""
    for start in range(0, len(scan.unknown), UNSEEN_PAGE):
        answer = run.client.bitable.batch_get(
            app_token=run.binding.app_token,
            table_id=run.binding.table_id,
            record_ids=scan.unknown[start : start + UNSEEN_PAGE],
        )
        rows = [run.lark.decode(record) for record in answer.records]
        run.report.rows_lark += len(rows)
        take_in(run, Bundle(rows))


def _mark_page(conn: Connection, scan: Scan, page: Page, taken: Taken) -> None:
    scans.mark(conn, scan.scan_id, "lark", [row.id for row in page.rows])
    scans.mark(conn, scan.scan_id, "sql", taken.keys_found)


def _count(run: Run, scan: Scan, page: Page) -> None:
    if scan.pages == 0 and page.rows:
        scan.newest_ms = newest(page)
    scan.slipped = scan.slipped or has_slipped(scan.total, page)
    scan.pages += 1
    scan.seen += len(page.rows)
    scan.total = page.total
    run.report.rows_lark += len(page.rows)


def settle_lark_deletes(run: Run, scan: Scan, *, allow_mass_deletes: bool) -> None:
    """Take records that the scan did not see for deleted, once Lark confirms that each is absent."""
    if _may_delete(run, scan, "lark", allow_mass_deletes):
        for unseen in _unseen(run, scan, "lark"):
            answer = run.client.bitable.batch_get(
                app_token=run.binding.app_token,
                table_id=run.binding.table_id,
                record_ids=[pair.record_id for pair in unseen],
            )
            gone = [RecordId(record_id) for record_id in answer.absent_record_ids]
            take_in(run, Bundle((), gone=gone))


def settle_sql_deletes(run: Run, scan: Scan, *, allow_mass_deletes: bool) -> None:
    """Queue the deletes of SQL rows of which no trigger told; what waits in the queue anyway is left to it."""
    if run.binding.mapping.direction == "to_sql" or not _may_delete(run, scan, "sql", allow_mass_deletes):
        return
    for unseen in _unseen(run, scan, "sql"):
        run.transact(_queue_deletes, run, unseen)


def _queue_deletes(conn: Connection, run: Run, unseen: Sequence[Pair]) -> None:
    keys = [pair.key for pair in unseen]
    known = parked.changed_at(conn, run.table_name, keys).keys() | run.sql(conn).read(keys).keys()
    queue.enqueue(conn, run.table_name, [key for key in keys if key not in known], operation="DELETE")


def _may_delete(run: Run, scan: Scan, side: scans.Side, allow_mass_deletes: bool) -> bool:
    if scan.held:
        return False
    missing, live, waiting = run.transact(_count_missing, run, scan, side)
    if missing == 0:
        return False
    if side == "sql" and not scan.is_complete:
        # the rows of records that went unread were not looked for
        return False
    if not scan.is_complete:
        run.report.warnings.append(
            f"the scan read {scan.seen} of {scan.total} records; nothing is deleted before a scan reads them all"
        )
        return False
    mapping = run.binding.mapping
    doubtful = missing - waiting
    limit = max(mapping.max_delete_rows, int(mapping.max_delete_ratio * live))
    if allow_mass_deletes or (doubtful <= limit and doubtful < live) or doubtful == 0:
        return True
    name = "Lark" if side == "lark" else "SQL"
    scan.held.append(
        f"{name} no longer shows {missing} of {live} rows, more than the limit for deletes ({limit}, or all rows); "
        "nothing was deleted. If it was meant, run the full sync with allow_mass_deletes=True; if not, check the "
        "app's rights on the table (advanced permissions hide rows), or restore them"
    )
    return False


def _count_missing(conn: Connection, run: Run, scan: Scan, side: scans.Side) -> tuple[int, int, int]:
    missing = waiting = 0
    after: Key | None = None
    while page := scans.pairs_unseen(conn, run.table_name, scan.scan_id, side, limit=UNSEEN_PAGE, after=after):
        missing += len(page)
        after = page[-1].key
        if side == "sql":
            waiting += len(parked.changed_at(conn, run.table_name, [pair.key for pair in page]))
    return missing, pairs.count(conn, run.table_name), waiting


def _unseen(run: Run, scan: Scan, side: scans.Side) -> Iterator[list[Pair]]:
    after: Key | None = None
    while True:
        page = run.transact(scans.pairs_unseen, run.table_name, scan.scan_id, side, limit=UNSEEN_PAGE, after=after)
        if not page:
            return
        yield page
        after = page[-1].key


def refuse_held_deletes(run: Run, scan: Scan) -> None:
    """End the run with an error if deletes were held back; everything else has been done by then.

    :raises SafetyStop: says how many rows are missing where, and what to do.
    """
    if scan.held:
        run.report.status = "held"
        raise SafetyStop(f"mapping {run.binding.mapping.name!r}: " + "; ".join(scan.held))
