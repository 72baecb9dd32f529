"""``make plan-fuzz``: many random trials of plan against run, on every database.

A seed that fails prints its story, and the command that replays it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.report import ApplyReport
from airflow_provider_lark.emulator import Emulator
from tests.chaos.campaign import numbers
from tests.databases import KINDS, EngineOf, databases
from tests.sync.plan_trial import Trial, compare, unlisted

ROUNDS = 4
WAITING = {"hold", "conflict", "refuse", "wait"}


def run_trial(trial: Trial) -> list[str]:
    """Edit, plan and run, a few times; return where plan and run were not of one mind."""
    dice = trial.dice
    if trial.has_one_way:
        # until the table has a modification time, a plan cannot meet the records again that the run makes
        trial.engine().setup()
    for number in range(ROUNDS):
        trial.edit(dice.randint(0, 12) if number else dice.randint(6, 16))
        operation = dice.choice(["incremental", "incremental", "full"])
        allowed, stored = dice.random() < 0.2, dice.random() < 0.3
        trial.story.append(f"-- {operation}, {'applied' if stored else 'run'}, allow_mass_deletes={allowed}")
        before, ledger = (trial.rows(), trial.records()), trial.ledger()
        with trial.engine().plan(operation, allow_mass_deletes=allowed) as plan:
            trial.story += [f"   plan: {action}" for action in plan.actions()]
            if (*before, ledger) != (trial.rows(), trial.records(), trial.ledger()):
                return ["the plan has written"]
            if stored and dice.random() < 0.3:
                return run_touched(trial, plan)
            runner, report = trial.engine(), None
            try:
                if stored:
                    report = runner.apply(plan)
                else:
                    work = runner.full if operation == "full" else runner.incremental
                    report = work(allow_mass_deletes=allowed)
            except SafetyStop:
                trial.story.append("   held")
            problems = compare(trial, plan, report, runner.run_id, before)
            if isinstance(report, ApplyReport) and report.changed:
                problems.append(f"of a plan that was run at once, {report.changed_keys} were changed")
        if problems:
            return problems
        with trial.engine().plan("incremental") as again:
            left = [each for each in again.actions() if each.kind not in WAITING]
        # what Lark alone may say of a new row follows in the next run
        if left and not stored and not trial.has_one_way:
            return [f"after the run there is more to do: {each}" for each in left]
    return []


def run_touched(trial: Trial, plan: Plan) -> list[str]:
    """Edit both sides after *plan*, and run it: it writes only cells that the plan lists."""
    trial.story.append("-- edits after the plan")
    trial.edit(trial.dice.randint(2, 6))
    before = (trial.rows(), trial.records())
    try:
        trial.engine().apply(plan)
    except SafetyStop:
        trial.story.append("   held")
    return unlisted(trial, plan, before)


@contextmanager
def places(directory: Path) -> Iterator[tuple[Emulator, LarkClient, EngineOf]]:
    """Give an emulator, a client and one database of each kind, as it is asked for."""
    with ExitStack() as stack:
        make = stack.enter_context(databases(directory))
        emu = stack.enter_context(Emulator())
        client = stack.enter_context(LarkClient(emu.app_id, emu.app_secret, emu.url))

        @cache
        def give(kind: str) -> sa.Engine:
            engine = make(kind)
            migrate.upgrade(engine)
            return engine

        yield emu, client, give


def main() -> int:
    parser = argparse.ArgumentParser(prog="make plan-fuzz", description=__doc__)
    parser.add_argument("--seeds", type=numbers, default=numbers("0-99"), help="such as 17, 0-999 or 1,5,20-29")
    parser.add_argument("--databases", default=",".join(KINDS), help="which of " + ", ".join(KINDS))
    options = parser.parse_args()
    began, failed = time.monotonic(), 0
    with TemporaryDirectory(prefix="plan-fuzz-") as directory, places(Path(directory)) as (emu, client, engine_of):
        for seed in options.seeds:
            for kind in options.databases.split(","):
                with Trial(emu, client, engine_of(kind), seed).at_work() as trial:
                    problems = run_trial(trial)
                emu.faults.clear()
                if problems:
                    failed += 1
                    print("\n".join([*trial.story, *(f"!! {each}" for each in problems)]))
                    print(f"again: make plan-fuzz SEEDS={seed} DATABASES={kind}\n", flush=True)
    print(f"{len(options.seeds)} seeds, {failed} failed ({time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
