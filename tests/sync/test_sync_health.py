"""Whether a mapping is well: what is too much, and the one card that says so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core.errors import LarkError, SchemaMismatch
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.backlog import Backlog
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.health.alarm import Alarm, act_of, move, words_shown
from airflow_provider_lark.core.sync.health.limits import Limits, judge
from airflow_provider_lark.core.sync.health.watch import HealthReport, Watch
from airflow_provider_lark.core.sync.status import LastHour, Status, read_status
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
NONE = Limits(pending=None, failure_rate=None, delay_seconds=None, held=None, loops=None)
WELL = Status(Backlog(0, None, 0, 0), 0, LastHour(0, 0, None), 0, (), None, None)


def status(**changes: Any) -> Status:
    return replace(WELL, **changes)


@pytest.mark.parametrize(
    ("found", "limits", "kinds"),
    [
        pytest.param(WELL, Limits(), [], id="nothing is known"),
        pytest.param(status(backlog=Backlog(1000, 9.0, 0, 0)), Limits(), [], id="at the limit"),
        pytest.param(status(backlog=Backlog(1001, 9.0, 0, 0)), Limits(), ["pending"], id="over it"),
        pytest.param(status(hour=LastHour(0, 1, None)), Limits(), [], id="one that failed is too few for a share"),
        pytest.param(status(hour=LastHour(0, 1, None)), Limits(entries_min=1), ["failure_rate"], id="unless it is not"),
        pytest.param(status(hour=LastHour(90, 10, 1.0)), Limits(), [], id="a tenth"),
        pytest.param(status(hour=LastHour(89, 11, 1.0)), Limits(), ["failure_rate"], id="more than a tenth"),
        pytest.param(status(hour=LastHour(1, 0, 30.5)), Limits(), ["delay"], id="slow"),
        pytest.param(status(backlog=Backlog(1, 61.0, 0, 0)), replace(NONE, oldest_seconds=60), ["oldest"], id="old"),
        pytest.param(status(backlog=Backlog(0, None, 0, 0, held=1)), Limits(), ["held"], id="held"),
        pytest.param(status(loops=1, conflicts=3), replace(Limits(), conflicts=2), ["conflicts", "loops"], id="two"),
        pytest.param(WELL, replace(NONE, silence_seconds=60), ["silence"], id="never ran"),
        pytest.param(status(last_good_seconds=59.0), replace(NONE, silence_seconds=60), [], id="ran lately"),
        pytest.param(status(last_good_seconds=61.0), replace(NONE, silence_seconds=60), ["silence"], id="ran long ago"),
    ],
)
def test_what_is_over_its_limit_is_trouble_and_what_nobody_knows_is_not(
    found: Status, limits: Limits, kinds: list[str]
) -> None:
    assert [each.kind for each in judge(found, limits)] == kinds


def test_value_that_dances_around_its_limit_makes_one_card() -> None:
    alarm, sent, colors = Alarm(), 0, []
    for number in range(20):
        alarm = move(alarm, is_bad=number % 2 == 0, good_wanted=3, now_ms=number, uuid=f"u{number}")
        if act_of(alarm, "said") == "send":
            sent, alarm = sent + 1, replace(alarm, message_id="om_1", shown="said")
        colors.append(alarm.is_red)
    assert (sent, set(colors), alarm.uuid, alarm.red_ms) == (1, {True}, "u0", 0)
    for _ in range(3):
        alarm = move(alarm, is_bad=False, good_wanted=3, now_ms=99, uuid="no")
    assert not alarm.is_red
    assert act_of(alarm, "green") == "update"
    again = move(replace(alarm, shown=words_shown(is_red=False)), is_bad=True, good_wanted=3, now_ms=100, uuid="u100")
    assert (act_of(again, "said"), again.uuid, again.message_id) == ("send", "u100", "")


def test_trouble_that_was_over_before_anybody_was_told_is_not_told() -> None:
    alarm = move(Alarm(), is_bad=True, good_wanted=1, now_ms=1, uuid="u")
    alarm = move(alarm, is_bad=False, good_wanted=1, now_ms=2, uuid="v")
    assert act_of(alarm, "green") == "nothing"


@pytest.fixture
def chat(world: World) -> str:
    return world.emu.state.add_chat("Data alerts", [world.emu.state.add_user("Lin", "lin@example.com").open_id])


def look(world: World, chat: str | None, limits: Limits = Limits(), **given: Any) -> HealthReport:  # noqa: B008
    watch = Watch("people", "people", limits, receive_id=chat, **{"good_wanted": 2, **given})
    return watch.check(world.client, world.sql, world.clock)


def cards(world: World, chat: str) -> list[dict[str, Any]]:
    return [json.loads(each.content) for each in world.emu.messages if each.chat_id == chat]


def colors(world: World, chat: str) -> list[str]:
    return [card["header"]["template"] for card in cards(world, chat)]


def wait_in_queue(world: World, count: int) -> None:
    with world.sql.begin() as conn:
        Ledger(conn, "people").queue.enqueue([Key(f"k{number}") for number in range(count)])


def test_card_turns_red_changes_and_turns_green(world: World, chat: str) -> None:
    world.ready(rows=2)
    limits = Limits(pending=2)
    assert look(world, chat, limits).is_well
    assert cards(world, chat) == []
    wait_in_queue(world, 3)
    report = look(world, chat, limits)
    assert (report.is_well, report.troubles) == (False, ["changes waiting: 3 (limit 2)"])
    assert colors(world, chat) == ["red"]
    assert "等待同步的变更" in json.dumps(cards(world, chat), ensure_ascii=False)
    # the same again costs no call
    assert look(world, chat, limits).api_calls["total"] == 0
    wait_in_queue(world, 1)
    look(world, chat, limits)
    assert "4 (limit 2)" in json.dumps(cards(world, chat))
    world.execute("DELETE FROM sync_queue")
    first = look(world, chat, limits)
    assert (first.is_well, first.is_alarmed, colors(world, chat)) == (True, True, ["red"])
    second = look(world, chat, limits)
    assert (second.is_well, second.is_alarmed, colors(world, chat)) == (True, False, ["green"])
    # new trouble is a new card, which notifies people
    wait_in_queue(world, 3)
    look(world, chat, limits)
    assert colors(world, chat) == ["green", "red"]


@ON_SQLITE
def test_card_that_lark_did_not_take_is_sent_by_the_next_look_and_arrives_once(world: World, chat: str) -> None:
    world.ready(rows=1)
    wait_in_queue(world, 3)
    world.emu.faults.add("POST /open-apis/im/v1/messages", code=230002, status=400, times=None)
    with pytest.raises(LarkError):
        look(world, chat, Limits(pending=2))
    world.emu.faults.clear()
    # sent, but the answer is lost, and with it the process
    world.emu.faults.add("POST /open-apis/im/v1/messages", action="drop_after", times=1)
    look(world, chat, Limits(pending=2))
    look(world, chat, Limits(pending=2))
    assert colors(world, chat) == ["red"]


@ON_SQLITE
def test_card_that_somebody_recalled_is_sent_anew_while_the_trouble_goes_on(world: World, chat: str) -> None:
    world.ready(rows=1)
    wait_in_queue(world, 3)
    look(world, chat, Limits(pending=2))
    world.emu.faults.add("PATCH /open-apis/im/v1/messages", code=230011, status=400, times=1)
    wait_in_queue(world, 1)
    look(world, chat, Limits(pending=2))
    assert colors(world, chat) == ["red", "red"]
    look(world, chat, Limits(pending=2))
    assert len(cards(world, chat)) == 2


@ON_SQLITE
def test_two_people_who_are_told_of_one_mapping_have_cards_of_their_own(world: World, chat: str) -> None:
    world.ready(rows=1)
    other = world.emu.state.add_chat("Others", [])
    wait_in_queue(world, 3)
    for each in (chat, other):
        look(world, each, Limits(pending=2))
    assert (colors(world, chat), colors(world, other)) == (["red"], ["red"])


@ON_SQLITE
def test_rows_in_a_loop_are_left_alone_for_an_hour(world: World, chat: str) -> None:
    engine = world.ready(rows=2)
    for number in range(11):
        world.update(1, name=f"n{number}")
        engine.incremental()
    report = look(world, chat, blacklists_loops=True)
    assert report.troubles == ["rows in a loop: 1 (limit 0)"]
    assert (report.blacklisted, world.ask("SELECT record_id FROM sync_blacklist")) == (1, [("1",)])
    assert look(world, chat, blacklists_loops=True).blacklisted == 0
    world.update(1, name="again")
    engine.incremental()
    assert world.by_code()[1]["Name"] == "n10"


@ON_SQLITE
def test_silence_and_drift_are_told_from_the_runs(world: World, chat: str) -> None:
    engine = world.ready(rows=2)
    with world.sql.connect() as conn:
        assert (read_status(Ledger(conn, "people")).last_good_seconds or 0) < 600
    world.execute("UPDATE sync_run SET finished_at = '2026-01-01 00:00:00.000000'")
    world.edit(1, Name="drifted")
    engine.check()
    report = look(world, None, replace(NONE, silence_seconds=3600, drift=0))
    assert [each.split(":")[0] for each in report.troubles] == ["since the last good run", "rows that differ"]
    assert cards(world, chat) == []


@ON_SQLITE
def test_database_without_a_ledger_is_told_so(world: World, chat: str) -> None:
    world.execute("DROP TABLE IF EXISTS sync_alembic_version_kept")
    world.execute("ALTER TABLE sync_alembic_version RENAME TO sync_alembic_version_kept")
    try:
        with pytest.raises(SchemaMismatch, match="has no ledger"):
            look(world, chat)
    finally:
        world.execute("ALTER TABLE sync_alembic_version_kept RENAME TO sync_alembic_version")
