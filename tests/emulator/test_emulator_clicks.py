"""Clicks on cards: what the app is sent, and what the person sees (lark-api §5.4)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from airflow_provider_lark.emulator import Emulator, ManualClock
from tests.emulator.listener import Listener

KEY, TOKEN = "test key", "vtoken"
APPROVE = {"tag": "button", "text": {"tag": "plain_text", "content": "Approve"}, "name": "approve"}
FORM = {
    "tag": "form",
    "name": "f",
    "elements": [
        {"tag": "input", "name": "why", "required": True, "max_length": 20},
        {"tag": "date_picker", "name": "day"},
        {"tag": "picker_datetime", "name": "at"},
        {"tag": "multi_select_static", "name": "tags", "options": [{"text": {"content": "A"}, "value": "a"}]},
        {**APPROVE, "form_action_type": "submit", "behaviors": [{"type": "callback", "value": {"q": 1}}]},
    ],
}


def card(*elements: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"schema": "2.0", "config": {"update_multi": True, **config}, "body": {"elements": list(elements)}}


BUTTON = card({**APPROVE, "behaviors": [{"type": "callback", "value": {"approve": True}}]})


@dataclass
class Room:
    """A chat with two people, and an app that hears of clicks."""

    emu: Emulator
    app: Listener
    chat: str
    ann: str
    wei: str
    http: httpx.Client

    def call(self, method: str, path: str, json: Any, **params: Any) -> dict[str, Any]:
        token = self.http.post(
            "/open-apis/auth/v3/tenant_access_token/internal",
            json={"app_id": self.emu.app_id, "app_secret": self.emu.app_secret},
        ).json()["tenant_access_token"]
        answer: dict[str, Any] = self.http.request(
            method, path, json=json, params=params, headers={"Authorization": f"Bearer {token}"}
        ).json()
        return answer

    def send(self, content: dict[str, Any]) -> str:
        body = {"receive_id": self.chat, "msg_type": "interactive", "content": json.dumps(content)}
        answer = self.call("POST", "/open-apis/im/v1/messages", body, receive_id_type="chat_id")
        return str(answer["data"]["message_id"])

    def shown(self, message_id: str) -> dict[str, Any]:
        message = self.emu.state.messages.known(message_id)
        found: dict[str, Any] = json.loads(message.content)
        return found


@pytest.fixture
def room() -> Iterator[Room]:
    with Emulator(clock=ManualClock(1_700_000_000)) as emu, httpx.Client(base_url=emu.url, timeout=30) as http:
        app = Listener()
        app.encrypt_key = KEY
        ann, wei = (emu.state.add_user(name).open_id for name in ("Ann", "Wei"))
        chat = emu.state.add_chat("Team", [ann, wei])
        emu.state.set_callback_url(emu.app_id, app.url, encrypt_key=KEY, verification_token=TOKEN)
        yield Room(emu, app, chat, ann, wei, http)
        app.stop()


def test_click_is_told_encrypted_and_signed(room: Room) -> None:
    message_id = room.send(BUTTON)
    seen = room.emu.clicks.press(message_id, room.ann)
    assert seen == {"sent": 1, "code": 0, "error": "", "toast": None, "is_updated": False}
    (heard,) = room.app.heard
    ts, nonce = heard.headers["x-lark-request-timestamp"], heard.headers["x-lark-request-nonce"]
    signed = hashlib.sha256(f"{ts}{nonce}{KEY}".encode() + heard.body).hexdigest()
    assert heard.headers["x-lark-signature"] == signed
    told = room.app.plain(heard)
    assert (told["schema"], told["header"]["event_type"], told["header"]["token"]) == (
        "2.0",
        "card.action.trigger",
        TOKEN,
    )
    assert told["header"]["create_time"] == "1700000000000000"
    event = told["event"]
    assert event["operator"]["open_id"] == room.ann
    assert event["action"] == {"tag": "button", "name": "approve", "value": {"approve": True}}
    assert event["context"] == {"open_message_id": message_id, "open_chat_id": room.chat}


def test_form_is_told_by_names_with_days_in_the_persons_zone(room: Room) -> None:
    message_id = room.send(card(FORM))
    filled = {"why": "ok <b>", "day": "2024-04-01", "at": "2024-04-29T07:07", "tags": ["a"]}
    room.emu.clicks.press(message_id, room.ann, form=filled)
    action = room.app.events()[0]["event"]["action"]
    assert action["form_value"] == {
        "why": "ok <b>",
        "day": "2024-04-01 +0800",
        "at": "2024-04-29 07:07 +0800",
        "tags": ["a"],
    }
    assert (action["tag"], action["value"], action["timezone"]) == ("button", {"q": 1}, "Asia/Shanghai")


@pytest.mark.parametrize(
    ("filled", "said"), [({}, "why is required"), ({"why": "x" * 21}, "why may have at most 20 characters")]
)
def test_client_looks_at_a_form_before_it_sends(room: Room, filled: dict[str, Any], said: str) -> None:
    message_id = room.send(card(FORM))
    seen = room.emu.clicks.press(message_id, room.ann, form=filled)
    assert (seen["error"], seen["sent"], room.app.heard) == (said, 0, [])
    room.emu.clicks.press(message_id, room.ann, form=filled, by_hand=True)
    assert room.app.events()[0]["event"]["action"]["form_value"]["why"] == filled.get("why", "")


@pytest.mark.parametrize(
    ("element", "given", "told"),
    [
        pytest.param({"tag": "select_static", "options": []}, {"option": "b"}, {"option": "b"}, id="select"),
        pytest.param({"tag": "date_picker"}, {"option": "2024-04-01"}, {"option": "2024-04-01 +0800"}, id="date"),
        pytest.param({"tag": "picker_time"}, {"option": "08:30"}, {"option": "08:30 +0800"}, id="time"),
        pytest.param({"tag": "input"}, {"text": "hello"}, {"input_value": "hello"}, id="input"),
        pytest.param({"tag": "checker", "text": {"content": "x"}}, {"checked": True}, {"checked": True}, id="checker"),
    ],
)
def test_component_outside_a_form_tells_its_own_value(
    room: Room, element: dict[str, Any], given: dict[str, Any], told: dict[str, Any]
) -> None:
    behaviors = [{"type": "callback", "value": {"k": 1}}]
    message_id = room.send(card({**element, "behaviors": behaviors}))
    room.emu.clicks.press(message_id, room.ann, at=0, **given)
    action = room.app.events()[0]["event"]["action"]
    assert told.items() <= action.items()
    assert (action["tag"], action["value"]) == (element["tag"], {"k": 1})


def test_button_that_only_opens_a_page_tells_nobody(room: Room) -> None:
    link = {**APPROVE, "behaviors": [{"type": "open_url", "default_url": "https://example.com"}]}
    assert room.emu.clicks.press(room.send(card(link)), room.ann)["sent"] == 0
    assert room.app.heard == []


def answered(room: Room, answer: Any, content: dict[str, Any] = BUTTON) -> tuple[dict[str, Any], dict[str, Any]]:
    room.app.event_answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    message_id = room.send(content)
    return room.emu.clicks.press(message_id, room.ann), room.shown(message_id)


def test_answer_shows_a_toast_and_changes_the_card_for_all(room: Room) -> None:
    after = card({"tag": "markdown", "content": "done"})
    toast = {"type": "success", "content": "Thanks"}
    seen, shown = answered(room, {"toast": toast, "card": {"type": "raw", "data": after}})
    assert (seen["toast"], seen["is_updated"], shown) == (toast, True, after)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(b"", 0, id="empty"),
        pytest.param(b"<html>", 200672, id="no JSON"),
        pytest.param([], 200672, id="a list"),
        pytest.param({"toast": {"type": "loud", "content": "x"}}, 200672, id="toast"),
        pytest.param({"card": {"type": "raw", "data": "{}"}}, 200672, id="card as text"),
        pytest.param({"card": {"type": "raw", "data": {"elements": []}}}, 200673, id="card of JSON 1.0"),
        pytest.param({"card": {"type": "raw", "data": {"schema": "2.0", "x": 1}}}, 200673, id="card that is wrong"),
    ],
)
def test_answer_that_is_wrong_is_an_error_for_the_person(room: Room, answer: Any, code: int) -> None:
    seen, shown = answered(room, answer)
    assert (seen["code"], shown) == (code, BUTTON)


def test_app_that_refuses_hangs_or_is_gone_is_an_error_for_the_person(room: Room) -> None:
    message_id = room.send(BUTTON)
    room.app.answers.append(500)
    assert room.emu.clicks.press(message_id, room.ann)["code"] == 200671
    room.app.answers.append(0)
    room.emu.switches.ack_seconds = 0.2
    assert room.emu.clicks.press(message_id, room.ann)["code"] == 200341
    room.emu.state.set_callback_url(room.emu.app_id, "")
    heard = len(room.app.heard)
    seen = room.emu.clicks.press(message_id, room.ann)
    assert (seen["code"], seen["sent"], len(room.app.heard)) == (200340, 0, heard)


def test_app_with_both_callbacks_hears_each_click_twice(room: Room) -> None:
    room.emu.state.set_callback_url(
        room.emu.app_id, room.app.url, encrypt_key=KEY, verification_token=TOKEN, kinds=["new", "old"]
    )
    message_id = room.send(BUTTON)
    room.app.answers.append(500)
    # one of the two answers is enough
    assert room.emu.clicks.press(message_id, room.ann)["code"] == 0
    old = next(each for each in room.app.heard if b"encrypt" not in each.body)
    ts, nonce = old.headers["x-lark-request-timestamp"], old.headers["x-lark-request-nonce"]
    assert old.headers["x-lark-signature"] == hashlib.sha1(f"{ts}{nonce}{TOKEN}".encode() + old.body).hexdigest()
    told = json.loads(old.body)
    assert (told["open_id"], told["open_message_id"], told["action"]["value"]) == (
        room.ann,
        message_id,
        {"approve": True},
    )
    assert len(room.app.heard) == 2


def test_token_changes_the_card_twice_after_the_answer_and_for_half_an_hour(room: Room) -> None:
    def change(token: str, word: str) -> int:
        path = "/open-apis/interactive/v1/card/update"
        answer = room.call("POST", path, {"token": token, "card": card({"tag": "markdown", "content": word})})
        return int(answer["code"])

    early: list[int] = []
    room.app.on_event = lambda: early.append(change(room.app.events()[-1]["event"]["token"], "early"))
    message_id = room.send(BUTTON)
    room.emu.clicks.press(message_id, room.ann)
    room.app.on_event = lambda: None
    token = room.app.events()[0]["event"]["token"]
    assert early == [300090]
    assert [change(token, word) for word in ("one", "two", "three")] == [0, 0, 300090]
    assert room.shown(message_id)["body"]["elements"][0]["content"] == "two"
    room.emu.clicks.press(room.send(BUTTON), room.ann)
    room.emu.clock.advance(1801)  # type: ignore[attr-defined]
    assert change(room.app.events()[-1]["event"]["token"], "late") == 300090


def test_forwarded_card_is_dead_unless_it_says_otherwise(room: Room) -> None:
    other = room.emu.state.add_chat("Other", [room.wei])
    copy = room.emu.clicks.forward(room.send(BUTTON), room.ann, other)
    assert room.emu.clicks.press(copy, room.wei)["error"] == "a forwarded card does not accept clicks"
    living = {**BUTTON, "config": {"update_multi": True, "enable_forward_interaction": True}}
    copy = room.emu.clicks.forward(room.send(living), room.ann, other)
    assert room.emu.clicks.press(copy, room.wei)["sent"] == 1
    assert room.app.events()[0]["event"]["context"] == {"open_message_id": copy, "open_chat_id": other}


def test_card_dies_after_a_fortnight_and_nobody_presses_what_they_do_not_see(room: Room) -> None:
    message_id = room.send(BUTTON)
    stranger = room.emu.state.add_user("Mallory").open_id
    assert room.emu.clicks.press(message_id, stranger)["error"] == "the message is not visible to the person"
    room.emu.clock.advance(14 * 86400 + 1)  # type: ignore[attr-defined]
    assert room.emu.clicks.press(message_id, room.ann)["error"] == "the card has expired"
    assert room.app.heard == []


def test_click_from_another_process_does_the_same(room: Room) -> None:
    message_id = room.send(BUTTON)
    answer = room.http.post("/_emulator/click", json={"message_id": message_id, "open_id": room.ann})
    assert answer.json()["result"]["sent"] == 1
    wrong = room.http.post("/_emulator/click", json={"message_id": message_id, "open_id": room.ann, "label": "No"})
    assert (wrong.status_code, "'No'" in wrong.json()["error"]) == (400, True)
    assert base64.b64decode(json.loads(room.app.heard[0].body)["encrypt"])


def test_app_with_a_long_connection_that_nobody_holds_answers_nothing(room: Room) -> None:
    room.emu.state.set_long_connection(room.emu.app_id)
    seen = room.emu.clicks.press(room.send(BUTTON), room.ann)
    assert (seen["code"], room.app.heard) == (200341, [])
