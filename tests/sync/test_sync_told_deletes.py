"""Deletes that events tell of: confirmed by id, guarded like all others, and found by the count otherwise."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.sync.pull import told_deletes
from airflow_provider_lark.core.sync.pull.told import Told
from tests.sync.world import World


def test_told_delete_costs_one_call_and_no_scan(world: World) -> None:
    engine = world.ready(20)
    gone = [world.record_id(code) for code in (3, 4)]
    world.remove(3, 4)
    report = engine.incremental(lambda: Told(gone))
    assert (report.to_sql.deleted, sorted(world.rows())) == (2, [code for code in range(1, 21) if code not in (3, 4)])
    # the table's fields, the newest records, and the two by id
    assert report.api_calls["total"] == 3
    idle = engine.incremental()
    assert (idle.to_sql.total, idle.api_calls["total"]) == (0, 2)


def test_record_that_exists_is_kept_whatever_an_event_says(world: World) -> None:
    engine = world.ready(5)
    told = [world.record_id(1), "recnowhere", "", "x" * 500]
    assert engine.incremental(lambda: Told(told)).to_sql.deleted == 0
    assert len(world.rows()) == 5


@pytest.mark.parametrize("told", [1, 8])
def test_told_deletes_beyond_the_limit_are_held(world: World, told: int) -> None:
    """Events come one by one: the first of them must not slip through where the guard would hold them all."""
    engine = world.ready(10, max_delete_rows=3, max_delete_ratio=0.1)
    gone = [world.record_id(code) for code in range(1, 9)]
    world.remove(*range(1, 9))
    with pytest.raises(SafetyStop, match="records deleted in Lark whose rows are kept in SQL: 8"):
        engine.incremental(lambda: Told(gone[:told]))
    assert len(world.rows()) == 10
    with pytest.raises(SafetyStop):
        engine.incremental(lambda: Told(gone))
    assert engine.incremental(lambda: Told(gone), allow_mass_deletes=True).to_sql.deleted == 8


def test_more_than_can_be_looked_up_is_left_to_the_scan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_deletes, "LOOKED_UP_MAX", 1)
    engine = world.ready(10)
    gone = [world.record_id(code) for code in (1, 2)]
    world.remove(1, 2)
    assert engine.incremental(lambda: Told(gone)).to_sql.deleted == 2


def test_delete_of_which_only_a_part_is_told_is_found_by_the_count(world: World) -> None:
    engine = world.ready(10)
    gone = [world.record_id(1)]
    world.remove(1, 2)
    assert engine.incremental(lambda: Told(gone)).to_sql.deleted == 2
    world.assert_in_step()
