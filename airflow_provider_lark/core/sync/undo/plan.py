"""The plan of an undo: what of a run can be taken back, and what is left, with the reason. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from airflow_provider_lark.core.database.connections import read_only_session
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger.history.completeness import read_gap
from airflow_provider_lark.core.ledger.history.runs import WRITES
from airflow_provider_lark.core.side import Key, Side
from airflow_provider_lark.core.sync.engine import SyncEngine
from airflow_provider_lark.core.sync.plan.look import look
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.decide import plan_row
from airflow_provider_lark.core.sync.undo.look import PAGE, names_of, read_present, read_records, read_written
from airflow_provider_lark.core.sync.undo.spool import Spool
from airflow_provider_lark.core.sync.undo.steps import Left, Step
from airflow_provider_lark.core.sync.users import Users

_SIDES: tuple[Side, Side] = ("lark", "sql")


@dataclass(slots=True)
class UndoPlan:
    """What an undo of a run would do.

    :param run_id: of the run that is taken back.
    :param steps: what of it is, the steps of a row together. They lie in a file, as does what is *left*.
    """

    mapping: str
    run_id: str
    steps: Spool[Step] = field(default_factory=Spool)
    left: Spool[Left] = field(default_factory=Spool)

    @property
    def new_records(self) -> list[Key]:
        """The keys that get a new record in Lark, to which links of other tables may lead."""
        return [step.key for step in self.steps if step.kind == "restore" and step.lark is not None]

    def by_page(self) -> Iterator[list[Step]]:
        """Yield the steps of so many rows as are looked at together."""
        rows = groupby(self.steps, key=lambda step: step.key)
        while page := [step for _, steps in islice(rows, PAGE) for step in steps]:
            yield page


def plan_undo(engine: SyncEngine, run_id: str, *, allow_mass_deletes: bool = False) -> UndoPlan | None:
    """Return what an undo of *run_id* would do; None where the mapping knows no such run.

    :param allow_mass_deletes: rows and records that the run made may go without a limit.
    :raises ConfigError: the run wrote, and what it wrote is not known any more.
    """
    run = run_to_look(engine, allow_mass_deletes=allow_mass_deletes)
    if not run.read(_is_known, engine.mapping.name, run_id):
        return None
    plan = UndoPlan(engine.mapping.name, run_id)
    engine.progress = run.report
    for keys in _pages(run, run_id):
        written = read_written(run, run_id, keys)
        records = read_records(run, written)
        present = run.read(read_present, run, written, records)
        run.report.rows_lark += len(records.shown)
        run.report.rows_sql += len(written)
        for key, nets in written.items():
            steps, left = plan_row(nets, present[key], run.binding.rules, names_of(run))
            plan.steps += steps
            plan.left += left
    _heed_guard(run, plan)
    return plan


def run_to_look(engine: SyncEngine, *, allow_mass_deletes: bool = False) -> Run:
    """Return what reads as a run does; it has no lease, and must not write."""
    with read_only_session(engine.sql_engine) as conn:
        users = Users(engine.client, engine.sql_engine)
        binding = look(engine.client, conn, engine.mapping, users).binding
    return Run(
        client=engine.client,
        engine=engine.sql_engine,
        binding=binding,
        clock=engine.clock,
        run_id=engine.run_id,
        token="",
        new_token=engine.new_token,
        report=SyncReport(engine.mapping.name, "undo"),
        keep_lease=lambda conn: None,
        users=users,
        allow_mass_deletes=allow_mass_deletes,
    )


def _is_known(tx: Transaction, mapping: str, run_id: str) -> bool:
    line = tx.runs.find(run_id)
    known, gap = tx.changes.span_of_run(run_id).writes, read_gap(tx.conn)
    if line is None:
        return known > 0
    is_cut = gap is not None and line.began_ms < gap.until_ms
    if is_cut and gap is not None and (known or any(line.counts[name] for name in WRITES)):
        why = {"retention": "the retention has dropped them", "upgrade": "the ledger kept none then"}[gap.reason]
        raise ConfigError(f"mapping {mapping!r}: this run's bases are gone ({why}), so {run_id!r} cannot be undone")
    if not known and any(line.counts[name] for name in WRITES):
        raise ConfigError(
            f"mapping {mapping!r}: this run's bases are gone (the mapping has history: none, or they were deleted), so "
            f"{run_id!r} cannot be undone"
        )
    return True


def _pages(run: Run, run_id: str) -> Iterator[list[Key]]:
    """Yield the keys that a run wrote to, each once."""
    span = run.read(lambda tx: tx.changes.span_of_run(run_id))
    for first in range(span.first, span.last + 1, PAGE) if span.writes else ():
        if keys := run.read(lambda tx, start: tx.changes.keys_of_run(run_id, start, start + PAGE - 1), first):
            yield keys


def _heed_guard(run: Run, plan: UndoPlan) -> None:
    """Leave the deletes of a side where they are more than a run may carry out."""
    deletes = Counter(step.side for step in plan.steps if step.kind == "delete")
    for side in _SIDES:
        if deletes[side] <= run.guard.room(side):
            continue
        why = (
            f"{deletes[side]} deletes are more than a run may carry out (max_delete_rows, max_delete_ratio); if they "
            "are intended, allow mass deletes"
        )
        plan.left += (Left(side, step.key, step.record_id, "", why) for step in plan.steps if _deletes(step, side))
        plan.steps = Spool(step for step in plan.steps if not _deletes(step, side))


def _deletes(step: Step, side: Side) -> bool:
    return step.kind == "delete" and step.side == side
