"""A copy of a base: the same table and record ids under another app_token, to which nothing is written by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sync.doctor.mapping import examine_mapping
from airflow_provider_lark.emulator.state.copying import copy_base
from tests.sync.world import FIELDS, World


def copied(world: World) -> dict[str, Any]:
    """Copy the base, and return how a mapping names the copy of the table."""
    state = world.emu.state
    source = state.bases[world.app_token]
    made = copy_base(
        state,
        source,
        name="Copy",
        time_zone="Asia/Shanghai",
        members={world.emu.app_id},
        made_by=world.emu.app_id,
        with_content=True,
    )
    return {"app_token": made.app_token, "table_id": world.table_id}


def records_of(world: World, place: dict[str, Any]) -> list[dict[str, Any]]:
    return world.emu.person.records(place["app_token"], place["table_id"])


def test_mapping_that_points_to_a_copy_is_refused_by_all_and_nothing_is_written(world: World) -> None:
    """O53: run, setup, plan and doctor name both bases; 0 writes."""
    world.ready(5)
    copy = copied(world)
    world.update(1, name="after the copy")
    before, rows = records_of(world, copy), world.rows()
    engine = world.engine(lark=copy)
    told = f"belongs to base {world.app_token}, .*points to base {copy['app_token']}.*same records: it is a copy"
    for act in (engine.incremental, engine.full, engine.setup, engine.check, engine.plan, engine.plan_setup):
        with pytest.raises(SchemaMismatch, match=told):
            act()
    findings = {
        each.check: each for each in examine_mapping(world.client, world.sql, engine.mapping, clock=world.clock)
    }
    assert findings["mapping"].status == "trouble"
    assert "it is a copy" in findings["mapping"].detail
    assert (records_of(world, copy), world.rows()) == (before, rows)
    # the original goes on
    assert world.engine().incremental().to_lark.updated == 1
    world.assert_in_step()


def test_mapping_that_moves_to_a_copy_keeps_its_pairs_and_both_sides_edits(world: World) -> None:
    """O53: on purpose."""
    world.ready(5)
    copy = copied(world)
    world.update(1, name="after the copy")
    ids = {record["Code"]: record["id"] for record in world.records()}
    old, world.app_token = world.app_token, copy["app_token"]
    world.edit(2, Name="in the copy")
    report = world.engine().setup(move=True)
    assert any("which has the same records" in made for made in report.created)
    done = world.engine().incremental()
    assert (done.to_lark.updated, done.to_sql.updated, done.to_lark.created, done.conflicts) == (1, 1, 0, 0)
    assert {record["Code"]: record["id"] for record in world.records()} == ids
    world.assert_in_step()
    world.app_token = old
    with pytest.raises(SchemaMismatch, match="belongs to base"):
        world.engine().incremental()


def test_mapping_that_moves_to_another_table_matches_by_key(world: World) -> None:
    world.ready(3)
    base = world.emu.state.create_base("New")
    world.table_id = world.emu.state.create_table(base.app_token, "people", FIELDS).table_id
    world.app_token = base.app_token
    world.add(Name="n2", Code=2, Qty=2)
    with pytest.raises(SchemaMismatch, match="run `airflow lark sync move people`") as refused:
        world.engine().incremental()
    assert "a copy" not in str(refused.value)
    world.engine().setup(move=True)
    done = world.engine().incremental()
    assert (done.to_lark.created, done.to_sql.total) == (2, 0)
    world.assert_in_step()


def test_move_of_a_mapping_that_is_where_it_belongs_changes_nothing(world: World) -> None:
    engine = world.ready(3)
    assert engine.setup(move=True).created == []
    idle = world.engine().incremental()
    assert (idle.operation, idle.to_lark.total, idle.to_sql.total) == ("incremental", 0, 0)
    assert idle.api_calls["total"] == 2
