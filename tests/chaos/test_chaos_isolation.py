"""One bad row costs a few calls, and idle runs pay nothing for it."""

from __future__ import annotations

import math

import pytest

from tests.chaos.arena import ChaosWorld
from tests.sync.world import wrote

MANY = 1000
#: bisecting goes down one path, two calls a level
MOST = 2 * math.ceil(math.log2(MANY))


def test_one_refused_update_among_1000_costs_few_calls(world: ChaosWorld) -> None:
    engine = world.ready(MANY, batch_size=MANY)
    world.execute("UPDATE people SET qty = 7.5")
    world.update(666, name="poison")
    world.emu.faults.add("batch_update", code=1254015, times=None, contains="poison")
    report = engine.incremental()
    assert (report.to_lark.updated, report.failed) == (MANY - 1, 1)
    # one call would have done it
    assert report.api_calls["update"] - 1 <= MOST
    assert sum(record.get("Qty") == 7.5 for record in world.records()) == MANY - 1


def test_one_refused_create_among_1000_costs_few_calls(world: ChaosWorld) -> None:
    world.insert(*({"code": n, "name": "poison" if n == 321 else f"n{n}"} for n in range(1, MANY + 1)))
    world.emu.faults.add("batch_create", code=1254015, times=None, contains="poison")
    report = world.engine(batch_size=MANY).full()
    assert (report.to_lark.created, report.failed) == (MANY - 1, 1)
    assert report.api_calls["create"] - 1 <= MOST
    assert sorted(world.keys_in_lark()) == [n for n in range(1, MANY + 1) if n != 321]


def test_one_vanished_record_among_1000_costs_few_calls(world: ChaosWorld) -> None:
    engine = world.ready(MANY, batch_size=MANY)
    world.execute("UPDATE people SET qty = 7.5")
    world.emu.before = _remove_on_update(world, 444)  # type: ignore[attr-defined]  # the arena's
    report = engine.incremental()
    assert report.to_lark.updated == MANY - 1
    assert report.api_calls["update"] - 1 <= MOST
    engine.incremental()
    world.assert_in_step()


@pytest.mark.parametrize("side", ["lark", "sql"])
def test_row_that_fails_for_good_leaves_idle_runs_at_one_search(world: ChaosWorld, side: str) -> None:
    engine = world.ready(20)
    if side == "lark":
        world.edit(3, Name="x" * 30)
        world.add(Code=90, Name="y" * 30)
    else:
        world.update(3, name="poison")
        world.emu.faults.add("batch_update", code=1254015, times=None, contains="poison")
    for _ in range(6):
        engine.incremental()
        world.let_time_pass(600)
    assert [entry.status for entry in world.unsettled()] == ["failed"] * (2 if side == "lark" else 1)
    for _ in range(3):
        idle = engine.incremental()
        assert wrote(idle) == (0, 0)
        assert idle.api_calls["search"] == 1
        assert set(idle.api_calls) <= {"search", "fields", "token", "total"}


def _remove_on_update(world: ChaosWorld, code: int) -> object:
    done = False

    def hook(request: object) -> bool:
        nonlocal done
        if not done and request.path.endswith("batch_update"):  # type: ignore[attr-defined]  # a wire request
            done = True
            world.remove(code)
        return False

    return hook
