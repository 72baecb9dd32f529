"""What the platform refuses about the places and the parts of a card (lark-api §6.6; sub-codes of 230099)."""

from __future__ import annotations

import json
from typing import Any

import pytest

MESSAGES = "/open-apis/im/v1/messages"


PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (10).to_bytes(4, "big") + (20).to_bytes(4, "big")


def plain(content: str) -> dict[str, Any]:
    return {"tag": "plain_text", "content": content}


MARKDOWN = {"tag": "markdown", "content": "x"}
SUBMIT = {"tag": "button", "text": plain("ok"), "name": "ok", "form_action_type": "submit"}
INPUT = {"tag": "input", "name": "why"}
MULTI = {"tag": "multi_select_static", "name": "many", "options": []}
TABLE = {"tag": "table", "columns": [{"name": "a", "data_type": "number"}], "rows": [{"a": 1}]}
CHART = {"tag": "chart", "chart_spec": {"type": "bar"}}
PIPES = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"


def form(*elements: Any, **more: Any) -> dict[str, Any]:
    return {"tag": "form", "name": "form", "elements": list(elements), **more}


def columns(*elements: Any) -> dict[str, Any]:
    return {"tag": "column_set", "columns": [{"tag": "column", "elements": list(elements)}]}


def nested(depth: int) -> dict[str, Any]:
    return columns(nested(depth - 1)) if depth else MARKDOWN


def link(url: str) -> dict[str, Any]:
    return {"tag": "button", "text": plain("x"), "behaviors": [{"type": "open_url", "default_url": url}]}


@pytest.fixture
def send(caller: Any) -> Any:
    ann = caller.emu.state.add_user("Ann", "ann@example.com")

    def send(*elements: Any, **parts: Any) -> dict[str, Any]:
        card = {"schema": "2.0", "body": {"elements": list(elements)}, **parts}
        body = {"receive_id": ann.open_id, "msg_type": "interactive", "content": json.dumps(card)}
        answer: dict[str, Any] = caller.call("POST", MESSAGES, body, receive_id_type="open_id")
        return answer

    return send


@pytest.mark.parametrize(
    ("element", "sub_code", "place"),
    [
        pytest.param(columns(TABLE), 200621, "columns -> [0](tag: column) -> elements -> [0](tag: table)", id="table"),
        pytest.param(columns(form(SUBMIT)), 200621, "[0](tag: form)", id="form in a column"),
        pytest.param(form(SUBMIT, CHART), 200621, "[1](tag: chart)", id="chart in a form"),
        pytest.param(MULTI, 200621, "[0](tag: multi_select_static)", id="multi-select outside a form"),
        pytest.param({"tag": "select_img", "multi_select": True}, 200621, "select_img", id="several images"),
        pytest.param(nested(6), 200621, "elements -> [0](tag: column_set)", id="six levels"),
        pytest.param(form(INPUT), 200621, "[0](tag: form)", id="no submit button"),
        pytest.param(form(SUBMIT, {"tag": "input"}), 200530, "[1](tag: input)", id="input without name"),
        pytest.param(form(SUBMIT, name=""), 200530, "[0](tag: form)", id="form without name"),
        pytest.param(form(SUBMIT, INPUT, INPUT), 200621, "[2](tag: input)", id="name twice"),
        pytest.param({**TABLE, "page_size": 11}, 200621, "(tag: table)", id="page of eleven"),
        pytest.param({**TABLE, "columns": [{}]}, 200621, "(tag: table)", id="column without name"),
        pytest.param({**TABLE, "rows": [{"a": "1"}]}, 200914, "row: 0, column: 0", id="number as text"),
        pytest.param({**TABLE, "rows": "x"}, 200914, "(tag: table)", id="rows as text"),
        pytest.param({**TABLE, "rows": [{"b": 1}]}, 200915, "(tag: table)", id="cell without column"),
        pytest.param({"tag": "chart", "chart_spec": {}}, 200550, "[0](tag: chart)", id="empty spec"),
        pytest.param({"tag": "img_combination", "combination_mode": "double"}, 200621, "img_comb", id="no pictures"),
        pytest.param({"tag": "img_combination", "img_list": [{}]}, 200570, "img_comb", id="picture without key"),
        pytest.param({"tag": "select_img", "options": []}, 200621, "(tag: select_img)", id="nothing to choose"),
        pytest.param({**MARKDOWN, "element_id": "1a"}, 200621, "(tag: markdown)", id="element_id from a digit"),
        pytest.param({**MARKDOWN, "element_id": "a" * 21}, 200621, "(tag: markdown)", id="long element_id"),
        pytest.param(link("ftp://x.cn"), 200621, "behaviors -> [0] -> default_url", id="scheme of a link"),
        pytest.param({"tag": "markdown", "content": PIPES * 5}, 11310, "(tag: markdown)", id="five tables in one text"),
    ],
)
def test_card_that_breaks_a_rule_is_refused_with_code_and_place(
    caller: Any, send: Any, element: Any, sub_code: int, place: str
) -> None:
    answer = send(element)

    assert answer["code"] == 230099
    assert f"ErrCode: {sub_code}; " in answer["msg"]
    assert place in answer["msg"]
    assert caller.emu.messages == []


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param([form(SUBMIT, INPUT, MULTI, columns(CHART | {"tag": "hr"}))], id="form"),
        pytest.param([TABLE] * 5, id="five tables"),
        pytest.param([nested(5)], id="five levels"),
        pytest.param([link("https://x.cn"), link("")], id="links"),
        pytest.param([{"tag": "markdown", "content": f"```\n{PIPES}```\n" * 7}], id="tables in code are none"),
        pytest.param([{**TABLE, "rows": [{}, {"a": None}]}], id="empty cells"),
        pytest.param([CHART, {**MARKDOWN, "element_id": "a_1"}], id="chart"),
    ],
)
def test_card_within_the_rules_is_taken(send: Any, elements: Any) -> None:
    answer = send(*elements)

    assert answer["code"] == 0, answer


