"""What a plan says of records that people deleted, edited or hid since the last run, which a run does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_lark.core.sync.plan.actions import Change
from tests.sync.test_sync_apply import apply, left_by, save
from tests.sync.test_sync_plan import counts, planned
from tests.sync.world import World

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""What Lark holds does not depend on the database."""


@SQLITE
def test_deleted_record_of_a_changed_row_is_planned_as_created_anew(world: World) -> None:
    engine = world.ready(130, direction="to_lark")
    world.execute("UPDATE people SET name = 'edited'")
    world.remove(7, 120, 121)
    with engine.plan() as plan:
        assert plan.counts == {("lark", "update"): 127, ("lark", "create"): 3}
        assert sorted(each.key for each in plan.actions("lark", "create")) == ["120", "121", "7"]
        report = counts(plan.report)
        # a batch that is looked for its missing records is asked for once
        assert plan.report.api_calls["batch_get"] == 2
    done = engine.incremental()
    assert counts(done) == report
    assert (done.to_lark.created, done.to_lark.updated) == (3, 127)
    assert planned(engine) == {}
    world.assert_in_step()


@SQLITE
@pytest.mark.parametrize("direction", ["both", "to_lark"])
def test_record_that_was_kept_and_then_deleted_is_planned_as_created_anew(world: World, direction: str) -> None:
    engine = world.ready(4, direction=direction, deletes="ignore", conflict="sql")
    world.delete(2, 3)
    engine.incremental()
    # their records were kept; one of them is gone when the rows come back
    world.remove(2)
    world.insert({"code": 2, "name": "back"}, {"code": 3, "name": "back"})
    with engine.plan() as plan:
        assert [each.key for each in plan.actions("lark", "create")] == ["2"]
        assert ("lark", "refuse") not in plan.counts
        report = counts(plan.report)
    assert counts(engine.incremental()) == report
    assert report["to_lark"]["created"] == 1


@SQLITE
def test_old_value_is_what_stands_in_lark(world: World) -> None:
    engine = world.ready(3, direction="to_lark")
    world.update(1, name="program", qty=5)
    world.edit(1, Name="person")
    world.update(2, name="same")
    world.edit(2, Name="same")
    with engine.plan() as plan:
        changes = {each.key: each.changes for each in plan.actions("lark", "update")}
    assert changes == {"1": (Change("name", "person", "program"), Change("qty", 1, 5)), "2": ()}
    assert engine.incremental().to_lark.updated == 2


@SQLITE
def test_hidden_and_gone_records_are_told_as_the_run_tells_them(world: World) -> None:
    engine = world.ready(8, direction="to_lark", max_delete_ratio=1)
    ids = {code: world.record_id(code) for code in range(1, 9)}
    world.emu.state.set_advanced(world.app_token)
    world.emu.state.hide_records(world.app_token, world.table_id, [ids[1], ids[2]])
    world.remove(3, 4)
    for code in (1, 3, 5):
        world.update(code, name="edited")
    world.delete(2, 4, 6)
    found = planned(engine)
    assert found == {
        ("lark", "refuse"): ["2", "1"],
        ("lark", "create"): ["3"],
        ("lark", "update"): ["5"],
        ("lark", "delete"): ["6"],
    }
    with engine.plan() as plan:
        report = counts(plan.report)
        assert all("hides its record from the app" in each.why for each in plan.refusals)
    assert counts(engine.incremental()) == report
    assert (report["to_lark"], report["failed"]) == ({"created": 1, "updated": 1, "deleted": 1}, 2)


@SQLITE
@pytest.mark.parametrize("operation", ["incremental", "full"])
def test_saved_plan_leaves_records_that_were_edited_or_deleted_in_lark_since(
    world: World, tmp_path: Path, operation: str
) -> None:
    engine = world.ready(9, direction="to_lark", max_delete_ratio=1)
    for code in (1, 2, 3):
        world.update(code, name="planned")
    world.delete(4, 5, 6)
    save(engine, tmp_path / "p", operation)
    world.edit(1, Name="by hand")
    world.remove(2, 5)
    world.edit(4, Qty=44)
    report = apply(engine, tmp_path / "p")
    assert (report.planned, left_by(report)) == (6, (4, ["1", "2", "4", "5"]))
    assert (report.to_lark.created, report.to_lark.updated, report.to_lark.deleted) == (0, 1, 1)
    lark = world.by_code()
    assert (lark[1]["Name"], lark[3]["Name"], lark[4]["Qty"]) == ("by hand", "planned", 44)
    assert 2 not in lark
    # the next run decides about them
    engine.incremental()
    world.assert_in_step()


@SQLITE
def test_saved_plan_creates_anew_what_was_gone_when_it_was_made(world: World, tmp_path: Path) -> None:
    engine = world.ready(4, direction="to_lark")
    world.update(1, name="planned")
    world.update(2, name="planned")
    world.remove(1)
    foreseen = save(engine, tmp_path / "p")
    report = apply(engine, tmp_path / "p")
    assert (report.planned, report.changed, report.status) == (2, 0, "ok")
    assert counts(report) == foreseen
    assert (report.to_lark.created, report.to_lark.updated) == (1, 1)
    world.assert_in_step()
