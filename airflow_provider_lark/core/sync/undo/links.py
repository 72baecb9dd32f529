"""Links to records that come back: Lark dropped them with the old records, and SQL's rows still name the keys.

They are set in the linking tables' own mappings, through ``link:``, as runs of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.history.changes import UNDO
from airflow_provider_lark.core.side import Key, LarkRow, RecordId
from airflow_provider_lark.core.sync.decide import PushDecision
from airflow_provider_lark.core.sync.engine import SyncEngine
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.actions import Change
from airflow_provider_lark.core.sync.push.update import Work, update_records
from airflow_provider_lark.core.sync.report import UndoReport
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.look import PAGE
from airflow_provider_lark.core.sync.undo.plan import UndoPlan, run_to_look
from airflow_provider_lark.core.sync.undo.steps import Step

_NOTE = "its link leads to a record that comes back"


def links_to(mapping: TableMapping, table_name: str) -> bool:
    """Tell whether a field of *mapping* links to the records of a table."""
    return any(pair.link == table_name for pair in mapping.fields or ())


def plan_links(engine: SyncEngine, table_name: str, keys: Collection[str], run_id: str) -> UndoPlan:
    """Return which records of a mapping get back a link to one of *keys* of another table.

    :param run_id: of the run that had deleted the records of *keys*.
    """
    run = run_to_look(engine)
    columns = _columns(run, table_name)
    found = run.read(_naming, run, columns, keys)
    plan = UndoPlan(engine.mapping.name, run_id)
    for some in split(found, PAGE):
        plan.steps += _look(run, some, columns, keys)
    return plan


def set_links(engine: SyncEngine, plan: UndoPlan, table_name: str, keys: Collection[str]) -> UndoReport:
    """Set the links that *plan* lists, where they still are as it saw them."""
    report = UndoReport(engine.mapping.name, "undo", planned=len(plan.steps))
    with engine.running(report) as run:
        columns = _columns(run, table_name)
        for some in plan.by_page():
            wanted = {step.key: step for step in some}
            steps = [step for step in _look(run, list(wanted), columns, keys) if wanted.get(step.key) == step]
            update_records(run, run.transact(_work, run, steps))
            gone = wanted.keys() - {step.key for step in steps}
            report.add_not_done([f"{key}: changed since the plan was made" for key in sorted(gone)])
    if report.not_done or report.failed:
        report.status = "partial"
    return report


def _columns(run: Run, table_name: str) -> list[str]:
    pairs = run.binding.pairs
    return [
        p.column.name for p in pairs if p.link is not None and p.link.table_name == table_name and p.flow != "to_sql"
    ]


def _naming(tx: Transaction, run: Run, columns: Sequence[str], keys: Collection[str]) -> list[Key]:
    """Return the rows that name one of *keys*; all are looked at, since a list of keys has no index."""
    wanted = set(keys)
    return [
        row.id
        for page in tx.sql.scan([*run.binding.rules.key_columns, *columns])
        for row in page.rows
        if any(wanted & set(_texts(row.values.get(name))) for name in columns)
    ]


def _texts(value: Canonical) -> list[str]:
    if value is None:
        return []
    return [str(part) for part in value] if isinstance(value, tuple) else [str(value)]


def _look(run: Run, rows: Sequence[Key], columns: Sequence[str], keys: Collection[str]) -> list[Step]:
    pairs = run.read(lambda tx: tx.pairs.by_keys(rows))
    ids = [pair.record_id for pair in pairs.values() if not pair.tombstone and not pair.is_reserved]
    shown = [run.lark.decode(record) for record in run.lark.table.look_up(ids).shown] if ids else []
    return run.read(_steps, run, rows, {row.id: row for row in shown}, columns, keys)


def _steps(
    tx: Transaction,
    run: Run,
    rows: Sequence[Key],
    shown: Mapping[RecordId, LarkRow],
    columns: Sequence[str],
    keys: Collection[str],
) -> list[Step]:
    pairs, held, wanted = tx.pairs.by_keys(rows), tx.sql.read(rows), set(keys)
    records = {row.id: row for row in run.links.to_keys(tx, list(shown.values()))}
    left_alone = tx.blacklist.among(list(rows)) | tx.conflicts.open_keys(list(rows))
    found = []
    for key in rows:
        pair, row = pairs.get(key), held.get(key)
        record = None if pair is None else records.get(pair.record_id)
        if pair is None or row is None or record is None or key in left_alone or run.is_deleted(row):
            continue
        changes = tuple(
            Change(name, record.values[name], row.values[name])
            for name in columns
            if name in record.values and name in row.values and _lacks(record.values[name], row.values[name], wanted)
        )
        if changes:
            found.append(Step("lark", "update", key, pair.record_id, changes, note=_NOTE))
    return found


def _lacks(lark: Canonical, sql: Canonical, keys: set[str]) -> bool:
    """Tell whether only links to *keys* are missing: what else differs is somebody's edit."""
    there, named = set(_texts(lark)), set(_texts(sql))
    return there < named and named - there <= keys


def _work(tx: Transaction, run: Run, steps: Sequence[Step]) -> list[Work]:
    pairs = tx.pairs.by_keys([step.key for step in steps])
    values = [{each.column: each.new for each in step.changes} for step in steps]
    sendables = run.links.to_records(tx, values)
    return [
        Work(Claim(step.key, (), "UPDATE", 0, 0), pairs[step.key], PushDecision("patch", sent), sendable, policy=UNDO)
        for step, sent, sendable in zip(steps, values, sendables, strict=True)
        if not sendable.missing
    ]
