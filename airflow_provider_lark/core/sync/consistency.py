"""The consistency check: every record is read once; what differs is read again before it is called drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkRow, SqlRow
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.report import CheckReport
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

#: differences beyond so many are counted as they were first seen, without a second look
RECHECKED_MAX = 5_000
SAMPLES = 20


@dataclass(slots=True)
class _Comparison:
    """Ids by what was found; a record's id, or a key where there is no record.

    :ivar unread: records that Lark did not show again: what was seen at first stands.
    """

    equal: int = 0
    different: list[str] = field(default_factory=list)
    only_lark: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


def compare(run: Run, report: CheckReport, scan_id: str) -> None:
    """Compare all rows of both sides, and fill *report*; nothing but the scan's own marks is written."""
    first = _Comparison()
    for page in run.lark.scan():
        report.rows_lark += len(page.rows)
        run.transact(_compare_page, run, page.rows, first, scan_id)
    report.equal = first.equal
    doubtful = (first.different + first.only_lark)[:RECHECKED_MAX]
    again = _look_again(run, doubtful, scan_id)
    beyond = set(first.different + first.only_lark) - set(doubtful) | again.unread
    report.equal += again.equal
    different = again.different + [id_ for id_ in first.different if id_ in beyond]
    only_lark = again.only_lark + [id_ for id_ in first.only_lark if id_ in beyond]
    only_sql = _find_only_sql(run, report, scan_id)
    names = first.names | again.names
    _fill(run, report, {"different": different, "only_lark": only_lark, "only_sql": only_sql}, names)


def _compare_page(tx: Transaction, run: Run, rows: Sequence[LarkRow], found: _Comparison, scan_id: str) -> None:
    rows = run.links.to_keys(tx, rows)
    paired = tx.pairs.by_records([row.id for row in rows])
    keys: dict[str, Key] = {}
    for row in rows:
        pair = paired.get(row.id)
        key = pair.key if pair is not None else _key_or_none(run, row)
        if key is not None:
            keys[row.id] = key
    sql = tx.sql.read(list(dict.fromkeys(keys.values())))
    tx.scan(scan_id).mark("sql", sql)
    for row in rows:
        key, pair = keys.get(row.id), paired.get(row.id)
        other = sql.get(key) if key is not None else None
        if pair is not None and pair.tombstone:
            continue
        found.names[row.id] = key or row.id
        if other is None or run.is_deleted(other):
            found.only_lark.append(row.id)
        elif row.problems or other.problems or not _agree(run, row, other, pair):
            found.different.append(row.id)
        else:
            found.equal += 1
            del found.names[row.id]


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


def _look_again(run: Run, record_ids: Sequence[str], scan_id: str) -> _Comparison:
    """Read the doubtful records and their rows once more: an edit may have passed between the two reads."""
    again = _Comparison()
    if record_ids:
        fates = run.lark.table.look_up(record_ids)
        again.unread.update(fates.hidden)
        run.transact(_compare_page, run, [run.lark.decode(record) for record in fates.shown], again, scan_id)
    return again


def _find_only_sql(run: Run, report: CheckReport, scan_id: str) -> list[Key]:
    deletes = run.binding.mapping.deletes
    columns = run.binding.rules.key_columns + ((deletes.column,) if deletes.mode == "soft" else ())
    only: list[Key] = []
    with open_session(run.engine) as conn:
        tx = Transaction(conn, run.binding, run.run_id)
        for page in tx.sql.scan(columns):
            report.rows_sql += len(page.rows)
            live = [row.id for row in page.rows if not run.is_deleted(row)]
            only.extend(tx.scan(scan_id).unmarked("sql", live))
        known = tx.pairs.by_keys(only)
    return [key for key in only if not (key in known and known[key].tombstone)]


def _fill(run: Run, report: CheckReport, found: Mapping[str, Sequence[str]], names: dict[str, str]) -> None:
    keys = {kind: [names.get(id_, id_) for id_ in ids] for kind, ids in found.items()}
    everything = [Key(key) for some in keys.values() for key in some]
    waiting = run.read(lambda tx: tx.queue.changed_at(everything))
    real = {kind: [key for key in some if Key(key) not in waiting] for kind, some in keys.items()}
    report.pending = len(everything) - sum(map(len, real.values()))
    report.different = len(real["different"])
    report.only_lark = len(real["only_lark"])
    report.only_sql = len(real["only_sql"])
    report.samples = {kind: some[:SAMPLES] for kind, some in real.items() if some}
    direction = run.binding.mapping.direction
    # a one-way mapping leaves alone what the other side has of its own
    drift = report.different
    drift += report.only_lark if direction != "to_lark" else 0
    drift += report.only_sql if direction != "to_sql" else 0
    report.in_step = drift == 0
