"""Carrying an undo out, as a run of its own: what is not as the plan saw it any more is left, and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.ledger.history.changes import UNDO
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.engine import SyncEngine
from airflow_provider_lark.core.sync.push.create import NewRow, create_records
from airflow_provider_lark.core.sync.push.open_intents import settle_intents
from airflow_provider_lark.core.sync.push.update import Work, update_records
from airflow_provider_lark.core.sync.report import UndoReport
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.cells import (
    CHANGED,
    NOT_TAKEN,
    CellsBack,
    as_planned,
    give_cells_back,
    update_of,
)
from airflow_provider_lark.core.sync.undo.decide import Present
from airflow_provider_lark.core.sync.undo.look import (
    Records,
    live_pair_of,
    read_present,
    read_records,
    read_written,
)
from airflow_provider_lark.core.sync.undo.plan import UndoPlan
from airflow_provider_lark.core.sync.undo.records import Removed, remove_records
from airflow_provider_lark.core.sync.undo.rows import RowWrites, write_rows
from airflow_provider_lark.core.sync.undo.steps import Left, Name, Step
from airflow_provider_lark.core.sync.undo.written import Net


def carry_out(engine: SyncEngine, plan: UndoPlan, *, allow_mass_deletes: bool = False) -> UndoReport:
    """Take back what *plan* lists, and nothing else.

    Each row is looked at again right before it is written to, SQL's in the same transaction.

    :param allow_mass_deletes: as for the plan.
    """
    report = UndoReport(engine.mapping.name, "undo", planned=len(plan.steps))
    with engine.running(report, allow_mass_deletes=allow_mass_deletes) as run:
        # what an interrupted run wrote has to be known first
        settle_intents(run)
        for some in plan.by_page():
            keys = list(dict.fromkeys(step.key for step in some))
            _do_page(run, plan.run_id, keys, {step.name: step for step in some})
        report.not_done += len(plan.left)
        report.skipped = report.not_done
    if report.not_done or report.failed:
        report.status = "partial"
    return report


def _texts(left: Sequence[Left]) -> list[str]:
    return [f"{each.key}: {each.column}{': ' if each.column else ''}{each.why}" for each in left]


@dataclass(slots=True)
class _LarkWork:
    """What is left to do in Lark once SQL's part is committed."""

    updates: list[Work] = field(default_factory=list)
    removals: list[Removed] = field(default_factory=list)
    creates: list[NewRow] = field(default_factory=list)
    alone: list[Key] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    rows: RowWrites = field(default_factory=RowWrites)


def _do_page(run: Run, run_id: str, keys: Sequence[Key], wanted: Mapping[Name, Step]) -> None:
    written = read_written(run, run_id, keys)
    records = read_records(run, written)
    cells = give_cells_back(run, written, records, wanted)
    work = run.transact(_write, run, run_id, written, records, wanted, cells)
    report = run.report
    report.to_sql.created += work.rows.created
    report.to_sql.updated += work.rows.updated
    report.to_sql.deleted += work.rows.deleted
    update_records(run, work.updates)
    work.left += remove_records(run, run_id, work.removals)
    create_records(run, work.creates)
    if work.alone:
        # their rows do not come back: the pair ends, or the next run would delete the records again
        run.transact(lambda tx: tx.pairs.tombstone(work.alone))
    if isinstance(report, UndoReport):
        report.add_not_done(_texts(work.left))


def _write(
    tx: Transaction,
    run: Run,
    run_id: str,
    written: Mapping[Key, Sequence[Net]],
    records: Records,
    wanted: Mapping[Name, Step],
    cells: CellsBack,
) -> _LarkWork:
    """Write SQL's part, and return Lark's.

    :param cells: what Lark has been written already.
    """
    present = read_present(tx, run, written, records, for_update=True)
    work = _LarkWork()
    steps, gone = as_planned(run, written, present, wanted)
    work.left += [Left(step.side, step.key, step.record_id, "", CHANGED) for step in gone]
    work.left += [Left(step.side, step.key, step.record_id, "", NOT_TAKEN) for step in steps if cells.keeps(step)]
    steps = _within_guard(run, [step for step in steps if not cells.keeps(step)], work)
    work.rows = write_rows(tx, run, run_id, steps, present)
    work.left += work.rows.left
    refused = {each.key for each in work.rows.left}
    for step in steps:
        if step.key not in refused and not cells.wrote(step):
            _add(tx, run, step, present[step.key], work)
    work.creates = _queued(tx, run, work)
    parted = {step.key for step in steps if step.kind == "delete" and step.key not in refused}
    # a row that stays wants its cells again
    tx.queue.enqueue(sorted(cells.written - parted))
    return work


def _queued(tx: Transaction, run: Run, work: _LarkWork) -> list[NewRow]:
    """Put rows that come back into the queue: an undo that dies leaves it to the next run to make their records."""
    back = [row.key for row in work.creates if row.key not in work.alone]
    if not back:
        return work.creates
    tx.queue.enqueue(back, operation="INSERT")
    entries = {claim.key: claim.entry_ids for claim in tx.claim_among(back, token=run.token)}
    return [replace(row, entry_ids=entries.get(row.key, ())) for row in work.creates]


def _within_guard(run: Run, steps: Sequence[Step], work: _LarkWork) -> list[Step]:
    kept, room = [], {"lark": run.guard.room("lark"), "sql": run.guard.room("sql")}
    for step in steps:
        if step.kind == "delete":
            room[step.side] -= 1
            if room[step.side] < 0:
                work.left.append(Left(step.side, step.key, step.record_id, "", "more deletes than a run may carry out"))
                continue
        kept.append(step)
    return kept


def _add(tx: Transaction, run: Run, step: Step, now: Present, work: _LarkWork) -> None:
    if step.kind == "restore" and step.lark is not None:
        (sendable,) = run.links.to_records(tx, [step.lark])
        work.creates.append(NewRow(step.key, step.lark, sendable, policy=UNDO))
        work.alone += [step.key] if step.sql == "none" else []
    if step.side != "lark" or step.kind == "restore":
        return
    pair = work.rows.pairs.get(step.key) or live_pair_of(now)
    if step.kind == "delete":
        work.removals.append(Removed(step.key, pair, now.row))
        return
    work.updates.append(update_of(tx, run, step, pair))
