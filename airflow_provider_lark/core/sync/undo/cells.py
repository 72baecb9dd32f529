"""Cells that a run wrote, given back to their records: alone, or before the row that the run made goes again.

The key of a new row that the database made stands in its record. If it stayed there when the row goes, and SQLite gave
it to another row, two records would name one key. So it is taken back first, while the two are still a pair: an undo
that dies in between leaves a pair, of which the next run knows what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.history.changes import UNDO
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.decide import PushDecision
from airflow_provider_lark.core.sync.push.update import Work, update_records
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.decide import Present, plan_row
from airflow_provider_lark.core.sync.undo.look import Records, live_pair_of, names_of, read_present
from airflow_provider_lark.core.sync.undo.steps import Name, Step
from airflow_provider_lark.core.sync.undo.written import Net

CHANGED = "changed since the plan was made"
NOT_TAKEN = "Lark did not take back what was written to its record"


@dataclass(slots=True)
class CellsBack:
    """What was done to the records of rows that go.

    :param written: the keys of those that hold what they held before.
    :param kept: of those that do not, so that their rows stay.
    """

    written: set[Key] = field(default_factory=set)
    kept: set[Key] = field(default_factory=set)

    def keeps(self, step: Step) -> bool:
        """Tell whether a step is not done, because the record stayed as it was."""
        return step.key in self.kept

    def wrote(self, step: Step) -> bool:
        """Tell whether a step is done."""
        return step.key in self.written and step.side == "lark" and step.kind == "update"


def as_planned(
    run: Run, written: Mapping[Key, Sequence[Net]], present: Mapping[Key, Present], wanted: Mapping[Name, Step]
) -> tuple[list[Step], list[Step]]:
    """Return the steps that are still what was planned, and those planned that are not."""
    steps, open_, changed = list[Step](), dict(wanted), list[Step]()
    for key, nets in written.items():
        for step in plan_row(nets, present[key], run.binding.rules, names_of(run))[0]:
            if step.name in open_:
                (steps if open_.pop(step.name) == step else changed).append(step)
    return steps, [*changed, *open_.values()]


def give_cells_back(
    run: Run, written: Mapping[Key, Sequence[Net]], records: Records, wanted: Mapping[Name, Step]
) -> CellsBack:
    """Give the records of rows that go what they held before the run wrote to them."""
    both = {step.key for step in wanted.values() if (step.key, "sql", "delete") in wanted and _is_update(step)}
    if not both:
        return CellsBack()
    mine = {key: nets for key, nets in written.items() if key in both}
    work = run.read(_work, run, mine, records, {name: step for name, step in wanted.items() if step.key in both})
    update_records(run, work)
    pairs = run.read(lambda tx: tx.pairs.by_keys([item.claim.key for item in work]))
    done = {item.claim.key for item in work if _has_landed(item, pairs.get(item.claim.key))}
    return CellsBack(done, {item.claim.key for item in work} - done)


def _work(
    tx: Transaction, run: Run, written: Mapping[Key, Sequence[Net]], records: Records, wanted: Mapping[Name, Step]
) -> list[Work]:
    present = read_present(tx, run, written, records)
    steps, _ = as_planned(run, written, present, wanted)
    going = {step.key for step in steps if step.kind == "delete"}
    updates = [step for step in steps if _is_update(step) and step.key in going]
    return [update_of(tx, run, step, live_pair_of(present[step.key])) for step in updates]


def _is_update(step: Step) -> bool:
    return step.side == "lark" and step.kind == "update"


def _has_landed(item: Work, pair: Pair | None) -> bool:
    base = {} if pair is None else pair.base or {}
    return all(name in base and base[name] == value for name, value in item.sent.items())


def update_of(tx: Transaction, run: Run, step: Step, pair: Pair) -> Work:
    """Return what an update of a record sends."""
    values = {each.column: each.new for each in step.changes}
    (sendable,) = run.links.to_records(tx, [values])
    claim = Claim(step.key, (), "UPDATE", 0, 0)
    # with what the record shows now, which the write is about to replace
    known = replace(pair, base={**(pair.base or {}), **{each.column: each.old for each in step.changes}})
    return Work(claim, known, PushDecision("patch", values), sendable, step.held, UNDO)
