"""What a plan says of rows that wait: for a person, for another row, or for their next attempt."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.errors import SafetyStop
from tests.sync.test_sync_plan import dump, planned
from tests.sync.world import World


def test_row_with_several_held_entries_is_one_hold_of_the_plan(world: World) -> None:
    engine = world.ready(8, max_delete_rows=1, max_delete_ratio=0.0)
    for code in (1, 2, 3):
        # deleted, made again by a job, and deleted for good
        world.delete(code)
        world.insert({"code": code, "name": "again"})
        world.delete(code)
    held = {("lark", "hold"): ["1", "2", "3"]}
    assert planned(engine) == held
    with pytest.raises(SafetyStop):
        engine.incremental()
    assert planned(engine) == held
    with engine.plan() as plan:
        assert plan.report.held == plan.counts["lark", "hold"] == 3


@pytest.mark.parametrize("resolution", ["lark", "sql", None])
def test_conflict_whose_sides_agree_by_now_is_a_line_of_the_plan(world: World, resolution: str | None) -> None:
    engine = world.ready(3, conflict="manual")
    for code in (1, 2):
        world.edit(code, Name=f"person {code}")
        world.update(code, name=f"program {code}")
    engine.incremental()
    if resolution:
        world.execute(f"UPDATE sync_conflict SET outcome = '{resolution}' WHERE record_id = '1'")
    # somebody typed the other side's value in by hand
    world.edit(1, Name="program 1")
    before = dump(world)
    with engine.plan() as plan:
        told = {(each.side, each.kind, each.key): each.why for each in plan.actions()}
    assert dump(world) == before
    assert told == {
        ("both", "conflict", "1"): "both sides agree; the conflict is closed",
        ("both", "conflict", "2"): "waiting for a resolution in sync_conflict",
    }
    engine.incremental()
    assert world.ask("SELECT record_id FROM sync_conflict WHERE status = 'open'") == [("2",)]
    assert planned(engine) == {("both", "conflict"): ["2"]}
