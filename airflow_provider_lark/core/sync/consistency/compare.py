"""The first look: every record is read once, and every row; nothing but the scan's own marks is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.lark_side.matrix_scan import Unfit
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkPage, LarkRow, RecordId, SqlRow
from airflow_provider_lark.core.sync.consistency.findings import Finding, Findings
from airflow_provider_lark.core.sync.consistency.judge import ABSENT, UNKNOWN, Kind, Seen, digest
from airflow_provider_lark.core.sync.pull.changes import has_slipped
from airflow_provider_lark.core.sync.pull.full_scan import drop_marks
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.report import CheckReport, RepairReport
from airflow_provider_lark.core.sync.run.matrix_pages import by_matrix, look_first, matrix_pages
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


class Met(NamedTuple):
    """A record and its row, as they are now.

    :param kind: how they differ; None where they do not, or where both may be as they are.
    :param sql: also a row that is marked as deleted.
    """

    kind: Kind | None
    key: Key | None
    lark: LarkRow | None
    sql: SqlRow | None
    pair: Pair | None

    @property
    def is_equal(self) -> bool:
        """Whether both sides are there, belong to the mapping and agree."""
        if self.kind is not None or (self.pair is not None and self.pair.tombstone):
            return False
        return all(row is not None and not row.outside for row in (self.lark, self.sql))

    @property
    def rests(self) -> bool:
        """Whether the record belongs to the mapping, and its row does not any more."""
        if self.pair is None or not self.pair.outside or self.pair.tombstone:
            return False
        return self.lark is not None and not self.lark.outside and self.sql is not None and self.sql.outside

    @property
    def seen(self) -> Seen:
        """What both sides hold, as digests."""
        lark, sql = (None if row is None else row.values for row in (self.lark, self.sql))
        return Seen(digest(lark), digest(sql))


def compare(run: Run, report: CheckReport, findings: Findings, scan_id: str) -> bool:
    """Compare all rows of both sides, count what is equal in *report*, and keep what differs.

    :returns: whether Lark has shown as many records as it says there are.
    """
    is_complete = by_matrix(run, lambda memory: _by_matrix(run, report, findings, scan_id, memory))
    report.fallbacks = run.report.fallbacks
    if is_complete is None:
        is_complete = _compare(run, report, findings, scan_id, run.lark.scan())
    _find_only_sql(run, report, findings, scan_id)
    return is_complete


def _by_matrix(run: Run, report: CheckReport, findings: Findings, scan_id: str, memory: MatrixMemory) -> bool:
    # only what a repair does depends on whether each record was seen
    total = look_first(run, None).total if isinstance(report, RepairReport) else None
    try:
        if not _compare(run, report, findings, scan_id, matrix_pages(run, memory, total=total, takes_in=False)):
            raise Unfit("base/v3 shows fewer records than Lark counts", lasting=False)
    except Unfit:
        findings.clear()
        drop_marks(run, scan_id)
        report.rows_lark = report.equal = 0
        raise
    return True


def _compare(run: Run, report: CheckReport, findings: Findings, scan_id: str, pages: Iterable[LarkPage]) -> bool:
    total: int | None = None
    slipped, count = False, 0
    for page in pages:
        slipped = slipped or has_slipped(total, page)
        total = page.total
        count += len(page.rows)
        # what the mapping's filter keeps out is none of its rows
        rows = [row for row in run.judge(page.rows) if not row.outside]
        report.rows_lark += len(rows)
        met = run.transact(_meet_page, run, rows, scan_id)
        differing = [each for each in met if each.kind is not None]
        report.equal += sum(each.is_equal for each in met)
        _count_resting(report, sum(each.rests for each in met))
        findings.add(_to_finding(each) for each in differing)
    return not slipped and (total is None or count >= total)


def meet(tx: Transaction, run: Run, rows: Sequence[LarkRow]) -> list[Met]:
    """Find the rows of records, and compare the two."""
    rows = run.links.to_keys(tx, rows)
    paired = tx.pairs.by_records([row.id for row in rows])
    keys: dict[str, Key] = {}
    for row in rows:
        pair = paired.get(row.id)
        key = pair.key if pair is not None else _key_or_none(run, row)
        if key is not None:
            keys[row.id] = key
    sql = tx.sql.read(list(dict.fromkeys(keys.values())))
    found = []
    for row in rows:
        key, pair = keys.get(row.id), paired.get(row.id)
        other = sql.get(key) if key is not None else None
        found.append(Met(_kind_of(run, row, other, pair), key, row, other, pair))
    return found


def meet_row(run: Run, key: Key, row: SqlRow | None, pair: Pair | None) -> Met:
    """Return a row that has no record."""
    has_none = row is None or run.is_deleted(row) or not _ought_to_have_record(run, row, pair)
    return Met(None if has_none else "only_sql", key, None, row, pair)


def _meet_page(tx: Transaction, run: Run, rows: Sequence[LarkRow], scan_id: str) -> list[Met]:
    met = meet(tx, run, rows)
    tx.scan(scan_id).mark("sql", [each.sql.id for each in met if each.sql is not None])
    return met


def _kind_of(run: Run, row: LarkRow, other: SqlRow | None, pair: Pair | None) -> Kind | None:
    if (pair is not None and pair.tombstone) or row.outside or _stays_out(run, row, other):
        return None
    if other is None or run.is_deleted(other):
        return "only_lark"
    return None if not row.problems and not other.problems and _agree(run, row, other, pair) else "different"


def _stays_out(run: Run, row: LarkRow, other: SqlRow | None) -> bool:
    """Tell whether SQL's filter keeps the row of a record out, or would if there was one."""
    if other is not None:
        return other.outside
    new = {name: value for name, value in row.values.items() if name in run.binding.rules.to_sql}
    return run.row_would_belong(new) is False


