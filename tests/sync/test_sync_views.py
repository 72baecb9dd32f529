"""A view as the filter of the Lark side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sync.doctor import examine_mapping
from tests.sync.world import World, wrote

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def make_view(
    world: World, name: str = "Undone", *, field: str = "Done", operator: str = "is", value: str = "false"
) -> str:
    ids = {"app_token": world.app_token, "table_id": world.table_id}
    path = f"/open-apis/bitable/v1/apps/{world.app_token}/tables/{world.table_id}/views"
    made = world.client.call("POST", path, json={"view_name": name, "view_type": "grid"})
    view_id = str(made["data"]["view"]["view_id"])
    fields = {each["field_name"]: each["field_id"] for each in world.client.bitable.list_fields(**ids)}
    condition = {"field_id": fields[field], "operator": operator, "value": json.dumps([value] if value else [])}
    info = {"filter_info": {"conjunction": "and", "conditions": [condition]}}
    world.client.call("PATCH", f"{path}/{view_id}", json={"property": info})
    return view_id


def by_view(world: World, view: str, **changes: Any) -> dict[str, Any]:
    lark = {"app_token": world.app_token, "table_id": world.table_id, "view": view}
    return {"lark": lark, **changes}


def filled(world: World, view: str, **changes: Any) -> SyncEngine:
    for code in range(1, 5):
        world.add(Name=f"n{code}", Code=code, Done=code == 4)
    world.changes = by_view(world, view, **changes)
    engine = world.engine()
    engine.full()
    return engine


@pytest.mark.parametrize("leaving", ["keep", "delete"])
def test_only_what_the_view_shows_is_synced(world: World, leaving: str) -> None:
    make_view(world)
    engine = filled(world, "Undone", leaving=leaving)
    assert world.rows().keys() == {1, 2, 3}
    world.edit(1, Done=True)
    world.edit(4, Done=False)
    world.remove(2)
    engine.incremental()
    assert world.rows().keys() == ({1, 3, 4} if leaving == "keep" else {3, 4})
    assert engine.check().in_step
    for run in (engine.incremental, engine.full):
        assert wrote(run()) == (0, 0)
    # back in the view it finds its pair; a row of a program gets a record, which the view shows from the next run on
    world.edit(1, Done=False, Name="back")
    world.insert({"code": 9, "name": "program's"})
    engine.incremental()
    engine.incremental()
    world.update(9, name="later")
    engine.incremental()
    world.assert_in_step()
    assert (world.rows()[1]["name"], world.by_code()[9]["Name"]) == ("back", "later")


def test_change_of_the_view_itself_is_noticed(world: World) -> None:
    view_id = make_view(world)
    engine = filled(world, view_id)
    path = f"/open-apis/bitable/v1/apps/{world.app_token}/tables/{world.table_id}/views/{view_id}"
    world.client.call("PATCH", path, json={"property": {"filter_info": None}})
    assert wrote(engine.incremental()) == (1, 0)
    world.assert_in_step()


def test_view_that_is_gone_stops_the_run_before_anything_is_written(world: World) -> None:
    view_id = make_view(world)
    engine = filled(world, view_id)
    path = f"/open-apis/bitable/v1/apps/{world.app_token}/tables/{world.table_id}/views/{view_id}"
    world.client.call("DELETE", path)
    world.edit(1, Name="edited")
    world.update(2, name="updated")
    for work in (engine.incremental, engine.full, engine.check, engine.plan):
        with pytest.raises(SchemaMismatch, match=f"lark.view: the view {view_id!r} does not exist or cannot be read"):
            work()
    assert (world.rows()[1]["name"], world.by_code()[2]["Name"]) == ("n1", "n2")


def test_doctor_looks_at_the_view(world: World) -> None:
    def found(view: str) -> tuple[str, str]:
        mapping = world.mapping(**by_view(world, view))
        findings = examine_mapping(world.client, world.sql, mapping, clock=world.clock)
        (view_check,) = [each for each in findings if each.check == "view"]
        return view_check.status, view_check.detail

    view_id = make_view(world)
    for code in range(1, 3):
        world.add(Name=f"n{code}", Code=code, Done=code == 1)
    assert found("Undone") == ("ok", f"'Undone' ({view_id}) exists, and Lark heeds it")
    status, detail = found("gone")
    assert (status, "does not exist or cannot be read" in detail) == ("trouble", True)
    world.emu.switches.ignores_views = True
    status, detail = found("Undone")
    assert (status, "Older bases ignore views" in detail) == ("trouble", True)


def test_base_that_ignores_views_is_refused_before_anything_is_written(world: World) -> None:
    make_view(world)
    world.emu.switches.ignores_views = True
    world.changes = by_view(world, "Undone")
    for code in range(1, 5):
        world.add(Name=f"n{code}", Code=code, Done=code == 4)
    with pytest.raises(
        SchemaMismatch, match=r"returns all 4 records .* its filter selects 3\. Older bases ignore views"
    ):
        world.engine().full()
    assert world.rows() == {}
    # a view that shows everything is no sign of an old base
    world.emu.switches.ignores_views = False
    make_view(world, "All", field="Code", operator="isNotEmpty", value="")
    world.changes = by_view(world, "All")
    assert wrote(world.engine().full()) == (4, 0)
