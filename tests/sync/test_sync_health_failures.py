"""The card of a mapping that is not well, while something else fails too: it is not lost, not doubled, not left red."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, RetriableError
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.health.alarm import Alarm, note_shown
from airflow_provider_lark.core.sync.health.limits import Limits
from airflow_provider_lark.core.sync.health.watch import HealthReport, Watch
from tests.clocks import JumpingClock
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SEND, UPDATE = "POST /open-apis/im/v1/messages", "PATCH /open-apis/im/v1/messages"
LIMITS = Limits(pending=2)
FORTNIGHT = 14 * 86_400


@pytest.fixture(scope="module")
def clock() -> Clock:
    return JumpingClock()


@pytest.fixture
def chat(world: World) -> str:
    world.ready(rows=1)
    return world.emu.state.add_chat("Data alerts", [world.emu.state.add_user("Lin", "lin@example.com").open_id])


def look(world: World, chat: str, **given: Any) -> HealthReport:
    watch = Watch("people", "people", LIMITS, receive_id=chat, **{"good_wanted": 1, **given})
    return watch.check(world.client, world.sql, world.clock)


def cards(world: World, chat: str) -> list[str]:
    """Return the colors of the cards that people see, each with how many changes it says to wait."""
    seen = [each for each in world.emu.messages if each.chat_id == chat and not each.is_recalled]
    return [f"{json.loads(each.content)['header']['template']}{_waiting(each.content)}" for each in seen]


def _waiting(content: str) -> str:
    return next((f" {number}" for number in range(20) if f"{number} (limit 2)" in content), "")


def wait_in_queue(world: World, count: int) -> None:
    empty_queue(world)
    with world.sql.begin() as conn:
        Ledger(conn, "people").queue.enqueue([Key(f"k{number}") for number in range(count)])


def empty_queue(world: World) -> None:
    world.execute("DELETE FROM sync_queue")


def bot_leaves(world: World, chat: str) -> None:
    _take_bot(world, chat, is_in=False)


def _take_bot(world: World, chat: str, *, is_in: bool) -> None:
    group = world.emu.state.directory.chats.find(chat)
    assert group is not None
    group.bots[world.emu.app_id] = is_in


def chat_is_gone(world: World, chat: str) -> None:
    for route in (SEND, UPDATE):
        world.emu.faults.add(route, code=232009, status=400, times=None)


def lark_is_down(world: World, chat: str) -> None:
    for route in (SEND, UPDATE):
        world.emu.faults.add(route, action="drop_before", times=None)


@ON_SQLITE
@pytest.mark.parametrize(
    ("fails", "words"),
    [(lark_is_down, "messages"), (bot_leaves, "add the app's bot to the group"), (chat_is_gone, "choose another")],
)
def test_alarm_that_lark_does_not_take_is_told_by_the_error_and_by_the_next_look(
    world: World, chat: str, caplog: pytest.LogCaptureFixture, fails: Callable[[World, str], None], words: str
) -> None:
    fails(world, chat)
    wait_in_queue(world, 3)
    for _ in range(2):
        with pytest.raises(LarkError, match=words) as told:
            look(world, chat)
        assert "not told of mapping 'people': changes waiting: 3 (limit 2)" in told.value.__notes__
        assert isinstance(told.value, RetriableError) == (fails is lark_is_down)
    assert "people: changes waiting: 3 (limit 2)" in caplog.messages
    assert cards(world, chat) == []
    world.emu.faults.clear()
    _take_bot(world, chat, is_in=True)
    look(world, chat)
    assert cards(world, chat) == ["red 3"]


@ON_SQLITE
@pytest.mark.parametrize("fails", [lark_is_down, chat_is_gone])
def test_card_that_cannot_turn_green_does_as_soon_as_it_can(
    world: World, chat: str, fails: Callable[[World, str], None]
) -> None:
    wait_in_queue(world, 3)
    look(world, chat)
    fails(world, chat)
    empty_queue(world)
    with pytest.raises(LarkError) as told:
        look(world, chat)
    assert not [note for note in getattr(told.value, "__notes__", ()) if "not told" in note]
    world.emu.faults.clear()
    assert not look(world, chat).is_alarmed
    assert cards(world, chat) == ["green"]


@ON_SQLITE
def test_trouble_that_comes_back_before_the_card_could_turn_green_keeps_its_card(world: World, chat: str) -> None:
    wait_in_queue(world, 3)
    look(world, chat)
    lark_is_down(world, chat)
    empty_queue(world)
    with pytest.raises(LarkError):
        look(world, chat)
    world.emu.faults.clear()
    wait_in_queue(world, 4)
    look(world, chat)
    assert cards(world, chat) == ["red 4"]
    empty_queue(world)
    look(world, chat)
    assert cards(world, chat) == ["green"]


@ON_SQLITE
def test_card_whose_answer_was_lost_arrives_once_and_says_what_is_so_now(world: World, chat: str) -> None:
    # every try of the call arrives, and no answer: the look fails
    world.emu.faults.add(SEND, action="drop_after", times=None)
    wait_in_queue(world, 3)
    with pytest.raises(LarkError):
        look(world, chat)
    world.emu.faults.clear()
    assert cards(world, chat) == ["red 3"]
    wait_in_queue(world, 5)
    for _ in range(2):
        look(world, chat)
    assert cards(world, chat) == ["red 5"]
    assert look(world, chat).api_calls["total"] == 0


@ON_SQLITE
def test_card_that_a_person_deleted_is_sent_anew_once_though_the_look_dies_after_it(world: World, chat: str) -> None:
    wait_in_queue(world, 3)
    look(world, chat)
    (message,) = [each for each in world.emu.messages if each.chat_id == chat]
    world.client.messaging.recall(message_id=message.message_id)
    world.emu.faults.add(SEND, action="drop_after", times=None)
    wait_in_queue(world, 4)
    with pytest.raises(LarkError):
        look(world, chat)
    world.emu.faults.clear()
    wait_in_queue(world, 5)
    for _ in range(2):
        look(world, chat)
    assert cards(world, chat) == ["red 5"]
    # and what is over needs no new card to say so where nobody sees a red one
    (message,) = [each for each in world.emu.messages if each.chat_id == chat and not each.is_recalled]
    world.client.messaging.recall(message_id=message.message_id)
    empty_queue(world)
    look(world, chat)
    assert cards(world, chat) == []


@ON_SQLITE
def test_card_that_is_too_old_to_change_is_followed_by_one_that_says_so(world: World, chat: str) -> None:
    wait_in_queue(world, 3)
    look(world, chat)
    world.clock.sleep(FORTNIGHT + 60)
    # what it says is still so: nobody is told again
    look(world, chat)
    assert cards(world, chat) == ["red 3"]
    wait_in_queue(world, 4)
    for _ in range(2):
        look(world, chat)
    assert cards(world, chat) == ["red 3", "red 4"]
    world.clock.sleep(FORTNIGHT + 60)
    empty_queue(world)
    for _ in range(2):
        look(world, chat)
    assert cards(world, chat) == ["red 3", "red 4", "green"]


@ON_SQLITE
def test_clock_that_goes_backwards_neither_loses_the_card_nor_makes_a_second(world: World, chat: str) -> None:
    wait_in_queue(world, 3)
    look(world, chat)
    world.clock.sleep(-7200)
    wait_in_queue(world, 4)
    look(world, chat)
    assert cards(world, chat) == ["red 4"]
    empty_queue(world)
    look(world, chat)
    assert cards(world, chat) == ["green"]
    world.clock.sleep(7200)


def test_looks_at_the_same_time_make_one_card(world: World, chat: str) -> None:
    wait_in_queue(world, 3)
    with ThreadPoolExecutor(4) as pool:
        for waiting in (3, 4, 0):
            wait_in_queue(world, waiting)
            list(pool.map(lambda _: look(world, chat), range(4)))
            look(world, chat)
            assert cards(world, chat) == [f"red {waiting}" if waiting else "green"]


def test_card_that_two_looks_changed_at_once_is_shown_again() -> None:
    began = Alarm(is_red=True, uuid="u", message_id="om_1", shown="three")
    mine = Alarm(is_red=True, uuid="u", message_id="om_1", shown="four")
    assert note_shown(began, began, mine).shown == "four"
    # the other look said the same
    assert note_shown(mine, began, mine).shown == "four"
    # or it did not, and which of the two stands there nobody knows; that it is over is kept
    other = Alarm(is_red=False, uuid="u", message_id="om_1", shown="green")
    assert note_shown(other, began, mine) == Alarm(is_red=False, uuid="u", message_id="om_1", shown="")
    fresh = Alarm(is_red=True, uuid="v")
    assert note_shown(fresh, began, mine) == fresh
