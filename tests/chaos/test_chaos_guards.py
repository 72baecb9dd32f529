"""What an empty, a short or a lying read can never do: delete a row in SQL, or make a second record of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.emulator.wire import Answer, Cut, Request, dump
from tests.chaos.arena import Arena, ChaosWorld
from tests.sync.world import wrote

ROWS = 24
Lie = Callable[[dict[str, Any]], dict[str, Any]]


def _lie(world: ChaosWorld, lie: Lie, *, route: str = "/search", times: int = 10**6) -> None:
    """Let Lark say something else than it knows."""
    arena = world.emu
    assert isinstance(arena, Arena)
    left = times

    def retell(request: Request, result: Answer | Cut) -> Answer | Cut:
        nonlocal left
        if not request.path.endswith(route) or isinstance(result, Cut) or left <= 0:
            return result
        body = json.loads(result.body)
        left -= 1
        return Answer(result.status, dump({**body, "data": lie(body["data"])}), dict(result.headers))

    arena.retell = retell


def _run_all(world: ChaosWorld) -> list[str]:
    """Run everything there is to run, and return what the runs raised."""
    raised = []
    engine = world.engine()
    for operation in ("incremental", "full", "incremental"):
        try:
            getattr(engine, operation)()
        except LarkError as error:
            raised.append(type(error).__name__)
    return raised


LIES: dict[str, Lie] = {
    "nothing and total 0": lambda data: {"items": [], "has_more": False, "total": 0},
    "nothing and the true total": lambda data: {**data, "items": [], "has_more": False},
    "nothing and no total": lambda data: {"items": None, "has_more": False},
    "half and the true total": lambda data: {**data, "items": data["items"][::2], "has_more": False},
    "half and a fitting total": lambda data: {
        "items": data["items"][::2],
        "has_more": False,
        "total": len(data["items"][::2]),
    },
    "half and no total": lambda data: {"items": data["items"][::2], "has_more": False},
    "one missing, as if deleted": lambda data: {**data, "items": data["items"][1:], "total": data["total"] - 1},
    "all, but a smaller total": lambda data: {**data, "total": 3},
    "all, but a larger total": lambda data: {**data, "total": 5000},
    "has_more false too early": lambda data: {**data, "has_more": False},
    "page_token repeated": lambda data: {**data, "has_more": True, "page_token": "again"},
    "page_token empty": lambda data: {**data, "has_more": True, "page_token": ""},
}


@pytest.mark.parametrize(
    ("lie", "page_size"),
    [(lie, 7) for lie in LIES] + [(lie, None) for lie in LIES if lie.startswith(("nothing", "one"))],
)
def test_lying_search_deletes_nothing_and_doubles_nothing(
    world: ChaosWorld, arena: Arena, lie: str, page_size: int | None
) -> None:
    world.ready(ROWS, max_delete_ratio=1.0, max_delete_rows=1000)
    before = world.rows()
    arena.page_size = page_size
    _lie(world, LIES[lie])
    _run_all(world)
    assert world.rows() == before
    assert sorted(world.keys_in_lark()) == sorted(before)
    arena.calm()
    engine = world.engine()
    engine.full()
    world.assert_in_step()
    assert wrote(engine.incremental()) == (0, 0)


@pytest.mark.parametrize("page_size", [None, 7])
def test_real_delete_behind_a_lie_is_found_when_the_lie_ends(
    world: ChaosWorld, arena: Arena, page_size: int | None
) -> None:
    world.ready(ROWS)
    arena.page_size = page_size
    for lie in LIES.values():
        world.remove(next(iter(world.keys_in_lark())))
        _lie(world, lie)
        with suppress(LarkError):
            world.engine().incremental()
        arena.calm()
    engine = world.engine()
    for _ in range(3):
        engine.incremental()
    world.assert_in_step()
    assert len(world.rows()) == ROWS - len(LIES)


def test_rights_taken_away_delete_nothing_and_make_nothing(world: ChaosWorld) -> None:
    world.ready(ROWS, max_delete_ratio=1.0, max_delete_rows=1000)
    before = world.rows()
    world.emu.state.set_advanced(world.app_token, without_rights=[world.emu.app_id])
    assert set(_run_all(world)) == {"SafetyStop"}
    world.emu.state.set_advanced(world.app_token, enabled=False)
    assert world.rows() == before
    assert sorted(world.keys_in_lark()) == sorted(before)
    world.engine().full()
    world.assert_in_step()


def test_hidden_records_keep_their_rows(world: ChaosWorld) -> None:
    world.ready(ROWS)
    before = world.rows()
    hidden = {world.record_id(code) for code in (3, 4, 5)}

    def hide(data: dict[str, Any]) -> dict[str, Any]:
        shown = [item for item in data["items"] if item["record_id"] not in hidden]
        return {**data, "items": shown, "total": data["total"] - len(hidden)}

    _lie(world, hide)
    _run_all(world)
    assert world.rows() == before
    assert sorted(world.keys_in_lark()) == sorted(before)


@pytest.mark.parametrize("lie", ["half and the true total", "has_more false too early"])
def test_first_load_that_reads_too_little_makes_no_second_record(world: ChaosWorld, arena: Arena, lie: str) -> None:
    for code in range(1, ROWS + 1):
        world.insert({"code": code, "name": f"n{code}"})
        world.add(Code=code, Name=f"n{code}")
    arena.page_size = 7
    _lie(world, LIES[lie])
    engine = world.engine()
    engine.full()
    assert sorted(world.keys_in_lark()) == list(range(1, ROWS + 1))
    arena.calm()
    engine.incremental()
    assert sorted(world.keys_in_lark()) == list(range(1, ROWS + 1))
    world.assert_in_step()


def test_record_deleted_between_two_pages_of_a_first_load_makes_no_second_record(
    world: ChaosWorld, arena: Arena
) -> None:
    for code in range(1, ROWS + 1):
        world.insert({"code": code, "name": f"n{code}"})
        world.clock.sleep(0.01)
        world.add(Code=code, Name=f"n{code}")
    arena.page_size = 7
    arena.before = _on_search(2, lambda: world.remove(ROWS - 1))
    engine = world.engine()
    engine.full()
    engine.incremental()
    keys = world.keys_in_lark()
    assert len(keys) == len(set(keys))
    world.assert_in_step()


def test_edit_that_slips_through_between_two_pages_is_found(world: ChaosWorld, arena: Arena) -> None:
    engine = world.ready(40)
    world.clock.sleep(100)
    engine.incremental()
    for code in range(1, 36):
        world.clock.sleep(0.01)
        world.edit(code, Name=f"e{code}")
    arena.page_size = 10
    arena.before = _on_search(3, lambda: world.remove(35))
    engine.incremental()
    engine.incremental()
    world.assert_in_step()


def _on_search(number: int, act: Callable[[], None]) -> Callable[[Request], bool]:
    count = 0

    def hook(request: Request) -> bool:
        nonlocal count
        if request.path.endswith("/search"):
            count += 1
            if count == number:
                act()
        return False

    return hook


@pytest.mark.parametrize("moment", range(1, 6))
def test_record_deleted_during_a_full_sync_is_missed_by_the_next_run(
    world: ChaosWorld, arena: Arena, moment: int
) -> None:
    engine = world.ready(12)
    arena.page_size = 5
    searches = 0

    def delete_in_the_middle(request: Request) -> bool:
        nonlocal searches
        searches += request.path.endswith("/search")
        if searches == moment and 30 in world.by_code():
            world.remove(30)
        return False

    # the scan does not see the newest record any more, or only just
    arena.before = delete_in_the_middle
    world.update(3, name="changed")
    world.add(Code=30, Name="by hand")
    engine.full()
    arena.before = None
    assert 30 not in world.by_code()
    engine.incremental()
    world.assert_in_step()


def test_delete_that_lark_does_not_confirm_at_once_is_found_by_the_next_run(world: ChaosWorld, arena: Arena) -> None:
    engine = world.ready(ROWS)
    gone = world.record_id(3)
    world.remove(3)
    # the replica that lists has heard of it, the one that answers by id has not
    shown = {"records": [{"record_id": gone, "fields": {}}], "forbidden_record_ids": [], "absent_record_ids": []}
    _lie(world, lambda data: shown, route="/batch_get", times=1)
    report = engine.incremental()
    assert 3 in world.rows()
    assert "found by id: 1" in report.warnings[0]
    arena.calm()
    assert engine.incremental().to_sql.deleted == 1
    world.assert_in_step()
    assert engine.incremental().api_calls["total"] == 2


@pytest.mark.parametrize("lie", ["nothing and total 0", "nothing and the true total"])
def test_empty_list_of_a_large_table_asks_for_a_bounded_number_of_records(world: ChaosWorld, lie: str) -> None:
    world.ready(1200)
    _lie(world, LIES[lie])
    calls = world.client.calls.snapshot()
    raised = _run_all(world)
    assert len(world.rows()) == 1200
    if lie == "nothing and total 0":
        assert raised == ["SafetyStop"] * 3
    # 1,000 at most in each of three runs, 100 a call
    assert world.client.calls.since(calls).get("get", 0) <= 30


@pytest.mark.parametrize("lost", [0, 3], ids=["answered", "answer lost and asked for again"])
def test_answer_in_another_order_pairs_no_row_with_anothers_record(world: ChaosWorld, arena: Arena, lost: int) -> None:
    engine = world.ready(3)
    for code in range(10, 20):
        world.insert({"code": code, "name": f"new {code}", "qty": code})
    _lie(world, lambda data: {**data, "records": data["records"][::-1]}, route="/batch_create")
    if lost:
        arena.faults.add("batch_create", action="drop_after", times=lost)
        with suppress(LarkError):
            engine.incremental()
    engine.incremental()
    world.assert_in_step()
    world.edit(10, Name="edited")
    world.update(19, name="edited too")
    engine.incremental()
    world.assert_in_step()
    assert (world.rows()[10]["name"], world.by_code()[19]["Name"]) == ("edited", "edited too")
