"""Forwards, alarms, reactions, batches, and groups (lark-api §6.1, §7.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.test_emulator_talk import MESSAGES, Talk

CHATS = "/open-apis/im/v1/chats"


@pytest.fixture
def talk(caller: Any) -> Talk:
    return Talk(caller)


def forward(talk: Talk, path: str, receive_id: str, kind: str = "chat_id", uuid: str = "", **members: Any) -> Any:
    query = {"receive_id_type": kind, **({"uuid": uuid} if uuid else {})}
    return talk.caller.call("POST", f"/open-apis/im/v1/{path}", {"receive_id": receive_id, **members}, **query)


def test_forward_copies_a_message_once_per_target_and_uuid(talk: Talk) -> None:
    message_id, other = talk.send("news"), talk.state.add_chat("Other")
    path = f"messages/{message_id}/forward"
    first = forward(talk, path, other, uuid="u")["data"]
    assert first["chat_id"] == other
    assert json.loads(first["body"]["content"]) == {"text": "news"}
    assert forward(talk, path, other, uuid="u")["data"]["message_id"] == first["message_id"]
    assert forward(talk, path, talk.chat_id, uuid="u")["data"]["message_id"] != first["message_id"]
    assert forward(talk, path, talk.ann.open_id, "open_id")["code"] == 0
    talk.caller.code("DELETE", f"{MESSAGES}/{message_id}")
    assert forward(talk, path, other)["code"] == 230065
    assert forward(talk, "messages/om_x/forward", other)["code"] == 230064


def test_forward_into_a_thread(talk: Talk) -> None:
    root = talk.send("root")
    thread_id = talk.reply(root, reply_in_thread=True)["data"]["thread_id"]
    told = forward(talk, f"messages/{talk.send('news')}/forward", thread_id, "thread_id")["data"]
    assert (told["thread_id"], told["root_id"]) == (thread_id, root)
    assert forward(talk, f"messages/{root}/forward", "omt_x", "thread_id")["code"] == 230019
    whole = forward(talk, f"threads/{thread_id}/forward", talk.state.add_chat("Other"))["data"]
    items = talk.caller.call("GET", f"{MESSAGES}/{whole['message_id']}")["data"]["items"]
    assert [json.loads(each["body"]["content"])["text"] for each in items[1:]] == ["root", "re", "news"]


def test_merge_forward_names_what_it_left_out(talk: Talk) -> None:
    one, two, other = talk.send("1"), talk.send("2"), talk.state.add_chat("Other")
    told = forward(talk, "messages/merge_forward", other, message_id_list=[one, two, "om_x"])["data"]
    assert told["invalid_message_id_list"] == ["om_x"]
    assert told["message"]["body"]["content"] == "Merged and Forwarded Message"
    head, *children = talk.caller.call("GET", f"{MESSAGES}/{told['message']['message_id']}")["data"]["items"]
    assert {each["upper_message_id"] for each in children} == {head["message_id"]}
    assert forward(talk, f"messages/{children[0]['message_id']}/forward", other)["code"] == 230064
    assert forward(talk, "messages/merge_forward", other, message_id_list=["om_x"])["code"] == 230064
    elsewhere = forward(talk, f"messages/{one}/forward", other)["data"]["message_id"]
    assert forward(talk, "messages/merge_forward", other, message_id_list=[one, elsewhere])["code"] == 230069
    inside = talk.reply(one, reply_in_thread=True)["data"]["message_id"]
    assert forward(talk, "messages/merge_forward", other, message_id_list=[two, inside])["code"] == 230067


@pytest.mark.parametrize("way", ["app", "sms", "phone"])
def test_alarm_reaches_members_of_the_chat(talk: Talk, way: str) -> None:
    message_id, bob = talk.send(), talk.state.add_user("Bob")
    path = f"{MESSAGES}/{message_id}/urgent_{way}"

    def urge(*people: str, path: str = path) -> Any:
        return talk.caller.call("PATCH", path, {"user_id_list": list(people)}, user_id_type="open_id")

    assert urge(talk.ann.open_id, bob.open_id)["data"] == {"invalid_user_id_list": [bob.open_id]}
    assert talk.caller.emu.messages[-1].urged == {talk.ann.open_id: way}
    assert urge(bob.open_id)["code"] == 230001
    assert urge(*[talk.ann.open_id] * 201)["code"] == 230001
    gone = talk.state.add_user("Gone")
    talk.state.resign(gone.open_id)
    # nobody is alarmed then
    assert urge(talk.ann.open_id, gone.open_id)["code"] == 230013
    theirs = talk.state.write_message(talk.chat_id, talk.ann.open_id, "x")
    assert urge(talk.ann.open_id, path=f"{MESSAGES}/{theirs}/urgent_{way}")["code"] == 230012
    talk.state.set_chat(talk.chat_id, urging="only_owner")
    assert urge(talk.ann.open_id)["code"] == 230052


def test_alarms_are_limited_by_what_is_unread_and_paid_for(talk: Talk) -> None:
    def urge(message_id: str, way: str = "app") -> int:
        people = {"user_id_list": [talk.ann.open_id]}
        code: int = talk.caller.code("PATCH", f"{MESSAGES}/{message_id}/urgent_{way}", people, user_id_type="open_id")
        return code

    talk.caller.emu.switches.urgent_quota = 1
    assert (urge(talk.send(), "sms"), urge(talk.send(), "phone"), urge(talk.send())) == (0, 230024, 0)
    for _ in range(198):
        assert urge(talk.send()) == 0
    assert urge(talk.send()) == 230023
    talk.state.read_message(talk.caller.emu.messages[0].message_id, talk.ann.open_id)
    assert urge(talk.send()) == 0


def test_reactions_come_and_go(talk: Talk) -> None:
    path = f"{MESSAGES}/{talk.send()}/reactions"

    def react(emoji: str) -> Any:
        return talk.caller.call("POST", path, {"reaction_type": {"emoji_type": emoji}})

    made = react("DONE")["data"]
    assert made["operator"] == {"operator_id": talk.caller.emu.app_id, "operator_type": "app"}
    assert react("DONE")["data"] == made
    assert react("done")["code"] == 231001
    react("OK")
    listed = talk.caller.call("GET", path, reaction_type="OK")["data"]
    assert [each["reaction_type"]["emoji_type"] for each in listed["items"]] == ["OK"]
    assert talk.caller.call("GET", path, page_size=1)["data"]["has_more"] is True
    assert talk.caller.code("DELETE", f"{path}/{made['reaction_id']}") == 0
    assert talk.caller.code("DELETE", f"{path}/{made['reaction_id']}") == 231011
    assert talk.caller.code("GET", f"{MESSAGES}/om_x/reactions") == 231003
    talk.state.set_chat_member(talk.chat_id, talk.caller.emu.app_id, inside=False)
    assert (react("OK")["code"], talk.caller.code("GET", path)) == (231002, 231008)


def test_batch_reaches_everybody_who_is_known(talk: Talk) -> None:
    bob = talk.state.add_user("Bob")
    body = {
        "msg_type": "text",
        "content": {"text": "all"},
        "open_ids": [talk.ann.open_id, "ou_x"],
        "union_ids": [bob.union_id, talk.ann.union_id],
        "department_ids": ["od-1"],
    }
    told = talk.caller.call("POST", "/open-apis/message/v4/batch_send/", body)["data"]
    assert told.pop("message_id").startswith("bm-")
    assert told == {
        "invalid_open_ids": ["ou_x"],
        "invalid_union_ids": [],
        "invalid_user_ids": [],
        "invalid_department_ids": ["od-1"],
    }
    assert [(each.receive_id, each.text) for each in talk.caller.emu.messages] == [
        (talk.ann.open_id, "all"),
        (bob.open_id, "all"),
    ]
    sent = talk.caller.emu.messages[0].message_id
    assert (talk.edit(sent), talk.caller.code("DELETE", f"{MESSAGES}/{sent}")) == (230054, 230054)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"open_ids": []}, 10003, id="nobody"),
        pytest.param({"msg_type": "file"}, 10003, id="no such type"),
        pytest.param({"content": '{"text": "x"}'}, 10003, id="content no object"),
        pytest.param({"content": {"text": ""}}, 11246, id="no text"),
        pytest.param({"open_ids": ["ou_x"] * 201}, 10003, id="too many"),
        pytest.param(
            {"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}},
            11246,
            id="wrong card",
        ),
        pytest.param({"msg_type": "image", "content": {"image_key": "img_x"}}, 11227, id="unknown image"),
    ],
)
def test_wrong_batch_is_refused_with_http_200(talk: Talk, changes: dict[str, Any], code: int) -> None:
    body = {"msg_type": "text", "content": {"text": "x"}, "open_ids": [talk.ann.open_id], **changes}
    answer = talk.caller.raw("POST", "/open-apis/message/v4/batch_send/", body)
    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert talk.caller.emu.messages == []


def test_groups_of_the_bot_are_listed_in_pages(talk: Talk) -> None:
    names = [f"g{n}" for n in range(5)]
    ids = [talk.state.add_chat(each, owner=talk.ann.open_id) for each in names]
    talk.state.set_chat_member(ids[0], talk.caller.emu.app_id, inside=False)
    talk.send()
    first = talk.caller.call("GET", CHATS, page_size=3)["data"]
    assert [each["name"] for each in first["items"]] == ["Team", "g1", "g2"]
    assert first["items"][1]["owner_id"] == talk.ann.open_id
    rest = talk.caller.call("GET", CHATS, page_size=3, page_token=first["page_token"])["data"]
    assert ([each["name"] for each in rest["items"]], rest["has_more"]) == (["g3", "g4"], False)
    by_activity = talk.caller.call("GET", CHATS, sort_type="ByActiveTimeDesc", page_size=1)["data"]["items"]
    assert by_activity[0]["chat_id"] == talk.chat_id
    assert talk.caller.code("GET", CHATS, page_size=101) == 232001


def test_search_finds_parts_of_names_and_members(talk: Talk) -> None:
    for name in ("data-alerts", "data-alerts-prod", "数据告警"):
        talk.state.add_chat(name)
    hidden = talk.state.add_chat("数据私有")
    talk.state.set_chat_member(hidden, talk.caller.emu.app_id, inside=False)

    def search(query: str) -> list[str]:
        return [each["name"] for each in talk.caller.call("GET", f"{CHATS}/search", query=query)["data"]["items"]]

    assert search("数据") == ["数据告警"]
    assert search("ann") == ["Team"]
    assert search('"data-alerts"') == ["data-alerts", "data-alerts-prod"]
    assert search("data-alerts") == []
    assert search("x" * 65) == search("") == []
    talk.state.set_chat(hidden, is_public=True)
    assert search("数据私") == ["数据私有"]
    talk.caller.emu.switches.search_heeds_dashes = True
    assert search("data-alerts-p") == ["data-alerts-prod"]


def test_group_is_shown_whole_to_those_inside(talk: Talk) -> None:
    chat = talk.caller.call("GET", f"{CHATS}/{talk.chat_id}")["data"]
    assert (chat["name"], chat["chat_mode"], chat["user_count"], chat["bot_count"]) == ("Team", "group", "1", "1")
    talk.state.set_chat_member(talk.chat_id, talk.caller.emu.app_id, inside=False)
    assert set(talk.caller.call("GET", f"{CHATS}/{talk.chat_id}")["data"]) == {
        *("name", "avatar", "user_count", "bot_count", "chat_status")
    }
    assert talk.caller.code("GET", f"{CHATS}/oc_x") == 232006


def test_group_is_founded_once_per_uuid_and_owner(talk: Talk) -> None:
    talk.state.add_app("cli_2", "s")
    body = {"name": "New", "user_id_list": [talk.ann.union_id], "bot_id_list": ["cli_2"], "chat_type": "public"}
    made, again = (talk.caller.call("POST", CHATS, body, user_id_type="union_id", uuid="u")["data"] for _ in range(2))
    assert made["chat_id"] == again["chat_id"]
    assert "owner_id" not in made
    owned = talk.caller.call("POST", CHATS, {"owner_id": talk.ann.open_id}, uuid="u", set_bot_manager="true")["data"]
    assert (owned["name"], owned["owner_id"]) == ("(无主题)", talk.ann.open_id)
    assert owned["bot_manager_id_list"] == [talk.caller.emu.app_id]
    inside = talk.caller.call("GET", f"{CHATS}/{made['chat_id']}/members/is_in_chat")["data"]
    assert inside == {"is_in_chat": True}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"chat_type": "public"}, 232042, id="public without a name"),
        pytest.param({"chat_type": "public", "name": "x"}, 232020, id="public with a short name"),
        pytest.param({"user_id_list": ["ou_x"]}, 232043, id="unknown member"),
        pytest.param({"owner_id": "ou_x"}, 232030, id="unknown owner"),
        pytest.param({"bot_id_list": ["cli_x"]}, 232021, id="unknown bot"),
        pytest.param({"user_id_list": ["ou_x"] * 51}, 232001, id="too many"),
    ],
)
def test_wrong_group_is_not_founded(talk: Talk, body: dict[str, Any], code: int) -> None:
    assert talk.caller.code("POST", CHATS, body) == code
    assert [each["name"] for each in talk.caller.call("GET", CHATS)["data"]["items"]] == ["Team"]


def test_members_are_listed_without_bots(talk: Talk) -> None:
    told = talk.caller.call("GET", f"{CHATS}/{talk.chat_id}/members", member_id_type="user_id")["data"]
    assert [(each["member_id"], each["name"]) for each in told["items"]] == [(talk.ann.user_id, "Ann")]
    assert told["member_total"] == 1
    talk.state.set_chat_member(talk.chat_id, talk.caller.emu.app_id, inside=False)
    assert talk.caller.code("GET", f"{CHATS}/{talk.chat_id}/members") == 232011


@pytest.mark.parametrize(
    ("strictness", "code", "joined"),
    [("0", 232043, []), ("1", 0, ["Bob"]), ("2", 232043, [])],
)
def test_taking_people_in_heeds_succeed_type(talk: Talk, strictness: str, code: int, joined: list[str]) -> None:
    bob, gone = talk.state.add_user("Bob"), talk.state.add_user("Gone")
    talk.state.resign(gone.open_id)
    path = f"{CHATS}/{talk.chat_id}/members"
    people = {"id_list": [bob.open_id, "ou_x", gone.open_id]}
    told = talk.caller.call("POST", path, people, succeed_type=strictness)
    assert told["code"] == code
    if code == 0:
        assert (told["data"]["not_existed_id_list"], told["data"]["invalid_id_list"]) == (["ou_x"], [gone.open_id])
    names = [each["name"] for each in talk.caller.call("GET", path)["data"]["items"]]
    assert names == ["Ann", *joined]


def test_taking_in_is_refused_by_its_rules(talk: Talk) -> None:
    path, gone = f"{CHATS}/{talk.chat_id}/members", talk.state.add_user("Gone")
    talk.state.resign(gone.open_id)
    assert talk.caller.code("POST", path, {"id_list": []}) == 232027
    assert talk.caller.code("POST", path, {"id_list": [gone.open_id]}) == 232027
    assert talk.caller.code("POST", path, {"id_list": [gone.open_id, talk.ann.open_id]}, succeed_type="2") == 232022
    talk.state.add_app("cli_2", "s")
    assert talk.caller.code("POST", path, {"id_list": ["cli_2"]}, member_id_type="app_id") == 0
    talk.state.set_chat(talk.chat_id, adding="only_owner")
    assert talk.caller.code("POST", path, {"id_list": [talk.ann.open_id]}) == 232017
    talk.state.set_chat(talk.chat_id, is_dissolved=True)
    assert talk.caller.code("POST", path, {"id_list": [talk.ann.open_id]}) == 232009


def test_bot_joins_public_groups_only(talk: Talk) -> None:
    other = talk.state.add_chat("Other")
    talk.state.set_chat_member(other, talk.caller.emu.app_id, inside=False)
    path = f"{CHATS}/{other}/members/me_join"
    assert talk.caller.code("PATCH", path) == 232075
    talk.state.set_chat(other, is_public=True)
    assert talk.caller.code("PATCH", path) == 0
    assert talk.caller.call("GET", f"{CHATS}/{other}/members/is_in_chat")["data"] == {"is_in_chat": True}
