"""Undo of what was decided for both sides: by the policy for conflicts, by a person, by a repair."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.choices import resolve_conflicts
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from tests.sync.test_sync_undo import assert_quiet, last_run, left, names, plan, run, undo
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def edit_both(world: World) -> None:
    world.edit(1, Name="lark", Qty=5)
    world.update(1, name="sql")


@ON_SQLITE
@pytest.mark.parametrize(("policy", "winner"), [("lark", "lark"), ("sql", "sql"), ("merge:sql", "sql")])
def test_undo_of_a_conflict_that_the_policy_decided_gives_the_loser_its_value_back(
    world: World, policy: str, winner: str
) -> None:
    world.ready(2, conflict=policy)
    edit_both(world)
    undone = run(world)
    agreed = names(world)
    assert agreed[0][1] == agreed[1][1] == winner
    found, report = undo(world, undone)
    assert (list(found.left), report.failed) == ([], 0)
    # each side has again what its people and programs had written
    assert names(world) == ({1: "sql", 2: "n2"}, {1: "lark", 2: "n2"})
    assert (world.rows()[1]["qty"], world.by_code()[1]["Qty"]) == (1, 5)
    assert_quiet(world)
    world.update(1, name="later")
    run(world)
    assert names(world)[1][1] == "later"
    assert_quiet(world)


@ON_SQLITE
@pytest.mark.parametrize("take", ["lark", "sql"])
def test_undo_of_a_resolution_gives_the_other_side_its_value_back_and_opens_no_conflict(
    world: World, take: str
) -> None:
    world.ready(2, conflict="manual")
    edit_both(world)
    first = run(world)
    assert not plan(world, first).steps
    (row,) = world.ask("SELECT id FROM sync_conflict WHERE status = 'open'")
    with world.sql.begin() as conn:
        resolve_conflicts(Ledger(conn, "people"), {row.id: None}, take=take, by="lin")
    undone = run(world)
    assert names(world)[0][1] == names(world)[1][1] == take
    found, report = undo(world, undone)
    assert (list(found.left), report.failed) == ([], 0)
    assert names(world) == ({1: "sql", 2: "n2"}, {1: "lark", 2: "n2"})
    assert world.ask("SELECT id FROM sync_conflict WHERE status = 'open'") == []
    assert_quiet(world)


@pytest.mark.parametrize("side", ["sql", "lark"])
def test_undo_of_a_repair_is_exact_and_is_not_repaired_again_by_the_next_run(world: World, side: str) -> None:
    world.ready(5)
    world.execute("UPDATE people SET name = 'sql' WHERE code <= 2")
    world.delete(3)
    if side == "lark":
        world.insert({"code": 80, "name": "only sql"})
    world.execute("DELETE FROM sync_queue WHERE status = 'pending'")
    world.engine().check(CheckOptions(repair=side))
    undone = last_run(world)
    world.assert_in_step()
    world.update(2, name="since")
    run(world)
    found, report = undo(world, undone)
    assert report.failed == 0
    assert set(left(found)) == {"2"}
    rest = {2: "since", 4: "n4", 5: "n5"}
    if side == "sql":
        assert names(world) == ({1: "sql", **rest}, {1: "n1", 3: "n3", **rest})
    else:
        assert names(world) == ({1: "sql", 3: "n3", 80: "only sql", **rest}, {1: "n1", 3: "n3", **rest})
    assert_quiet(world)