NOT_FORWARDED = {"config": {"enable_forward": False}}


def upload(caller: Any, kind: str, **members: str) -> str:
    content = PNG if kind == "image" else b"x"
    path = f"/open-apis/im/v1/{kind}s"
    answer = caller.http.post(path, data=members, files={kind: ("x", content)}, headers=caller.headers).json()
    return str(answer["data"][f"{kind}_key"])


def sound(caller: Any, file_type: str = "opus") -> dict[str, Any]:
    return {"tag": "audio", "file_key": upload(caller, "file", file_type=file_type, file_name="a")}


def test_card_with_audio_is_not_forwarded(caller: Any, send: Any) -> None:
    assert "ErrCode: 300220; ErrPath: ROOT -> body -> elements -> [0](tag: audio)" in send(sound(caller))["msg"]


def test_audio_ids_are_unique(caller: Any, send: Any) -> None:
    audio = {**sound(caller), "audio_id": "1"}

    assert "300230" in send(audio, audio, **NOT_FORWARDED)["msg"]
    assert send(audio, **NOT_FORWARDED)["code"] == 0


def test_audio_is_a_sound_that_the_sending_app_uploaded(caller: Any, send: Any) -> None:
    audio = sound(caller)

    def refused(part: Any) -> bool:
        return (
            "ErrCode: 300240; ErrPath: ROOT -> body -> elements -> [0](tag: audio); "
            in send(part, **NOT_FORWARDED)["msg"]
        )

    assert refused({"tag": "audio"})
    assert refused({"tag": "audio", "file_key": "file_v3_none"})
    assert refused(sound(caller, "stream"))
    assert refused({**audio, "i18n_file_key": {"zh_cn": "file_v3_none"}})
    assert send({**audio, "i18n_file_key": {"zh_cn": audio["file_key"]}}, **NOT_FORWARDED)["code"] == 0
    caller.emu.state.add_app("cli_other", "secret")
    caller.headers = {"Authorization": f"Bearer {token_of(caller, 'cli_other')}"}
    assert refused(audio)


def token_of(caller: Any, app_id: str) -> str:
    secrets = {"app_id": app_id, "app_secret": "secret"}
    answer = caller.http.post("/open-apis/auth/v3/tenant_access_token/internal", json=secrets)
    return str(answer.json()["tenant_access_token"])


@pytest.mark.parametrize("wrong", ["img_v3_none", None, 7])
def test_every_picture_of_a_card_has_to_be_there(caller: Any, send: Any, wrong: Any) -> None:
    key = upload(caller, "image", image_type="message")

    def parts(own: Any) -> list[dict[str, Any]]:
        return [
            {"tag": "img", "img_key": own},
            {"tag": "img_combination", "combination_mode": "double", "img_list": [{"img_key": key}, {"img_key": own}]},
            {"tag": "select_img", "options": [{"img_key": key, "value": "a"}, {"img_key": own, "value": "b"}]},
            {**MARKDOWN, "icon": {"tag": "custom_icon", "img_key": own}},
        ]

    for part in parts(wrong):
        assert f"ErrCode: 200570; ErrPath: ROOT -> body -> elements -> [0](tag: {part['tag']})" in send(part)["msg"]
    assert send(*parts(key))["code"] == 0


def test_card_of_1_0_has_no_such_rules(caller: Any, send: Any) -> None:
    ann = caller.emu.state.add_user("Bob", "bob@example.com")
    card = {"elements": [MULTI, {"tag": "note", "elements": [plain("x")]}]}
    body = {"receive_id": ann.open_id, "msg_type": "interactive", "content": json.dumps(card)}

    assert caller.call("POST", MESSAGES, body, receive_id_type="open_id")["code"] == 0
