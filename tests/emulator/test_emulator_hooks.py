"""Webhook bots (lark-api §6.4): by plain HTTP, as their documentation describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

HI: dict[str, Any] = {"msg_type": "text", "content": {"text": "hi"}}
OLD = {"StatusCode": 0, "StatusMessage": "success"}


def post(caller: Any, hook: Any, body: Any, **rest: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return caller.http.post(hook.url, content=content, headers={"Content-Type": "application/json"}, **rest)


def code(caller: Any, hook: Any, body: Any = HI) -> int:
    told: int = post(caller, hook, body).json()["code"]
    return told


def signed(secret: str, at: float, body: dict[str, Any] = HI) -> dict[str, Any]:
    key = f"{int(at)}\n{secret}".encode()
    return {"timestamp": str(int(at)), "sign": base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode(), **body}


@pytest.fixture
def hook(caller: Any) -> Any:
    return caller.emu.state.add_webhook(name="Alarms")


def test_text_stands_in_the_group_and_the_answer_has_both_shapes(caller: Any, hook: Any) -> None:
    answer = post(caller, hook, HI)

    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "success", "data": {}, **OLD})
    (message,) = caller.emu.messages
    assert (message.chat_id, message.text, message.sender) == (hook.chat_id, "hi", hook.hook_id)


def test_address_is_the_documented_one(caller: Any, hook: Any) -> None:
    assert hook.url == f"{caller.emu.url}/open-apis/bot/v2/hook/{hook.hook_id}"


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        pytest.param("code", {"code": 0, "msg": "success", "data": {}}, id="code"),
        pytest.param("status", OLD, id="the older one"),
    ],
)
def test_answer_may_have_one_shape_only(caller: Any, hook: Any, shape: str, told: dict[str, Any]) -> None:
    caller.emu.switches.update({"hook_answer": shape})

    assert post(caller, hook, HI).json() == told


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            {
                "msg_type": "post",
                "content": {"post": {"zh_cn": {"title": "T", "content": [[{"tag": "text", "text": "a"}]]}}},
            },
            "T\na",
            id="post",
        ),
        pytest.param({"msg_type": "image", "content": {"image_key": "img_1"}}, "", id="image"),
        pytest.param(
            {
                "msg_type": "interactive",
                "card": {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "m"}]}},
            },
            "m",
            id="card 2.0",
        ),
        pytest.param(
            {"msg_type": "interactive", "card": {"elements": [{"tag": "div", "text": {"content": "d"}}]}},
            "d",
            id="card 1.0",
        ),
        pytest.param(
            {"msg_type": "interactive", "card": {"type": "template", "data": {"template_id": "AAq"}}}, "", id="template"
        ),
    ],
)
def test_other_kinds_are_taken(caller: Any, hook: Any, body: dict[str, Any], text: str) -> None:
    assert code(caller, hook, body) == 0
    assert [each.text for each in caller.emu.messages] == [text]


def test_bot_shares_its_own_group_only(caller: Any, hook: Any) -> None:
    own, other = hook.chat_id, caller.emu.state.add_chat("Other")

    told = [code(caller, hook, {"msg_type": "share_chat", "content": {"share_chat_id": each}}) for each in (own, other)]

    assert told == [0, 9499]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, 19002, id="nothing"),
        pytest.param({"content": {"text": "hi"}}, 19002, id="no kind"),
        pytest.param({"msg_type": "audio", "content": {}}, 9499, id="unknown kind"),
        pytest.param({"msg_type": ["text"], "content": {}}, 9499, id="kind no text"),
        pytest.param({"msg_type": "text", "content": '{"text":"hi"}'}, 9499, id="content as for apps"),
        pytest.param({"msg_type": "text", "content": {"text": ""}}, 9499, id="no text"),
        pytest.param(
            {"msg_type": "post", "content": {"post": {"zh_cn": {"content": ["x"]}}}}, 9499, id="post no lines"
        ),
        pytest.param(
            {"msg_type": "post", "content": {"post": {"zh_cn": {"content": [[{"tag": "a", "href": "x"}]]}}}},
            9499,
            id="link no address",
        ),
        pytest.param({"msg_type": "interactive", "content": {"elements": []}}, 9499, id="card in content"),
        pytest.param({**HI, "uuid": "u-1"}, 9499, id="member of another API"),
        pytest.param(b"{", 9499, id="no json"),
        pytest.param(b"[]", 9499, id="no object"),
        pytest.param({"msg_type": "text", "content": {"text": "x" * 20_480}}, 9499, id="over 20 KB"),
        pytest.param(
            {"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}},
            11246,
            id="tag that 2.0 has not",
        ),
        pytest.param(
            {
                "msg_type": "interactive",
                "card": {"elements": [{"tag": "markdown", "content": "<at email=a@b.c></at>"}]},
            },
            11246,
            id="mention by e-mail",
        ),
    ],
)
def test_wrong_message_is_refused_and_not_sent(caller: Any, hook: Any, body: Any, expected: int) -> None:
    answer = post(caller, hook, body)

    assert (answer.json()["code"], answer.json()["data"]) == (expected, {})
    assert answer.status_code == (400 if expected == 9499 else 200)
    assert caller.emu.messages == []


def test_size_is_that_of_the_bytes(caller: Any, hook: Any) -> None:
    frame = len(json.dumps({"msg_type": "text", "content": {"text": ""}}, ensure_ascii=False).encode())
    fits, too_long = "错" * ((20_480 - frame) // 3), "错" * ((20_480 - frame) // 3 + 1)

    told = []
    for text in (fits, too_long):
        body = json.dumps({"msg_type": "text", "content": {"text": text}}, ensure_ascii=False).encode()
        told.append(code(caller, hook, body))

    assert told == [0, 9499]


def test_unknown_removed_and_disabled_bots_are_told_whatever_the_body_is(caller: Any, hook: Any) -> None:
    removed = caller.emu.state.add_webhook()
    caller.emu.state.remove_webhook(removed.hook_id)
    assert code(caller, removed, b"{") == 19001

    caller.emu.state.set_webhook(hook.hook_id, enabled=False)
    assert code(caller, hook) == 19007
    caller.emu.state.set_webhook(hook.hook_id, enabled=True)
    assert code(caller, hook) == 0


def test_signature_counts_for_an_hour(caller: Any, clock: Any) -> None:
    hook = caller.emu.state.add_webhook(secret="demo")
    now = clock.now()

    told = [code(caller, hook, signed("demo", now + ahead)) for ahead in (0, 3600, 3601, -3600, -3601)]

    assert told == [0, 0, 19021, 0, 19021]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HI, id="none"),
        pytest.param({"timestamp": "1767225600", "sign": "x", **HI}, id="wrong"),
        pytest.param({"timestamp": True, "sign": "x", **HI}, id="time no number"),
        pytest.param({"timestamp": "9" * 5000, "sign": "x", **HI}, id="time too long"),
        pytest.param(signed("demo\n", 1_767_225_600), id="secret with its line end"),
    ],
)
def test_message_that_is_not_signed_rightly_is_refused(caller: Any, body: dict[str, Any]) -> None:
    hook = caller.emu.state.add_webhook(secret="demo")

    assert code(caller, hook, body) == 19021
    assert caller.emu.messages == []


def test_signature_of_the_documents_example(caller: Any, clock: Any) -> None:
    clock.advance(1_599_360_473 - clock.now())
    hook = caller.emu.state.add_webhook(secret="demo")
    sign = "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="

    assert code(caller, hook, {"timestamp": "1599360473", "sign": sign, **HI}) == 0


@pytest.mark.parametrize(("first", "expected"), [(True, 19021), (False, 19002)])
def test_which_of_two_mistakes_is_told_is_a_switch(caller: Any, first: bool, expected: int) -> None:
    caller.emu.switches.update({"hook_signs_first": first})

    assert code(caller, caller.emu.state.add_webhook(secret="demo"), {}) == expected


def test_keyword_counts_in_texts_and_not_in_addresses(caller: Any) -> None:
    hook = caller.emu.state.add_webhook(keywords=["告警", "report"])

    def with_link(text: str, href: str) -> dict[str, Any]:
        line = [{"tag": "a", "text": text, "href": href}]
        return {"msg_type": "post", "content": {"post": {"zh_cn": {"title": "t", "content": [line]}}}}

    told = [
        code(caller, hook, HI),
        code(caller, hook, {"msg_type": "text", "content": {"text": "daily report"}}),
        code(caller, hook, with_link("x", "https://x.example/report")),
        code(caller, hook, with_link("告警", "https://x.example/")),
    ]

    assert told == [19024, 0, 19024, 0]


@pytest.mark.parametrize(
    ("ips", "expected"),
    [
        pytest.param(["127.0.0.1"], 0, id="address"),
        pytest.param(["127.0.0.*"], 0, id="pattern"),
        pytest.param(["10.0.0.1", "127.1.1.1/8"], 0, id="range"),
        pytest.param(["10.0.0.*"], 19022, id="others"),
    ],
)
def test_bot_listens_to_its_list_of_addresses(caller: Any, ips: list[str], expected: int) -> None:
    assert code(caller, caller.emu.state.add_webhook(ips=ips)) == expected


def test_rates_hold_in_every_window_when_they_are_on(caller: Any, hook: Any, clock: Any) -> None:
    caller.emu.switches.rate_limits = True
    burst = [code(caller, hook) for _ in range(6)]
    clock.advance(0.99)
    burst.append(code(caller, hook))
    clock.advance(0.02)
    burst.append(code(caller, hook))
    assert burst == [0] * 5 + [11232, 11232, 0]

    for _ in range(94):
        clock.advance(0.25)
        assert code(caller, hook) == 0
    clock.advance(0.25)
    assert code(caller, hook) == 11232
    clock.advance(36)
    assert code(caller, hook) == 0


def test_rates_are_each_bots_own(caller: Any, hook: Any) -> None:
    caller.emu.switches.rate_limits = True
    assert [code(caller, hook) for _ in range(6)][-1] == 11232
    assert code(caller, caller.emu.state.add_webhook(hook.chat_id)) == 0


def test_rush_after_a_half_hour_is_a_switch(caller: Any, hook: Any, clock: Any) -> None:
    caller.emu.switches.update({"hook_peak_seconds": 10.0})
    clock.advance(1800 - clock.now() % 1800)
    assert code(caller, hook) == 11232
    clock.advance(10)
    assert code(caller, hook) == 0


def test_fault_on_a_webhook_has_its_form(caller: Any, hook: Any) -> None:
    caller.emu.faults.add("bot/v2/hook", code=11232)

    told = post(caller, hook, HI)

    assert (told.status_code, sorted(told.json())) == (200, ["code", "data", "msg"])


def test_bots_are_made_over_http_and_their_secret_is_not_told(caller: Any) -> None:
    control = caller.http.post("/_emulator/webhooks", json={"secret": "canary", "keywords": ["k"]})
    made = control.json()["result"]
    assert "canary" not in control.text
    assert caller.http.post(made["url"], json=HI).json()["code"] == 19021
    assert caller.http.post("/_emulator/state/remove_webhook", json={"hook_id": made["hook_id"]}).status_code == 200
    assert caller.http.post(made["url"], json=HI).json()["code"] == 19001


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"keywords": [str(n) for n in range(11)]}, id="eleven keywords"),
        pytest.param({"ips": ["10.0.0.0/33"]}, id="no address"),
        pytest.param({"chat_id": "oc_unknown"}, id="no group"),
    ],
)
def test_impossible_bot_is_refused(caller: Any, given: dict[str, Any]) -> None:
    assert caller.http.post("/_emulator/webhooks", json=given).status_code == 400


def test_reset_forgets_bots(caller: Any, hook: Any) -> None:
    caller.emu.reset()
    assert code(caller, hook) == 19001
