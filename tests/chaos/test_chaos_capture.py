"""Storms over tables without triggers of ours: changes are found by a column, or by comparing all rows."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.chaos.arena import ChaosWorld
from tests.chaos.conftest import NewWorld
from tests.chaos.executioner import SURVIVED, Executioner
from tests.chaos.storm import Storm
from tests.sync.world import wrote

_CLOCK = {
    "sqlite": (
        "ALTER TABLE people ADD COLUMN changed TEXT",
        """CREATE TRIGGER own_new AFTER INSERT ON people BEGIN
        UPDATE people SET changed = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE code = NEW.code; END""",
        """CREATE TRIGGER own_touch AFTER UPDATE ON people WHEN NEW.changed IS OLD.changed BEGIN
        UPDATE people SET changed = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE code = NEW.code; END""",
    ),
    "postgresql": (
        "ALTER TABLE people ADD COLUMN changed timestamptz NOT NULL DEFAULT clock_timestamp()",
        """CREATE OR REPLACE FUNCTION own_touch() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.changed := clock_timestamp(); RETURN NEW; END'""",
        "CREATE TRIGGER own_touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION own_touch()",
    ),
    "mysql": (
        """ALTER TABLE people ADD COLUMN changed datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
        ON UPDATE CURRENT_TIMESTAMP(6)""",
    ),
}


class ColumnStorm(Storm):
    """A storm whose deletes in SQL wait for a full run."""

    def rest(self) -> None:
        self.world.emu.faults.clear()
        self.world.emu.switches.replica_lag_seconds = 0.0
        self.world.let_time_pass()
        report = self.world.engine().full()
        self.tell(f"full before the calm: {report.summary()} {report.problems}")
        super().rest()


def _keep_times(world: ChaosWorld) -> None:
    for statement in _CLOCK[world.sql.dialect.name]:
        with world.sql.begin() as conn:
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True})


@pytest.mark.parametrize(
    ("kind", "capture", "conflict", "seed"),
    [
        ("sqlite", "column:changed", "lark", 1),
        ("sqlite", "scan", "merge:sql", 2),
        ("postgresql", "column:changed", "merge", 3),
        ("mysql", "column:changed", "sql", 4),
    ],
)
def test_storm_without_triggers_ends_in_step(
    new_world: NewWorld, kind: str, capture: str, conflict: str, seed: int
) -> None:
    policy: dict[str, Any] = {"capture": capture, "conflict": conflict, "batch_size": 4}
    with new_world(kind) as world:
        _keep_times(world)
        storm = (Storm if capture == "scan" else ColumnStorm)(world, seed, policy)
        try:
            storm.blow()
        except BaseException as error:
            error.add_note(f"{kind}, {policy}, seed {seed}\n" + "\n".join(storm.story))
            raise
        assert wrote(world.engine().incremental()) == (0, 0)


def test_killed_run_leaves_no_change_behind_and_doubles_none(new_world: NewWorld) -> None:
    """O39: ``kill -9`` after a commit, also between finding a change and noting how far was read."""
    with Executioner.at_work() as executioner:
        for number in range(1, 40, 6):
            with new_world("sqlite") as world:
                _keep_times(world)
                world.ready(6, capture="column:changed", conflict="merge:sql", capture_overlap_seconds=0)
                world.update(1, name="sql 1")
                world.insert({"code": 20, "name": "new"}, {"code": 21, "name": "new"})
                world.edit(3, Name="lark 3")
                status = executioner.execute(world, "incremental", "after commit", number)
                assert status in (SURVIVED, -signal.SIGKILL)
                world.update(2, name="sql 2")
                world.engine().incremental()
                world.let_time_pass()
                assert wrote(world.engine().incremental()) == (0, 0)
                world.assert_in_step()
                assert world.by_code()[2]["Name"] == "sql 2"
            if status == SURVIVED:
                return
    raise AssertionError("the run never ended")
