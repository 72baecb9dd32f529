"""Sending texts (lark-api §6.1 to §6.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

MESSAGES = "/open-apis/im/v1/messages"


def body(receive_id: str, text: str = "hi", **members: Any) -> dict[str, Any]:
    return {"receive_id": receive_id, "msg_type": "text", "content": json.dumps({"text": text}), **members}


def send(caller: Any, kind: str, receive_id: str, text: str = "hi", **members: Any) -> dict[str, Any]:
    return caller.call("POST", MESSAGES, body(receive_id, text, **members), receive_id_type=kind)


@pytest.fixture
def ann(caller: Any) -> Any:
    return caller.emu.state.add_user("Ann", "ann@example.com")


def test_text_reaches_a_person_by_each_of_her_ids(caller: Any, ann: Any) -> None:
    receivers = {"open_id": ann.open_id, "union_id": ann.union_id, "user_id": ann.user_id, "email": ann.email}

    answers = [send(caller, kind, each)["data"] for kind, each in receivers.items()]

    assert len({each["chat_id"] for each in answers}) == 1
    assert [each.receive_id for each in caller.emu.messages] == list(receivers.values())
    assert len({each["message_id"] for each in answers}) == 4


def test_answer_is_the_message(caller: Any, ann: Any) -> None:
    told = send(caller, "open_id", ann.open_id, f'<at user_id="{ann.open_id}">Ann</at> hi')["data"]

    assert (told["message_id"][:3], told["chat_id"][:3], told["msg_type"]) == ("om_", "oc_", "text")
    assert told["create_time"] == told["update_time"] == str(caller.emu.state.now_ms)
    assert told["sender"] == {
        "id": caller.emu.app_id,
        "id_type": "app_id",
        "sender_type": "app",
        "tenant_key": caller.emu.state.tenant_key,
    }
    (mention,) = told["mentions"]
    assert mention.pop("tenant_key") == caller.emu.state.tenant_key
    assert mention == {"key": "@_user_1", "id": ann.open_id, "id_type": "open_id", "name": "Ann"}
    assert json.loads(told["body"]["content"])["text"] == "@_user_1 hi"
    assert caller.emu.messages[-1].mentions == (ann.open_id,)


def test_group_takes_texts_of_bots_that_are_in_it(caller: Any) -> None:
    chat_id = caller.emu.state.add_chat("Team")
    assert send(caller, "chat_id", chat_id)["data"]["chat_id"] == chat_id

    caller.emu.state.set_chat_member(chat_id, caller.emu.app_id, inside=False)
    assert send(caller, "chat_id", chat_id)["code"] == 230002


@pytest.mark.parametrize("kind", ["open_id", "union_id", "user_id", "email", "chat_id"])
def test_unknown_receiver_is_refused(caller: Any, kind: str) -> None:
    answer = caller.raw("POST", MESSAGES, body("nobody"), receive_id_type=kind)

    assert (answer.status_code, answer.json()["code"]) == (400, 230034)


def test_id_of_another_kind_is_unknown(caller: Any, ann: Any) -> None:
    assert send(caller, "user_id", ann.open_id)["code"] == 230034


def test_receiver_out_of_reach_is_refused(caller: Any, ann: Any) -> None:
    caller.emu.state.set_app(caller.emu.app_id, available_to=[])
    unavailable = send(caller, "open_id", ann.open_id)["code"]
    caller.emu.state.set_app(caller.emu.app_id, available_to=None)
    caller.emu.state.resign(ann.open_id)

    assert (unavailable, send(caller, "open_id", ann.open_id)["code"]) == (230013, 230013)
    caller.emu.state.set_app(caller.emu.app_id, bot=False)
    assert send(caller, "open_id", ann.open_id)["code"] == 230006


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"content": "hi"}, 230001, id="content no JSON"),
        pytest.param({"content": '"hi"'}, 230001, id="content no object"),
        pytest.param({"content": '{"text": ""}'}, 230001, id="empty text"),
        pytest.param({"content": {"text": "hi"}}, 99992402, id="content an object"),
        pytest.param({"msg_type": "post"}, 230001, id="a text as a post"),
        pytest.param({"msg_type": "letter"}, 230001, id="no known type"),
        pytest.param({"msg_type": None}, 99992402, id="no type"),
        pytest.param({"uuid": "u" * 51}, 230001, id="uuid too long"),
        pytest.param({"content": json.dumps({"text": "x" * 153_600})}, 230025, id="over 150 KB"),
        pytest.param({"receive_id": ""}, 99992402, id="no receiver"),
    ],
)
def test_wrong_message_is_refused(caller: Any, ann: Any, changes: dict[str, Any], code: int) -> None:
    answer = caller.call("POST", MESSAGES, {**body(ann.open_id), **changes}, receive_id_type="open_id")

    assert (answer["code"], caller.emu.messages) == (code, [])


@pytest.mark.parametrize("kind", [{}, {"receive_id_type": "phone"}])
def test_kind_of_receiver_is_required(caller: Any, ann: Any, kind: dict[str, str]) -> None:
    assert caller.code("POST", MESSAGES, body(ann.open_id), **kind) == 99992402


def test_same_uuid_sends_once_an_hour(caller: Any, ann: Any, clock: Any) -> None:
    first = send(caller, "open_id", ann.open_id, uuid="u-1")["data"]
    clock.advance(3599)
    assert send(caller, "open_id", ann.open_id, uuid="u-1")["data"] == first
    clock.advance(1)
    assert send(caller, "open_id", ann.open_id, uuid="u-1")["data"]["message_id"] != first["message_id"]

    assert len(caller.emu.messages) == 2


def test_one_receiver_takes_five_a_second_when_rates_are_on(caller: Any, clock: Any) -> None:
    caller.emu.switches.rate_limits = True
    chat_id, other = caller.emu.state.add_chat("Team"), caller.emu.state.add_chat("Other")

    codes = [send(caller, "chat_id", chat_id)["code"] for _ in range(6)]

    assert codes == [0] * 5 + [230020]
    assert send(caller, "chat_id", other)["code"] == 0
    clock.advance(0.2)
    assert send(caller, "chat_id", chat_id)["code"] == 0


def test_message_needs_its_scope(caller: Any, ann: Any) -> None:
    caller.emu.state.set_app(caller.emu.app_id, scopes=["bitable:app"])

    assert send(caller, "open_id", ann.open_id)["code"] == 99991672


def test_control_lists_messages(caller: Any, ann: Any) -> None:
    send(caller, "open_id", ann.open_id, "hello")

    (shown,) = caller.http.get("/_emulator/messages").json()["result"]

    assert (shown["text"], shown["receive_id"], shown["app_id"]) == ("hello", ann.open_id, caller.emu.app_id)
