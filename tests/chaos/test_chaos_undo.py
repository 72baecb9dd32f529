"""After a storm, each row is explained truthfully, and each run is undone exactly, or not where the reason is named."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.sync.explain.explanation import Explanation, explain
from airflow_provider_lark.core.sync.undo.carry_out import carry_out
from airflow_provider_lark.core.sync.undo.plan import UndoPlan, plan_undo
from tests.chaos.arena import ChaosWorld
from tests.chaos.storm import Storm, _number
from tests.sync.world import wrote

#: `UNDO_SEEDS=80 pytest tests/chaos/test_chaos_undo.py` explains some 1,000 rows
SEEDS = range(int(os.environ.get("UNDO_SEEDS", "2")))
POLICIES = ("newest", "lark", "merge:sql", "merge")
COLUMNS = ("name", "qty", "done")

Snapshot = dict[str, dict[int, dict[str, Any]]]


@dataclass
class RecordedStorm(Storm):
    """A storm that remembers what both sides held before each run.

    :ivar before: by run id; those of runs that left no write in doubt to them.
    """

    before: dict[str, Snapshot] = field(default_factory=dict)
    is_in_doubt: bool = False

    def snapshot(self) -> Snapshot:
        rows = {code: found for code in self.world.rows() if (found := self.sql_row(code)) is not None}
        records = {code: found for code in self.codes() if (found := self.lark_row(code)) is not None}
        return {"sql": rows, "lark": records}

    def run(self) -> None:
        engine, before = self.world.engine(), self.snapshot()
        try:
            report = engine.incremental()
            self.tell(f"incremental {engine.run_id}: {report.summary()} {report.problems}")
            if not self.is_in_doubt:
                self.before[engine.run_id] = before
            self.is_in_doubt = bool(report.failed)
        except LarkError as error:
            self.tell(f"incremental raised {type(error).__name__}: {error}")
            self.is_in_doubt = True
        self.world.emu.faults.clear()


def explained(world: ChaosWorld, key: str) -> Explanation:
    found = explain(world.client, world.sql, world.mapping(), key)
    assert found is not None, key
    return found


def assert_truthful(storm: RecordedStorm, key: str) -> None:
    """What is told of a row is what both sides hold, and its newest write is what the side holds since."""
    told, now = explained(storm.world, key), storm.snapshot()
    for side in ("lark", "sql"):
        held = now[side].get(int(key))
        values = {each.column: getattr(each, side) for each in told.state.values}
        if held is not None:
            assert {name: _plain(name, values[name]) for name in COLUMNS} == held
    is_equal = int(key) in now["sql"] and now["sql"].get(int(key)) == now["lark"].get(int(key))
    assert told.state.word == ("in step" if is_equal else "deleted"), (key, told.state)
    times = [each.at_ms for each in told.events]
    assert times == sorted(times)
    assert told.gap is None
    logged = storm.world.ask(f"SELECT count(*) AS n FROM sync_log WHERE record_id = '{key}' AND status = 'applied'")
    writes = [each for each in told.events if each.after is not None or "deleted" in each.what]
    # a write whose answer was lost is told by its values, and stands in no log
    assert len(writes) >= logged[0].n


def _plain(name: str, value: Any) -> Any:
    return _number(value) if name == "qty" else bool(value) if name == "done" else value or ""


def assert_exact(storm: RecordedStorm, plan: UndoPlan, before: Snapshot) -> None:
    """What was taken back is as it was before the run, and all else is as it was before the undo."""
    world, now = storm.world, storm.snapshot()
    report = carry_out(world.engine(), plan)
    assert not report.failed, report.problems
    after = storm.snapshot()
    done = {(step.key, step.side): step for step in plan.steps}
    for step in plan.steps:
        code = int(step.key)
        if step.kind == "restore":
            assert code in after["sql"]
            assert code in after["lark"]
        elif step.kind == "delete":
            assert code not in after[step.side]
        else:
            for change in step.changes:
                if change.column in COLUMNS and code in before[step.side]:
                    assert after[step.side][code][change.column] == before[step.side][code][change.column], step
    for side in ("sql", "lark"):
        touched = {int(key) for key, where in done if where == side}
        touched |= {int(step.key) for step in plan.steps if step.kind == "restore"}
        rest = {code: row for code, row in now[side].items() if code not in touched}
        assert {code: row for code, row in after[side].items() if code not in touched} == rest
    assert wrote(world.engine().incremental()) == (0, 0)
    assert wrote(world.engine().full()) == (0, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_after_a_storm_are_explained_and_runs_undone(world: ChaosWorld, seed: int) -> None:
    storm = RecordedStorm(world, 7_000 + seed, {"conflict": POLICIES[seed % len(POLICIES)], "max_delete_ratio": 1})
    try:
        storm.blow(rounds=1)
        keys = {row.record_id for row in world.ask("SELECT record_id FROM sync_log")}
        keys = {key for key in keys if key.isdecimal()}
        for key in sorted(keys):
            assert_truthful(storm, key)
        assert keys
        undone = 0
        # the newest first, as a person would; a run that wrote nothing has nothing to undo
        for run_id, before in list(storm.before.items())[::-1][:4]:
            found = plan_undo(world.engine(), run_id)
            if found is not None and found.steps:
                storm.tell(f"undo of {run_id}: {found.steps} {found.left}")
                assert_exact(storm, found, before)
                undone += len(found.steps)
            assert all(each.why for each in (found.left if found is not None else ()))
        storm.tell(f"{len(keys)} rows explained, {undone} writes undone")
        print(storm.story[-1])
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(storm.story))
        raise
