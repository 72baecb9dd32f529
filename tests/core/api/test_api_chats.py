"""Groups, their members, and receivers by name, against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.services.messaging import content, names
from airflow_provider_lark.core.api.wire import limits as api_limits
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, NotFound, UnexpectedAnswer, Unreachable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

HELLO = content.text("hi")


@pytest.fixture
def alerts(emu: Emulator) -> dict[str, list[str]]:
    """chat_ids by name; two chats are called alike."""
    found: dict[str, list[str]] = {}
    for name in ("data-alerts", "data-alerts-prod", "数据告警", "ops", "ops"):
        found.setdefault(name, []).append(emu.state.add_chat(name))
    return found


def test_chat_is_found_by_its_exact_name(emu: Emulator, lark: LarkClient, alerts: dict[str, list[str]]) -> None:
    sent = lark.messaging.send(receiver_id=" data-alerts ", content=HELLO)
    assert sent.chat_id == alerts["data-alerts"][0]
    assert lark.chats.find(name="数据告警") == alerts["数据告警"][0]


def test_name_of_several_chats_names_them_and_sends_nothing(
    emu: Emulator, lark: LarkClient, alerts: dict[str, list[str]]
) -> None:
    with pytest.raises(BadRequest, match="2 chats are named 'ops'") as caught:
        lark.messaging.send(receiver_id="ops", content=HELLO)
    assert all(each in str(caught.value) for each in alerts["ops"])
    assert emu.messages == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("data-alert", "'data-alerts'"),
        ("Data-Alerts", "'data-alerts'"),
        ("告警", "'数据告警'"),
        ("prod", "'data-alerts-prod'"),
    ],
)
def test_unknown_name_tells_the_nearest_and_sends_nothing(
    emu: Emulator, lark: LarkClient, alerts: dict[str, list[str]], name: str, near: str
) -> None:
    with pytest.raises(NotFound, match=f"not in a chat named '{name}'; similar names: .*{near}"):
        lark.messaging.send(receiver_id=name, content=HELLO)
    assert emu.messages == []


def test_unknown_name_far_from_all_tells_what_to_do(lark: LarkClient) -> None:
    with pytest.raises(NotFound, match="named 'zzz'; add the app's bot to the group, or give the chat_id"):
        lark.messaging.send(receiver_id="zzz", content=HELLO)


def test_list_of_receivers_is_looked_up_before_the_first_is_sent(
    emu: Emulator, lark: LarkClient, alerts: dict[str, list[str]]
) -> None:
    ann = emu.state.add_user("Ann", "ann@example.com")
    with pytest.raises(NotFound):
        lark.messaging.send_to_each(receiver_ids=["data-alerts", "nowhere"], content=HELLO)
    assert emu.messages == []
    wanted = ["data-alerts", " 数据告警 ", ann.email, alerts["data-alerts"][0]]
    results = lark.messaging.send_to_each(receiver_ids=wanted, content=HELLO, uuid="u")
    assert [each.receiver_id for each in results] == ["data-alerts", " 数据告警 ", ann.email]
    again = lark.messaging.send_to_each(receiver_ids=wanted[:3], content=HELLO, uuid="u")
    assert [each.message for each in again] == [each.message for each in results]
    assert len(emu.messages) == 3


def test_receiver_that_is_refused_does_not_stop_the_others(
    emu: Emulator, lark: LarkClient, alerts: dict[str, list[str]]
) -> None:
    dissolved = alerts["数据告警"][0]
    lark.chats.find(name="数据告警")
    emu.state.set_chat(dissolved, is_dissolved=True)
    first, second = lark.messaging.send_to_each(receiver_ids=["数据告警", "data-alerts"], content=HELLO)
    assert isinstance(first.error, NotFound)
    assert (first.message, second.error) == (None, None)
    assert second.message is not None


def test_empty_list_and_a_text_are_no_receivers(lark: LarkClient) -> None:
    with pytest.raises(BadRequest, match="at least one"):
        lark.messaging.send_to_each(receiver_ids=[], content=HELLO)
    with pytest.raises(BadRequest, match="expected a list"):
        lark.messaging.send_to_each(receiver_ids="ops", content=HELLO)


def test_last_of_1200_chats_is_looked_up_once_for_200_sends(emu: Emulator, lark: LarkClient) -> None:
    for n in range(1199):
        emu.state.add_chat(f"chat {n}")
    wanted = emu.state.add_chat("wanted")
    for n in range(200):
        assert lark.messaging.send(receiver_id="wanted", content=content.text(str(n))).chat_id == wanted
    assert lark.calls.by_kind == {"token": 1, "chat": 12, "message": 200}


def test_threads_of_a_process_share_one_lookup(emu: Emulator) -> None:
    for n in range(150):
        emu.state.add_chat(f"chat {n}")
    # clients of their own with the process's clock share what the process knows
    clients = [LarkClient(emu.app_id, emu.app_secret, emu.url) for _ in range(8)]
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda client: client.chats.find(name="chat 149"), clients))
        assert len(set(found)) == 1
        assert emu.counters()["GET /open-apis/im/v1/chats"] == 2
    finally:
        for client in clients:
            client.close()


def test_tasks_of_a_loop_share_one_lookup(emu: Emulator) -> None:
    emu.state.add_chat("a")

    async def work() -> set[str]:
        async with AsyncLarkClient(emu.app_id, emu.app_secret, emu.url) as client:
            return set(await asyncio.gather(*(client.chats.find(name="a") for _ in range(20))))

    assert len(asyncio.run(work())) == 1
    assert emu.counters()["GET /open-apis/im/v1/chats"] == 1


def test_renamed_chat_is_not_taken_for_the_one_that_has_its_name_now(
    emu: Emulator, lark: LarkClient, clock: Any
) -> None:
    before = emu.state.add_chat("ops")
    assert lark.chats.find(name="ops") == before
    emu.state.set_chat(before, name="ops-old")
    after = emu.state.add_chat("ops")
    clock.seconds += api_limits.CHAT_NAMES_SECONDS
    assert lark.chats.find(name="ops") == after


def test_new_chat_is_found_after_a_moment_and_a_wrong_name_costs_no_call_each(
    emu: Emulator, lark: LarkClient, clock: Any
) -> None:
    emu.state.add_chat("a")
    for _ in range(5):
        with pytest.raises(NotFound):
            lark.chats.find(name="b")
    assert lark.calls.by_kind["chat"] == 1
    made = emu.state.add_chat("b")
    clock.seconds += api_limits.CHAT_NAMES_FRESH_SECONDS
    assert lark.chats.find(name="b") == made
    assert lark.calls.by_kind["chat"] == 2


def test_chats_beyond_the_bound_are_found_and_kept(
    emu: Emulator, lark: LarkClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "CHAT_NAMES_MAX", 3)
    ids = [emu.state.add_chat(f"c{n}") for n in range(6)]
    twins = [emu.state.add_chat("twin") for _ in range(2)]
    assert lark.chats.find(name="c5") == ids[5]
    assert lark.chats.find(name="c4") == ids[4]
    assert lark.calls.by_kind["chat"] == 2
    assert [lark.chats.find(name=f"c{n}") for n in (0, 4, 5)] == [ids[0], ids[4], ids[5]]
    assert lark.calls.by_kind["chat"] == 2
    with pytest.raises(BadRequest, match=twins[1]):
        lark.chats.find(name="twin")


def test_chat_beyond_the_bound_is_no_longer_known_by_a_name_it_had(
    emu: Emulator, lark: LarkClient, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "CHAT_NAMES_MAX", 2)
    ids = [emu.state.add_chat(f"c{n}") for n in range(4)]
    assert lark.chats.find(name="c3") == ids[3]
    emu.state.set_chat(ids[3], name="renamed")
    # looking for others reads the names again, and must not make the old one young
    clock.seconds += api_limits.CHAT_NAMES_SECONDS - 1
    assert lark.chats.find(name="c2") == ids[2]
    clock.seconds += 2
    with pytest.raises(NotFound):
        lark.chats.find(name="c3")


def test_second_chat_of_a_name_counts_though_it_lies_beyond_the_bound(
    emu: Emulator, lark: LarkClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "CHAT_NAMES_MAX", 2)
    first = emu.state.add_chat("ops")
    for n in range(4):
        emu.state.add_chat(f"c{n}")
    second = emu.state.add_chat("ops")
    lark.chats.find(name="c3")
    with pytest.raises(BadRequest, match=f"{first}, {second}"):
        lark.chats.find(name="ops")


@pytest.mark.parametrize("action", ["repeat_page_token", "empty_page_token"])
def test_list_that_does_not_end_makes_no_chat_unknown(emu: Emulator, lark: LarkClient, action: str) -> None:
    for n in range(150):
        emu.state.add_chat(f"c{n}")
    emu.faults.add("GET /open-apis/im/v1/chats", action=action, times=None)
    with pytest.raises(UnexpectedAnswer, match="reports more results"):
        lark.chats.find(name="c149")


def test_lookup_that_fails_lets_the_next_one_try(emu: Emulator, make_client: Callable[..., LarkClient]) -> None:
    lark = make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url, max_attempts=1)
    made = emu.state.add_chat("a")
    emu.faults.add("GET /open-apis/im/v1/chats", action="error", code=2200, status=500)
    with pytest.raises(Exception, match="internal error"):
        lark.chats.find(name="a")
    assert lark.chats.find(name="a") == made


def test_groups_are_listed_searched_and_looked_at(emu: Emulator, lark: LarkClient) -> None:
    ann = emu.state.add_user("Ann")
    chat_id = emu.state.add_chat("data-alerts", owner=ann.open_id, description="for all")
    (page,) = lark.chats.list_pages()
    assert [(each.chat_id, each.owner_id, each.description) for each in page.items] == [
        (chat_id, ann.open_id, "for all")
    ]
    # the dash is put into quotation marks, as Lark wants it
    assert [each.name for page in lark.chats.search_pages(query="data-al") for each in page.items] == ["data-alerts"]
    assert lark.chats.get(chat_id=chat_id).name == "data-alerts"
    with pytest.raises(NotFound, match="chat_id is invalid"):
        lark.chats.get(chat_id="oc_x")
    with pytest.raises(BadRequest, match="1 to 64"):
        lark.chats.search_pages(query=" ")


def test_group_is_founded_and_filled(emu: Emulator, lark: LarkClient) -> None:
    people = [emu.state.add_user(f"p{n}").open_id for n in range(120)]
    made = lark.chats.create(name="New", user_ids=people[:2], in_threads=True)
    added = lark.chats.add_members(chat_id=made.chat_id, member_ids=[*people, "ou_x"])
    assert (added.unknown_ids, added.refused_ids) == (("ou_x",), ())
    members = [each.member_id for page in lark.chats.member_pages(chat_id=made.chat_id) for each in page.items]
    assert members == people
    assert emu.counters()["POST /open-apis/im/v1/chats/:chat_id/members"] == 3
    assert lark.messaging.send(receiver_id=made.chat_id, content=HELLO).message_id
    owned = lark.chats.create(name="Owned", owner_id=people[0])
    assert owned.owner_id == people[0]
    with pytest.raises(BadRequest, match="at most 50"):
        lark.chats.create(name="x", user_ids=people)


def test_group_that_the_bot_is_not_in_says_so(emu: Emulator, lark: LarkClient) -> None:
    chat_id = emu.state.add_chat("x")
    emu.state.set_chat_member(chat_id, emu.app_id, inside=False)
    with pytest.raises(AccessDenied, match="add the app's bot to the group"):
        lark.chats.add_members(chat_id=chat_id, member_ids=["ou_1"])
    with pytest.raises(AccessDenied, match="add the app's bot to the group"):
        lark.messaging.send(receiver_id=chat_id, content=HELLO)
    with pytest.raises(NotFound):
        lark.messaging.send(receiver_id="x", content=HELLO)


def test_lookup_without_a_connection_is_no_unknown_name(make_client: Callable[..., LarkClient]) -> None:
    with Emulator() as emu:
        host = emu.url
    with pytest.raises(Unreachable):
        make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=host, max_attempts=1).chats.find(name="a")
