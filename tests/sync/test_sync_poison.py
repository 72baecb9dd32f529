"""One bad row never stops the others, whatever Lark answers over it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import BadRequest, OutcomeUnknown, ReadFailed, ServerFailed
from airflow_provider_lark.core.lark_side.table import LarkTable
from tests.clocks import JumpingClock
from tests.sync.world import World

INTERNAL = [
    pytest.param({"code": 1255001, "status": 500}, id="1255001"),
    pytest.param({"code": 1254002, "status": 200}, id="1254002"),
    pytest.param({"code": 1299999, "status": 400}, id="unknown 400"),
    pytest.param({"code": 1299999, "status": 503}, id="unknown 503"),
    pytest.param({"code": 1254304, "status": 403}, id="no right to the record"),
]


def due(world: World) -> None:
    """Let the backoff of what waits be over."""
    world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def hasty(world: World, clock: JumpingClock) -> Any:
    """An engine whose client gives up soon, so that nobody waits."""
    with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, clock=clock, max_attempts=1) as client:
        yield lambda: SyncEngine(client, world.sql, world.mapping(), clock=clock, lease_wait_seconds=0)


@pytest.mark.parametrize("fault", INTERNAL)
def test_update_that_spoils_each_batch_is_named_and_fails(world: World, hasty: Any, fault: dict[str, Any]) -> None:
    world.ready(rows=60)
    world.execute("UPDATE people SET qty = 7.5")
    world.emu.faults.add("batch_update", record=world.record_id(37), times=None, **fault)
    report = hasty().incremental()
    assert (report.to_lark.updated, report.failed, report.status) == (59, 1, "partial")
    assert report.problems[0].startswith("37: ")
    assert str(fault["code"]) in report.problems[0]
    assert report.api_calls["update"] <= 1 + 2 * 8
    for _ in range(2):
        due(world)
        hasty().incremental()
    assert world.ask("SELECT record_id, status FROM sync_queue WHERE status <> 'completed'") == [("37", "failed")]
    assert hasty().incremental().api_calls.get("update") is None
    world.emu.faults.clear()
    world.update(37, qty=8)
    hasty().incremental()
    assert world.by_code()[37]["Qty"] == 8
    world.assert_in_step()


@pytest.mark.parametrize("fault", INTERNAL)
def test_create_that_spoils_each_batch_is_named_and_the_others_are_made_once(
    world: World, hasty: Any, fault: dict[str, Any]
) -> None:
    world.insert(*({"code": n, "name": "poison" if n == 50 else f"n{n}"} for n in range(1, 61)))
    world.emu.faults.add("batch_create", record="poison", times=None, **fault)
    report = hasty().full()
    assert (report.to_lark.created, report.failed) == (59, 1)
    assert report.problems[0].startswith("50: ")
    assert world.ask("SELECT count(*) FROM sync_intent WHERE state = 'open'") == [(0,)]
    world.emu.faults.clear()
    due(world)
    hasty().incremental()
    world.assert_in_step()


def test_batch_over_which_lark_broke_down_after_making_it_is_not_made_twice(world: World, hasty: Any) -> None:
    world.insert(*({"code": n, "name": f"n{n}"} for n in range(1, 31)))
    world.emu.faults.add("batch_create", action="error_after", code=1255001, status=500)
    report = hasty().full()
    assert (report.to_lark.created, report.failed) == (30, 0)
    world.assert_in_step()


def test_killed_run_with_a_create_that_spoils_its_batch_is_settled(world: World, hasty: Any) -> None:
    world.ready()
    world.insert(*({"code": n, "name": "poison" if n == 15 else f"n{n}"} for n in range(10, 30)))
    world.emu.faults.add("batch_create", action="drop_before")
    with pytest.raises(OutcomeUnknown):
        hasty().incremental()
    world.emu.faults.add("batch_create", record="poison", times=None, code=1255001, status=500)
    report = hasty().incremental()
    assert (report.to_lark.created, report.failed) == (19, 1)


def test_60_neighbouring_rows_refused_with_an_unknown_code_do_not_keep_the_others_back(world: World) -> None:
    engine = world.ready(rows=200)
    world.execute("UPDATE people SET qty = 7.5")
    world.execute("UPDATE people SET name = 'poison' WHERE code <= 60")
    world.emu.faults.add("batch_update", contains="poison", times=None, code=1299999, status=400)
    report = engine.incremental()
    assert (report.to_lark.updated, report.failed) == (140, 60)
    world.emu.faults.clear()
    due(world)
    engine.incremental()
    world.assert_in_step()


def test_delete_that_spoils_each_batch_is_named(world: World, hasty: Any) -> None:
    world.ready(rows=40)
    world.emu.faults.add("batch_delete", record=world.record_id(7), times=None, code=1255001, status=500)
    world.delete(*range(1, 21))
    report = hasty().incremental()
    assert (report.to_lark.deleted, report.failed) == (19, 1)
    assert report.problems[0].startswith("7: ")
    world.emu.faults.clear()
    due(world)
    hasty().incremental()
    assert sorted(world.by_code()) == list(range(21, 41))


@pytest.mark.parametrize("fault", INTERNAL[:3])
def test_outage_is_told_and_held_against_no_row(world: World, hasty: Any, fault: dict[str, Any]) -> None:
    world.ready(rows=100)
    world.execute("UPDATE people SET qty = 7.5")
    world.emu.faults.add("batch_update", times=None, **fault)
    for _ in range(5):
        before = world.client.calls.snapshot()
        with pytest.raises((ServerFailed, BadRequest)):
            hasty().incremental()
        assert world.client.calls.since(before).get("update", 0) <= 15
    world.emu.faults.clear()
    due(world)
    hasty().incremental()
    world.assert_in_step()


@pytest.mark.parametrize("fault", INTERNAL)
def test_records_asked_for_by_id_are_told_without_the_one_lark_breaks_down_over(
    world: World, hasty: Any, fault: dict[str, Any]
) -> None:
    ids = [world.add(Name=f"n{n}") for n in range(150)]
    world.emu.person.delete_record(world.app_token, world.table_id, ids[3])
    world.emu.faults.add("batch_get", record=ids[120], times=None, **fault)
    client = hasty().client
    before = client.calls.snapshot()
    fates = LarkTable(client, world.app_token, world.table_id).look_up(ids)
    assert [record["record_id"] for record in fates.shown] == [id_ for id_ in ids if id_ not in (ids[3], ids[120])]
    assert fates.gone == [ids[3]]
    assert list(fates.hidden) == [ids[120]]
    assert str(fault["code"]) in fates.hidden[ids[120]]
    assert client.calls.since(before)["batch_get"] <= 2 + 2 * 7


def test_record_that_spoils_each_look_up_does_not_stop_what_waits_beside_it(world: World, hasty: Any) -> None:
    world.ready()
    ids = [world.add(Name="x" * 21) for _ in range(6)]
    assert world.engine().incremental().failed == 6
    world.emu.faults.add("batch_get", record=ids[2], times=None, code=1255001, status=500)
    world.execute("UPDATE sync_queue SET status = 'pending'")
    report = hasty().incremental()
    assert (report.failed, report.to_sql.total) == (6, 0)
    assert [text for text in report.problems if "1255001" in text and ids[2] in text]
    assert len([text for text in report.problems if "20 characters" in text]) == 5
    world.emu.faults.clear()
    for id_ in ids:
        world.emu.person.edit_record(world.app_token, world.table_id, id_, {"Name": "fits"})
    hasty().incremental()
    assert len(world.rows()) == 9
    world.assert_in_step()


def test_check_calls_a_record_different_that_lark_does_not_show_again(world: World, hasty: Any) -> None:
    world.ready()
    world.edit(2, Qty=9)
    world.emu.faults.add("batch_get", record=world.record_id(2), times=None, code=1255001, status=500)
    report = hasty().check()
    assert (report.different, report.in_step) == (1, False)


def test_page_that_lark_cannot_read_is_told_by_its_place(world: World, hasty: Any) -> None:
    ids = [world.add(Name=f"n{n}") for n in range(25)]
    world.emu.faults.add("records/search", record=ids[17], times=None, code=1255001, status=500)
    pages = hasty().client.bitable.search_pages(app_token=world.app_token, table_id=world.table_id, page_size=10)
    last = next(pages).items[-1]["record_id"]
    with pytest.raises(
        ReadFailed, match=f"page of up to 10 records after record {last} .10 read so far. fails; if this persists"
    ):
        next(pages)


def test_deleted_record_over_which_lark_broke_down_is_looked_for_again(world: World, hasty: Any) -> None:
    world.ready(rows=10)
    record_id = world.record_id(4)
    world.remove(4, 5)
    world.emu.faults.add("batch_get", record=record_id, times=None, code=1255001, status=500)
    report = hasty().incremental()
    assert (report.to_sql.deleted, 4 in world.rows(), 5 in world.rows()) == (1, True, False)
    assert "unreadable in Lark: 1" in report.warnings[0]
    world.emu.faults.clear()
    assert hasty().incremental().to_sql.deleted == 1
    world.assert_in_step()


def test_record_that_is_back_and_over_which_lark_broke_down_is_taken_in_later(world: World, hasty: Any) -> None:
    engine = world.ready(rows=520)
    # the newest page, through which each poll looks, is full of others
    world.execute("UPDATE people SET qty = 7.5 WHERE code > 10")
    assert engine.incremental().to_lark.updated == 510
    table = world.emu.state.bases[world.app_token].tables[world.table_id]
    kept = {id_: table.records[id_] for id_ in (world.record_id(4), world.record_id(5))}
    world.remove(4, 5)
    assert engine.incremental().to_sql.deleted == 2
    table.records.update(kept)
    table.revision += 1
    world.emu.faults.add("batch_get", record=next(iter(kept)), times=None, code=1255001, status=500)
    assert hasty().incremental().to_sql.created == 1
    world.emu.faults.clear()
    assert hasty().incremental().to_sql.created == 1
    world.assert_in_step()