def _ought_to_have_record(run: Run, row: SqlRow, pair: Pair | None) -> bool:
    """Tell whether a live row without a record differs by that, or is outside a filter, or its record would be."""
    if pair is not None and (pair.tombstone or pair.outside):
        return False
    return not row.outside and run.record_would_belong(row.values) is not False


def _to_finding(met: Met) -> Finding:
    if met.kind is None or met.lark is None:
        raise AssertionError("only a record that differs is a finding")
    return Finding(met.kind, met.key or "", met.lark.id, met.seen)


def _key_or_none(run: Run, row: LarkRow) -> Key | None:
    try:
        return key_of(run, row.values)
    except RowError:
        return None


def _agree(run: Run, lark: LarkRow, sql: SqlRow, pair: Pair | None) -> bool:
    base, near = (pair.base or {}, pair.near or {}) if pair is not None and not pair.is_given_up else ({}, {})
    return all(
        lark.values[name] == sql.values[name]
        # what Lark made of a write is known, logged and counted; neither side has changed since
        or (name in near and sql.values[name] == near[name] and lark.values[name] == base.get(name))
        for name in run.binding.rules.all_columns
    )


def _find_only_sql(run: Run, report: CheckReport, findings: Findings, scan_id: str) -> None:
    deletes = run.binding.mapping.deletes
    columns = run.binding.rules.key_columns + ((deletes.column,) if deletes.mode == "soft" else ())
    columns += run.binding.filtered_columns
    with open_session(run.engine) as conn:
        tx = Transaction(conn, run.binding, run.run_id)
        for page in tx.sql.scan(columns):
            inside = {row.id: row for row in page.rows if not row.outside}
            report.rows_sql += len(inside)
            live = [key for key, row in inside.items() if not run.is_deleted(row)]
            alone = tx.scan(scan_id).unmarked("sql", live)
            known = tx.pairs.by_keys(alone)
            _count_resting(report, sum(pair.outside and not pair.tombstone for pair in known.values()))
            findings.add(
                Finding("only_sql", key, _record_of(known.get(key)), Seen(_record_digest(known.get(key)), UNKNOWN))
                for key in alone
                if _ought_to_have_record(run, inside[key], known.get(key))
            )


def _count_resting(report: CheckReport, count: int) -> None:
    """Count rows that are not compared, because their other side has left its filter."""
    if count:
        report.pending += count
        report.waiting["outside"] = report.waiting.get("outside", 0) + count


def _record_of(pair: Pair | None) -> RecordId:
    return RecordId("") if pair is None else pair.record_id


def _record_digest(pair: Pair | None) -> str:
    # a list may lack a record that exists; only by its id does Lark say that it is gone
    return ABSENT if pair is None else UNKNOWN
