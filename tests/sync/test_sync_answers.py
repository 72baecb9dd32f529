"""Answers of Lark that say success and hold nothing."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.errors import UnexpectedAnswer
from tests.sync.world import World


@pytest.mark.parametrize("action", ["no_data", "null_data", "empty_data"])
def test_second_page_of_a_full_load_without_data_is_not_the_last_one(world: World, action: str) -> None:
    engine = world.ready(rows=0)
    world.emu.person.add_records(world.app_token, world.table_id, [{"Code": n, "Name": f"n{n}"} for n in range(1, 602)])
    world.emu.faults.add("search", action=action, skip=1)
    with pytest.raises(UnexpectedAnswer, match="has no has_more"):
        engine.full()
    engine.full()
    assert len(world.rows()) == 601
    world.assert_in_step()


def test_delete_answered_without_data_is_looked_at(world: World) -> None:
    engine = world.ready()
    world.delete(2)
    world.emu.faults.add("batch_delete", action="no_data")
    with pytest.raises(UnexpectedAnswer):
        engine.incremental()
    engine.incremental()
    assert sorted(world.by_code()) == [1, 3]
    assert world.ask("SELECT count(*) FROM sync_queue WHERE status <> 'completed'") == [(0,)]
