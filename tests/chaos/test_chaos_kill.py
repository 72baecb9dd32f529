"""``kill -9`` at every call and every commit: no duplicate, no loss, and the next run takes over at once.

With ``KILL_EACH=1``, as ``make chaos`` sets it, at every one; else at every second call and every ninth commit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from tests.chaos.arena import ChaosWorld
from tests.chaos.conftest import NewWorld
from tests.chaos.executioner import SURVIVED, Executioner, Moment
from tests.sync.world import wrote

Prepare = Callable[[ChaosWorld], None]
#: more boundaries than any of the runs has
ENDLESS = 200
IS_EACH = os.environ.get("KILL_EACH") == "1"
KEYLESS = "without a key"


@pytest.fixture(scope="module")
def executioner() -> Iterator[Executioner]:
    with Executioner.at_work() as made:
        yield made


def _first_load(world: ChaosWorld) -> None:
    world.changes = {"batch_size": 2}
    world.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(1, 8)))
    for n in (6, 7, 8, 9):
        world.add(Code=n, Name=f"n{n}", Qty=n)
    world.engine().setup()


def _both_sides_edited(world: ChaosWorld) -> None:
    world.ready(9, conflict="merge:sql")
    world.changes["batch_size"] = 2
    world.update(1, name="sql 1")
    world.update(2, name="sql 2")
    world.update(3, qty=33)
    world.insert({"code": 20, "name": "new"}, {"code": 21, "name": "new"}, {"code": 22, "name": "new"})
    world.delete(4, 5)
    world.edit(3, Name="lark 3")
    world.edit(6, Name="lark 6", Qty=None)
    world.add(Code=30, Name="by hand")
    world.add(Name=KEYLESS)
    world.remove(7)


def _program_goes_on(world: ChaosWorld) -> None:
    """The program writes again what the dead run may have sent, and brings back a row that it may have deleted."""
    world.update(1, name="sql 1 again")
    world.insert({"code": 4, "name": "n4", "qty": 4})
    world.edit(6, Name="lark 6 again")


def _drifted(world: ChaosWorld) -> None:
    """A program has written what no trigger knows: only a look at all rows finds it."""
    world.ready(8)
    world.changes["batch_size"] = 2
    for code in (1, 2, 3):
        world.update(code, name=f"sql {code}")
    world.delete(4)
    world.insert(*({"code": code, "name": "new"} for code in (20, 21, 22)))
    world.execute("DELETE FROM sync_queue WHERE status = 'pending'")
    world.add(Code=30, Name="by hand")


def _both_go_on(world: ChaosWorld) -> None:
    world.update(1, name="sql 1 again")
    world.edit(5, Name="lark 5")
    world.update(20, qty=20)


def _finish(world: ChaosWorld) -> dict[Any, tuple[Any, ...]]:
    engine = world.engine()
    for _ in range(4):
        # with no second to wait for the lease: a dead worker's is taken over at once
        report = engine.incremental()
        assert not report.failed, report.problems
        if wrote(report) == (0, 0):
            break
    world.assert_in_step()
    assert wrote(engine.full()) == (0, 0)
    keys = world.keys_in_lark()
    assert len(keys) == len(set(keys)), f"two records with one key: {sorted(keys)}"
    assert engine.check().in_step
    assert not world.unsettled()
    # which of two new records comes first, and so which key the database makes, is nobody's promise
    return {row["name"] if row["name"] == KEYLESS else code: _values(row) for code, row in world.rows().items()}


def _values(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["name"], row["qty"], bool(row["done"])


def _repaired(world: ChaosWorld) -> dict[Any, tuple[Any, ...]]:
    """A run takes over what the dead repair began, and what that did not come to, the next look finds."""
    for _ in range(4):
        report = world.engine().incremental()
        assert not report.failed, report.problems
        if wrote(report) == (0, 0):
            break
    world.engine().check(CheckOptions(repair="lark"))
    return _finish(world)


@dataclass(frozen=True)
class Scene:
    """A run that is killed, and what happens around it.

    :param afterwards: what both hands do before anybody notices that the run has died.
    :param finish: the runs that take over; what the rows hold then.
    """

    operation: str
    prepare: Prepare
    afterwards: Prepare
    finish: Callable[[ChaosWorld], dict[Any, tuple[Any, ...]]] = _finish


SCENES = {
    "full": Scene("full", _first_load, lambda world: world.update(1, name="again")),
    "incremental": Scene("incremental", _both_sides_edited, _program_goes_on),
}


def _undisturbed(world: ChaosWorld, scene: Scene) -> dict[Any, tuple[Any, ...]]:
    scene.prepare(world)
    if scene.operation == "repair":
        world.engine().check(CheckOptions(repair="lark"))
    else:
        getattr(world.engine(), scene.operation)()
    scene.afterwards(world)
    return scene.finish(world)


def _kill_everywhere(
    new_world: NewWorld, kind: str, executioner: Executioner, scene: Scene, moment: Moment, first: int, step: int
) -> int:
    """Kill at the boundary *first*, *step* further, and so on, until a run survives; return the last one's number."""
    with new_world(kind) as world:
        wanted = _undisturbed(world, scene)
    for number in range(first, ENDLESS, step):
        with new_world(kind) as world:
            scene.prepare(world)
            status = executioner.execute(world, scene.operation, moment, number)
            assert status in (SURVIVED, -signal.SIGKILL)
            scene.afterwards(world)
            try:
                assert scene.finish(world) == wanted
            except BaseException as error:
                error.add_note(f"killed {moment} {number}; calls: {[entry.template for entry in world.emu.log[-30:]]}")
                raise
        if status == SURVIVED:
            return number - step
    raise AssertionError("the run never ended")


@pytest.mark.parametrize("moment", ["before call", "after call", "after commit"])
@pytest.mark.parametrize("scene", list(SCENES))
def test_killed_run_is_made_up_for_by_the_next(
    new_world: NewWorld, executioner: Executioner, scene: str, moment: Moment
) -> None:
    # after one call is nearly before the next, so together the two fall between all calls; there are many commits, and
    # most of them have no call between them
    first, step = (
        {"before call": (1, 2), "after call": (2, 2), "after commit": (1, 9)}[moment] if not IS_EACH else (1, 1)
    )
    assert _kill_everywhere(new_world, "sqlite", executioner, SCENES[scene], moment, first, step) >= 6


@pytest.mark.parametrize("moment", ["before call", "after call", "after commit"])
def test_killed_repair_loses_nothing_and_doubles_nothing(
    new_world: NewWorld, executioner: Executioner, moment: Moment
) -> None:
    first, step = (
        {"before call": (6, 4), "after call": (8, 4), "after commit": (7, 20)}[moment] if not IS_EACH else (1, 1)
    )
    scene = Scene("repair", _drifted, _both_go_on, _repaired)
    assert _kill_everywhere(new_world, "sqlite", executioner, scene, moment, first, step) >= 6


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_run_killed_after_a_call_is_made_up_for_on_servers(
    new_world: NewWorld, executioner: Executioner, kind: str
) -> None:
    assert (
        _kill_everywhere(new_world, kind, executioner, SCENES["incremental"], "after call", 2, 1 if IS_EACH else 5) >= 5
    )
