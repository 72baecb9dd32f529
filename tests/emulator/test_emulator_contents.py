"""Every type of message, and what is refused of it (lark-api §6.2, §6.3, §6.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.test_emulator_bad_input import IN_PLACE

MESSAGES = "/open-apis/im/v1/messages"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (10).to_bytes(4, "big") + (20).to_bytes(4, "big")


class Office:
    """A chat, a person and an upload."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        self.state = caller.emu.state
        self.ann = self.state.add_user("Ann", "ann@example.com")
        self.chat_id = self.state.add_chat("Team", [self.ann.open_id])

    def upload(self, path: str, part: str, content: bytes, **members: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.caller.http.post(
            f"/open-apis/im/v1/{path}",
            data=members,
            files={part: ("x", content)},
            headers=self.caller.headers,
        ).json()
        return answer

    def image(self, content: bytes = PNG, kind: str = "message") -> str:
        key: str = self.upload("images", "image", content, image_type=kind)["data"]["image_key"]
        return key

    def file(self, kind: str = "stream", name: str = "a.bin", content: bytes = b"x", **members: str) -> str:
        told = self.upload("files", "file", content, file_type=kind, file_name=name, **members)
        key: str = told["data"]["file_key"]
        return key

    def send(self, msg_type: str, content: Any) -> dict[str, Any]:
        text = content if isinstance(content, str) else json.dumps(content)
        body = {"receive_id": self.chat_id, "msg_type": msg_type, "content": text}
        answer: dict[str, Any] = self.caller.call("POST", MESSAGES, body, receive_id_type="chat_id")
        return answer

    def card(self, *elements: Any, **root: Any) -> dict[str, Any]:
        return self.send("interactive", {"schema": "2.0", "body": {"elements": list(elements)}, **root})

    @property
    def last(self) -> Any:
        return self.caller.emu.messages[-1]


@pytest.fixture
def office(caller: Any) -> Office:
    return Office(caller)


def test_each_type_is_sent(office: Office) -> None:
    sticker = office.state.add_sticker()
    contents: dict[str, Any] = {
        "text": {"text": "hi"},
        "post": {"zh_cn": {"title": "T", "content": [[{"tag": "text", "text": "a"}, {"tag": "hr"}]]}},
        "image": {"image_key": office.image()},
        "file": {"file_key": office.file()},
        "audio": {"file_key": office.file("opus")},
        "media": {"file_key": office.file("mp4"), "image_key": office.image()},
        "sticker": {"file_key": sticker},
        "share_chat": {"chat_id": office.chat_id},
        "share_user": {"user_id": office.ann.open_id},
        "interactive": {"elements": []},
    }
    for msg_type, content in contents.items():
        assert office.send(msg_type, content)["code"] == 0, msg_type
    assert [each.msg_type for each in office.caller.emu.messages] == list(contents)
    assert office.send("system", {"type": "divider"})["code"] == 230001
    divider = {"receive_id": office.ann.open_id, "msg_type": "system", "content": '{"type": "divider"}'}
    assert office.caller.code("POST", MESSAGES, divider, receive_id_type="open_id") == 0


@pytest.mark.parametrize("kind", ["open_id", "union_id", "user_id"])
def test_mention_counts_in_the_form_of_its_type(office: Office, kind: Any) -> None:
    person = office.ann.id_as(kind)
    forms: dict[str, Any] = {
        "text": {"text": f'<at user_id="{person}">x</at> <at user_id="all"></at>'},
        "post": {"en_us": {"content": [[{"tag": "at", "user_id": person}, {"tag": "at", "user_id": "all"}]]}},
        "interactive": {"elements": [{"tag": "markdown", "content": f"<at id={person}></at> <at id=all></at>"}]},
    }
    for msg_type, content in forms.items():
        assert office.send(msg_type, content)["code"] == 0
        assert office.last.mentions == (office.ann.open_id, "all"), msg_type
    # the form of the one means nothing in the other
    assert office.send("text", {"text": f"<at id={person}></at>"})["code"] == 0
    assert office.last.mentions == ()
    assert office.send("text", {"text": '<at user_id="ou_nobody">x</at>'})["code"] == 0
    assert office.last.mentions == ()


def test_markdown_of_a_post_and_address_in_a_card_mention_too(office: Office) -> None:
    md = {"tag": "md", "text": f'**a** <at user_id="{office.ann.open_id}">A</at>'}
    assert office.send("post", {"zh_cn": {"content": [[md]]}})["code"] == 0
    assert office.last.mentions == (office.ann.open_id,)
    office.card({"tag": "markdown", "content": "<at email=ann@example.com></at>"})
    assert office.last.mentions == (office.ann.open_id,)


@pytest.mark.parametrize(
    ("msg_type", "content", "code"),
    [
        pytest.param("post", {}, 230001, id="no language"),
        pytest.param("post", {"zh_cn": {"content": "a"}}, 230001, id="no paragraphs"),
        pytest.param("post", {"title": "a", "content": [[]]}, 230001, id="language left out"),
        pytest.param("post", {"zh_cn": {"content": [[{"tag": "b"}]]}}, 230001, id="unknown tag"),
        pytest.param("post", {"zh_cn": {"content": [[{"tag": "a", "text": "x"}]]}}, 230001, id="link to nowhere"),
        pytest.param("post", {"zh_cn": {"content": [[{"tag": "at", "user_id": "ou_x"}]]}}, 230001, id="nobody"),
        pytest.param(
            "post", {"zh_cn": {"content": [[{"tag": "md", "text": "x"}, {"tag": "hr"}]]}}, 230001, id="not alone"
        ),
        pytest.param("post", {"zh_cn": {"content": [[{"tag": "text", "text": "x" * 31_000}]]}}, 230025, id="long post"),
        pytest.param("image", {"image_key": "img_x"}, 230001, id="unknown image"),
        pytest.param("file", {"file_key": "file_x"}, 230001, id="unknown file"),
        pytest.param("sticker", {"file_key": "file_x"}, 230001, id="unknown sticker"),
        pytest.param("share_chat", {"chat_id": "oc_x"}, 230001, id="unknown chat"),
        pytest.param("share_user", {"user_id": "ou_x"}, 230001, id="unknown person"),
        pytest.param("interactive", {"type": "card", "data": {"card_id": "7"}}, 230099, id="unknown card entity"),
    ],
)
def test_wrong_content_is_refused(office: Office, msg_type: str, content: Any, code: int) -> None:
    assert office.send(msg_type, content)["code"] == code
    assert office.caller.emu.messages == []


def test_file_goes_as_what_it_was_uploaded(office: Office) -> None:
    opus, mp4, pdf = office.file("opus"), office.file("mp4"), office.file("pdf")
    for msg_type, key in (("file", opus), ("audio", mp4), ("media", pdf), ("file", mp4)):
        assert office.send(msg_type, {"file_key": key})["code"] == 230055
    office.state.add_app("cli_2", "s")
    theirs = office.state.resources.add("file", b"x", app_id="cli_2", type_="stream", name="x").key
    assert office.send("file", {"file_key": theirs})["code"] == 230017


def test_shared_chat_holds_the_bot_and_is_a_group(office: Office) -> None:
    other = office.state.add_chat("Other")
    office.state.set_chat_member(other, office.caller.emu.app_id, inside=False)
    assert office.send("share_chat", {"chat_id": other})["code"] == 230002
    private = office.state.directory.chats.private(office.caller.emu.app_id, office.ann.open_id).chat_id
    assert office.send("share_chat", {"chat_id": private})["code"] == 230015
    office.state.set_app(office.caller.emu.app_id, available_to=[])
    assert office.send("share_user", {"user_id": office.ann.open_id})["code"] == 230013


MD = {"tag": "markdown", "content": "x"}
TABLE = {"tag": "table", "columns": [{"name": "a", "data_type": "text"}], "rows": [{"a": "tag"}]}
PIPES = {"tag": "markdown", "content": "| a | b |\n|---|---|\n| 1 | 2 |\n"}


@pytest.mark.parametrize(
    ("elements", "cause", "place"),
    [
        pytest.param([MD, MD, MD, {"tag": "note"}], 200861, "ROOT -> body -> elements -> [3](tag: note)", id="note"),
        pytest.param([{"tag": "action", "actions": []}], 200861, "[0](tag: action)", id="action"),
        pytest.param([{"tag": "blink"}], 200621, "[0](tag: blink)", id="unknown tag"),
        pytest.param(["x"], 200621, "[0]", id="no object"),
        pytest.param(
            [{"tag": "form", "name": "f", "elements": [MD, {"tag": "note"}]}],
            200861,
            "[0](tag: form) -> elements -> [1](tag: note)",
            id="inside a form",
        ),
        pytest.param([MD] * 201, 11310, "", id="too many elements"),
        pytest.param([TABLE] * 6, 11310, "", id="too many tables"),
        pytest.param([TABLE, *[PIPES] * 5], 11310, "", id="too many tables with those in markdown"),
        pytest.param(
            [{"tag": "markdown", "content": "<at id=ou_nobody></at>"}],
            100290,
            "[0](tag: markdown)",
            id="unknown person",
        ),
        pytest.param([{"tag": "img", "img_key": "img_x"}], 200570, "[0](tag: img)", id="unknown image"),
        pytest.param([{**MD, "element_id": "a"}] * 2, 300301, "[1](tag: markdown)", id="one id twice"),
    ],
)
def test_wrong_card_names_cause_and_place(office: Office, elements: list[Any], cause: int, place: str) -> None:
    refused = office.card(*elements)
    assert refused["code"] == 230099
    assert f"ErrCode: {cause}; " in refused["msg"]
    assert place in refused["msg"]
    assert office.caller.emu.messages == []


def test_card_within_the_limits_is_taken(office: Office) -> None:
    assert office.card(*[MD] * 200)["code"] == 0
    assert office.card(*[TABLE] * 5)["code"] == 0
    assert office.card({"tag": "img", "img_key": office.image()})["code"] == 0
    assert office.send("interactive", {})["code"] == 0
    # tags of JSON 1.0 stand in a card of 1.0
    assert office.send("interactive", {"elements": [{"tag": "note", "elements": []}]})["code"] == 0


@pytest.mark.parametrize(
    "card",
    [
        pytest.param({"schema": "2.0", "elements": []}, id="elements beside body"),
        pytest.param({"schema": "2.0", "config": {"wide_screen_mode": True}, "body": {}}, id="config of 1.0"),
        pytest.param({"schema": "3.0", "body": {}}, id="unknown schema"),
        pytest.param({"config": [], "elements": []}, id="config no object"),
    ],
)
def test_card_of_a_mixed_form_is_refused(office: Office, card: Any) -> None:
    assert "ErrCode: 200621" in office.send("interactive", card)["msg"]


WIDE = {"schema": "2.0", "config": {"wide_screen_mode": True}, "body": {}}


def test_wide_screen_of_json_1_0_is_taken_in_2_0_by_a_switch(office: Office) -> None:
    hook = office.state.add_webhook()

    def by_hook() -> int:
        told: int = office.caller.http.post(hook.url, json={"msg_type": "interactive", "card": WIDE}).json()["code"]
        return told

    refused = office.send("interactive", WIDE)["msg"]
    assert "ErrPath: ROOT -> config; ErrMsg: parse card json err, unknown property wide_screen_mode; " in refused
    assert by_hook() == 11246
    office.caller.emu.switches.takes_wide_screen = True
    assert (office.send("interactive", WIDE)["code"], by_hook()) == (0, 0)
    other = {**WIDE, "config": {"wide_screen": True}}
    assert "unknown property wide_screen" in office.send("interactive", other)["msg"]


def test_template_has_to_be_published_and_bound_to_the_app(office: Office) -> None:
    def send(template_id: str, **data: Any) -> str:
        told = office.send("interactive", {"type": "template", "data": {"template_id": template_id, **data}})
        return str(told["msg"])

    assert "ErrCode: 200380" in send("AAq1")
    office.state.add_card_template("AAq1")
    assert send("AAq1", template_variable={"a": 1}) == "success"
    assert "ErrCode: 200732" in send("AAq1", template_variable=[1])
    office.state.add_card_template("AAq2", ["cli_other"])
    assert "ErrCode: 200381" in send("AAq2")


def test_files_and_images_come_back_as_they_went_up(office: Office) -> None:
    name = "销售报表—11月 (终版).csv"
    key = office.file("stream", name, "名,数\n".encode())
    got = office.caller.raw("GET", f"/open-apis/im/v1/files/{key}")
    assert got.content.decode() == "名,数\n"
    assert office.state.resources.find(key, "file").name == name
    assert office.caller.raw("GET", f"/open-apis/im/v1/images/{office.image()}").content == PNG
    office.send("file", {"file_key": key})
    assert json.loads(office.last.content)["file_name"] == name


@pytest.mark.parametrize(
    ("path", "part", "content", "members", "code"),
    [
        pytest.param("images", "image", b"", {"image_type": "message"}, 234010, id="empty image"),
        pytest.param("images", "image", b"text", {"image_type": "message"}, 234011, id="no image"),
        pytest.param("images", "image", PNG + bytes(10 << 20), {"image_type": "message"}, 234006, id="10 MB"),
        pytest.param(
            "images",
            "image",
            PNG[:16] + (12_001).to_bytes(4, "big") * 2,
            {"image_type": "message"},
            234039,
            id="pixels",
        ),
        pytest.param("images", "image", PNG, {"image_type": "icon"}, 234001, id="type of image"),
        pytest.param("images", "file", PNG, {"image_type": "message"}, 234001, id="part of another name"),
        pytest.param("files", "file", b"", {"file_type": "stream", "file_name": "a"}, 234010, id="empty file"),
        pytest.param("files", "file", b"x", {"file_type": "csv", "file_name": "a"}, 234001, id="type of file"),
        pytest.param("files", "file", b"x", {"file_type": "stream"}, 234001, id="no name"),
        pytest.param(
            "files", "file", bytes((30 << 20) + 1), {"file_type": "stream", "file_name": "a"}, 234006, id="30 MB"
        ),
        pytest.param(
            "files", "file", b"x", {"file_type": "mp4", "file_name": "a", "duration": "3s"}, 234001, id="duration"
        ),
    ],
)
def test_wrong_upload_is_refused(
    office: Office, path: str, part: str, content: bytes, members: dict[str, str], code: int
) -> None:
    assert office.upload(path, part, content, **members)["code"] == code


def test_file_is_read_from_the_message_that_holds_it(office: Office) -> None:
    image, file = office.image(), office.file(content=b"abc")
    office.send("post", {"zh_cn": {"content": [[{"tag": "img", "image_key": image}]]}})
    post = office.last.message_id
    office.send("file", {"file_key": file})
    message = office.last.message_id

    def read(message_id: str, key: str, kind: str) -> Any:
        return office.caller.raw("GET", f"{MESSAGES}/{message_id}/resources/{key}", type=kind)

    assert read(post, image, "image").content == PNG
    assert read(message, file, "file").content == b"abc"
    assert read(post, file, "file").json()["code"] == 234003
    office.card({"tag": "img", "img_key": image})
    assert read(office.last.message_id, image, "image").json()["code"] == 234043
    office.state.set_chat_member(office.chat_id, office.caller.emu.app_id, inside=False)
    assert read(message, file, "file").json()["code"] == 234004
    # what the app uploaded it reads itself
    assert office.caller.raw("GET", f"/open-apis/im/v1/files/{file}").content == b"abc"
    office.state.add_app("cli_2", "s")
    theirs = office.state.resources.add("file", b"x", app_id="cli_2", type_="stream", name="x").key
    assert office.caller.code("GET", f"/open-apis/im/v1/files/{theirs}") == 234008
    assert office.caller.code("GET", "/open-apis/im/v1/images/img_x") == 234005


_NAMES = (
    *("schema", "body", "elements", "header", "config", "tag", "content", "title", "i18n_elements", "type", "data"),
    *("template_id", "template_variable", "element_id", "img_key", "columns", "zh_cn", "text", "user_id", "image_key"),
    *("file_key", "chat_id", "href"),
)
_WORDS = st.sampled_from(["2.0", "template", "markdown", "note", "table", "at", "md", "img", "<at id=x>", "|-|-|", ""])
_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@IN_PLACE
@given(data=st.data())
def test_any_content_is_taken_or_refused(caller: Any, data: st.DataObject) -> None:
    office = Office(caller)
    msg_type = data.draw(st.sampled_from(["text", "post", "image", "media", "share_chat", "share_user", "interactive"]))
    told = office.send(msg_type, data.draw(st.dictionaries(st.sampled_from(_NAMES), _ODD, max_size=4)))
    assert told["code"] != 2200, "the emulator failed"
    if told["code"] == 0:
        assert caller.call("GET", f"{MESSAGES}/{told['data']['message_id']}")["code"] == 0
