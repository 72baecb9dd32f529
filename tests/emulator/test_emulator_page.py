"""What the page is made of and asks for, over HTTP; how it looks is for ``make browser``."""

from __future__ import annotations

import json
import re
from time import process_time
from typing import Any

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (3).to_bytes(4, "big") + (2).to_bytes(4, "big")
HOSTILE = "<script>alert(1)</script>"


def view(caller: Any, name: str, /, **query: Any) -> Any:
    answer = caller.http.get(f"/_emulator/view/{name}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def send(caller: Any, receive_id: str, msg_type: str, content: Any, **more: Any) -> str:
    body = {"receive_id": receive_id, "msg_type": msg_type, "content": json.dumps(content), **more}
    answer = caller.call("POST", "/open-apis/im/v1/messages", body, receive_id_type="chat_id")
    assert answer["code"] == 0, answer
    return str(answer["data"]["message_id"])


def test_page_and_every_file_that_it_names_are_there(caller: Any) -> None:
    assert caller.http.get("/_emulator").headers["Location"] == "/_emulator/"
    page = caller.http.get("/_emulator/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    wanted = set(re.findall(r'(?:href|src)="(page/[^"]+)"', page.text))
    seen: dict[str, str] = {}
    while wanted - set(seen):
        name = (wanted - set(seen)).pop()
        answer = caller.http.get(f"/_emulator/{name}")
        assert answer.status_code == 200, name
        seen[name] = answer.text
        wanted |= {f"page/{each}" for each in re.findall(r'from "\./([^"]+)"', answer.text)}
    assert len(seen) > 20
    assert {answer.rpartition(".")[2] for answer in seen} == {"css", "js", "svg"}


def test_page_asks_no_other_host_and_makes_no_markup_of_texts(caller: Any) -> None:
    from airflow_provider_lark.emulator.page.site import _static

    files = {name: content.decode() for name, content in _static().items()}
    hosts = {found for text in files.values() for found in re.findall(r"https?://([\w.-]+)", text)}
    assert hosts == {"www.w3.org"}  # the name of a drawing's language, which nobody asks for
    risky = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|<script>")
    assert [name for name, text in files.items() if risky.search(text)] == []
    policy = caller.http.get("/_emulator/").headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["page/../site.py", "page/%2e%2e/site.py", "page/", "page/none.js", "view/image?key=x"]
)
def test_what_is_no_file_of_the_page_is_not_found(caller: Any, path: str) -> None:
    answer = caller.http.get(f"/_emulator/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_views_only_read(caller: Any) -> None:
    chat = caller.emu.state.add_chat("Team")
    caller.emu.state.write_message(chat, caller.emu.state.person.open_id, "hi")
    calls = len(caller.emu.log)
    place = {"app_token": caller.app_token, "table_id": caller.table_id}
    for name, query in {"overview": {}, "table": place, "chat": {"chat_id": chat}, "calls": {}}.items():
        assert view(caller, name, **query) == view(caller, name, **query)
        assert caller.http.post(f"/_emulator/view/{name}", json=query).status_code == 404
    assert caller.emu.state.messages.in_chat(chat)[0].read_by == {}
    assert len(caller.emu.log) == calls


def test_overview_counts_tables_chats_calls_and_faults(caller: Any) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})
    ann = caller.emu.state.add_user("Ann").open_id
    quiet, loud = caller.emu.state.add_chat("Quiet"), caller.emu.state.add_chat("Loud", [ann])
    caller.emu.clock.advance(60)
    caller.emu.state.write_message(loud, ann, "\n\nHow is it?\nWell?")
    caller.emu.faults.add("nothing", code=1)

    seen = view(caller, "overview")

    assert [each["tables"][0]["records"] for each in seen["bases"]] == [2]
    assert [each["chat_id"] for each in seen["chats"]] == [loud, quiet]
    assert {name: seen["chats"][0][name] for name in ("name", "members", "messages", "last", "last_by")} == {
        "name": "Loud",
        "members": 1,
        "messages": 1,
        "last": "How is it?",
        "last_by": "Ann",
    }
    assert (seen["calls"], seen["faults"]) == (len(caller.emu.log), 1)


def test_table_shows_a_page_of_many_records_in_their_order(caller: Any) -> None:
    place = {"app_token": caller.app_token, "table_id": caller.table_id}
    caller.emu.person.add_records(*place.values(), [{"Name": f"n{at}", "Qty": at} for at in range(50_000)])

    last = caller.http.get("/_emulator/view/table", params={**place, "offset": 49_990, "limit": 100})

    shown = last.json()["result"]
    name, qty = (each["field_id"] for each in shown["fields"][:2])
    assert (shown["total"], len(shown["rows"])) == (50_000, 10)
    assert [row["cells"][qty] for row in shown["rows"]] == list(range(49_990, 50_000))
    assert shown["rows"][0]["cells"][name] == [{"type": "text", "text": "n49990"}]
    assert len(last.content) < 10_000
    assert view(caller, "table", **place, offset=50_000)["rows"] == []


def test_table_cuts_long_texts_and_says_so(caller: Any) -> None:
    long = "长" * 100_000
    caller.create({"Name": long}, {"Name": "x" * 2_000})

    shown = view(caller, "table", app_token=caller.app_token, table_id=caller.table_id)

    cells = [each["cells"][shown["fields"][0]["field_id"]][0]["text"] for each in shown["rows"]]
    assert cells == [f"{long[:2_000]} … (98,000 more characters)", "x" * 2_000]
    read = caller.emu.person.records(caller.app_token, caller.table_id)
    assert read[0]["fields"]["Name"][0]["text"] == long  # what clients read stays as it is


def test_table_shows_linked_records_by_their_titles(caller: Any) -> None:
    orders = caller.emu.state.create_table(
        caller.app_token,
        "orders",
        [
            {"field_name": "Code", "type": 1},
            {"field_name": "Goods", "type": 18, "property": {"table_id": caller.table_id}},
        ],
    )
    pen, nameless = caller.create({"Name": HOSTILE}, {"Qty": 1})
    caller.emu.person.add_record(caller.app_token, orders.table_id, {"Code": "A", "Goods": [pen, nameless]})

    shown = view(caller, "table", app_token=caller.app_token, table_id=orders.table_id)

    goods = shown["fields"][1]["field_id"]
    title = [{"text": HOSTILE, "type": "text"}]
    assert shown["rows"][0]["cells"][goods] == {"link_record_ids": [pen, nameless], "shown": [title, None]}
    assert (shown["titles"][goods]["name"], shown["titles"][goods]["type"]) == ("Name", 1)
    read = caller.emu.person.records(caller.app_token, orders.table_id)
    assert read[0]["fields"]["Goods"] == {"link_record_ids": [pen, nameless]}  # what clients read stays as it is


@pytest.fixture
def talk(caller: Any) -> dict[str, str]:
    """A group with messages of an app, a person and a webhook bot."""
    state = caller.emu.state
    ann = state.add_user("Ann", "ann@example.com").open_id
    chat = state.add_chat("Team", [ann])
    asked = state.write_message(chat, ann, HOSTILE)
    text = send(caller, chat, "text", {"text": f'<at user_id="{ann}">A</at> done'})
    reply = caller.call(
        "POST",
        f"/open-apis/im/v1/messages/{asked}/reply",
        {"msg_type": "text", "content": '{"text": "in a thread"}', "reply_in_thread": True},
    )["data"]["message_id"]
    hook = state.add_webhook(chat, name="Alarms")
    caller.http.post(f"/open-apis/bot/v2/hook/{hook.hook_id}", json={"msg_type": "text", "content": {"text": "late"}})
    gone = send(caller, chat, "text", {"text": "secret of the day"})
    caller.call("DELETE", f"/open-apis/im/v1/messages/{gone}")
    return {"chat": chat, "ann": ann, "asked": asked, "text": text, "reply": reply, "hook": hook.hook_id, "gone": gone}


def test_chat_shows_who_said_what(caller: Any, talk: dict[str, str]) -> None:
    emoji = {"reaction_type": {"emoji_type": "THUMBSUP"}}
    caller.call("POST", f"/open-apis/im/v1/messages/{talk['text']}/reactions", emoji)
    caller.emu.state.read_message(talk["text"], talk["ann"])

    chat = view(caller, "chat", chat_id=talk["chat"])

    shown = chat["shown"]
    assert [(each["sender"]["kind"], each["sender"]["name"]) for each in shown] == [
        ("person", "Ann"),
        ("app", "Emulated app"),
        ("app", "Emulated app"),
        ("webhook", "Alarms"),
        ("app", "Emulated app"),
    ]
    assert json.loads(shown[0]["content"])["text"] == HOSTILE
    assert (shown[1]["mentions"], shown[1]["reactions"], shown[1]["read_by"]) == (["Ann"], {"THUMBSUP": 1}, ["Ann"])
    assert shown[1]["line"] == "@Ann done"
    assert (shown[2]["root_id"], shown[2]["thread_id"]) == (talk["asked"], shown[0]["thread_id"])


def test_chat_shows_no_recalled_words_and_no_address_of_a_bot(caller: Any, talk: dict[str, str]) -> None:
    answer = caller.http.get("/_emulator/view/chat", params={"chat_id": talk["chat"]})
    last = answer.json()["result"]["shown"][-1]
    assert (last["message_id"], last["is_recalled"]) == (talk["gone"], True)
    assert "secret of the day" not in answer.text
    assert talk["hook"] not in answer.text
    for name in ("overview", "calls"):
        other = caller.http.get(f"/_emulator/view/{name}")
        assert "secret of the day" not in other.text
        assert talk["hook"] not in other.text


def test_chat_names_everybody_that_a_card_names(caller: Any, talk: dict[str, str]) -> None:
    user = caller.emu.state.directory.find(talk["ann"], "open_id")
    people = [{"tag": "person", "user_id": each} for each in (user.open_id, user.union_id, user.user_id)]
    text = {"tag": "markdown", "content": "<at email=ann@example.com></at> and bob@example.com"}
    send(caller, talk["chat"], "interactive", {"schema": "2.0", "body": {"elements": [*people, text]}})

    names = view(caller, "chat", chat_id=talk["chat"], limit=1)["names"]

    known = {user.open_id, user.union_id, user.user_id, "ann@example.com"}
    assert names == dict.fromkeys(known, "Ann")


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        pytest.param({"config": {"summary": {"content": "3 late"}}}, "3 late", id="summary"),
        pytest.param({"config": {"summary": {"content": ""}}}, "Orders", id="title"),
        pytest.param({"header": {"title": {"tag": "plain_text", "content": ""}}}, "**body**", id="neither"),
    ],
)
def test_card_stands_in_the_list_of_chats_by_summary_or_title(caller: Any, parts: dict[str, Any], line: str) -> None:
    chat = caller.emu.state.add_chat("Team")
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**body**"}]}}
    title = {"header": {"title": {"tag": "plain_text", "content": "Orders"}}}
    send(caller, chat, "interactive", {**card, **title, **parts})
    hook = caller.emu.state.add_webhook(name="Alarms")
    told = caller.http.post(hook.url, json={"msg_type": "interactive", "card": {**card, **title, **parts}})
    assert told.json()["code"] == 0
    assert {each["name"]: each["last"] for each in view(caller, "overview")["chats"]} == {"Team": line, "Alarms": line}


def test_chat_shows_the_newest_messages(caller: Any) -> None:
    chat = caller.emu.state.add_chat("Long")
    for at in range(60):
        caller.emu.state.write_message(chat, caller.emu.state.person.open_id, str(at))
    shown = view(caller, "chat", chat_id=chat)
    assert (shown["total"], [each["line"] for each in shown["shown"]]) == (60, [str(at) for at in range(10, 60)])


def test_chat_shows_its_first_messages_too(caller: Any) -> None:
    state = caller.emu.state
    chat = state.add_chat("Long")
    ids = [state.write_message(chat, state.person.open_id, f"{at} <b>") for at in range(120)]
    body = {"msg_type": "text", "content": '{"text": "late"}'}
    caller.call("POST", f"/open-apis/im/v1/messages/{ids[0]}/reply", body)

    def lines(**query: Any) -> tuple[int, int, list[str]]:
        shown = view(caller, "chat", chat_id=chat, limit=3, **query)
        return shown["total"], shown["first"], [each["line"] for each in shown["shown"]]

    assert lines(end=2) == (121, 0, ["0 ", "1 "])
    assert lines(end=60) == (121, 57, ["57 ", "58 ", "59 "])
    assert lines(end=900) == lines() == (121, 118, ["118 ", "119 ", "late"])
    assert lines(end=0) == (121, 0, [])
    quoted = view(caller, "chat", chat_id=chat, limit=3)["quoted"]
    assert {key: (each["sender"]["kind"], each["line"]) for key, each in quoted.items()} == {ids[0]: ("person", "0 ")}
    assert caller.http.get("/_emulator/view/chat", params={"chat_id": chat, "end": "-1"}).status_code == 400


@pytest.mark.parametrize("char", ["错", ".", "a", "@", "<at id=", " "])
def test_long_text_is_shown_at_once(caller: Any, char: str) -> None:
    chat = caller.emu.state.add_chat("Long")
    caller.emu.state.write_message(chat, caller.emu.state.person.open_id, char * (150_000 // len(char)))
    started = process_time()
    assert len(view(caller, "chat", chat_id=chat)["shown"]) == 1
    assert process_time() - started < 2


def test_merged_messages_show_what_is_in_them(caller: Any, talk: dict[str, str]) -> None:
    body = {"receive_id": talk["chat"], "message_id_list": [talk["text"]]}
    caller.call("POST", "/open-apis/im/v1/messages/merge_forward", body, receive_id_type="chat_id")
    merged = view(caller, "chat", chat_id=talk["chat"])["shown"][-1]
    assert [each["mentions"] for each in merged["children"]] == [["Ann"]]


def test_image_of_a_message_is_served_as_what_it_is(caller: Any) -> None:
    page = b"GIF89a<script>alert(1)</script>"
    for content, mime in ((PNG, "image/png"), (page, "image/gif")):
        key = caller.emu.state.resources.add("image", content, app_id=caller.emu.app_id, type_="message").key
        answer = caller.http.get("/_emulator/view/image", params={"key": key})
        assert (answer.content, answer.headers["Content-Type"]) == (content, mime)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    document = caller.emu.state.resources.add("image", b"<html>", app_id="x", type_="message").key
    assert caller.http.get("/_emulator/view/image", params={"key": document}).status_code == 404


def test_calls_come_newest_first_and_failed_ones_alone(caller: Any) -> None:
    caller.search()
    caller.emu.faults.add("search", code=1254607)
    caller.raw("POST", f"{caller.records}/search", {})
    caller.call("GET", "/open-apis/nowhere")

    seen = view(caller, "calls", limit=2)
    failed = view(caller, "calls", only="failed")

    assert [each["code"] for each in seen["entries"]] == [99991201, 1254607]
    assert seen["total"] == len(caller.emu.log)
    assert [each["code"] for each in failed["entries"]] == [99991201, 1254607]
    assert view(caller, "calls", skip=seen["total"])["entries"] == []


@pytest.mark.parametrize(
    ("name", "query", "says"),
    [
        pytest.param("calls", {"skip": "-1"}, "skip must be an integer from 0", id="below"),
        pytest.param("calls", {"limit": "1e3"}, "limit must be an integer", id="no whole number"),
        pytest.param("calls", {"only": "good"}, "only must be all or failed", id="no choice"),
        pytest.param("chat", {"chat_id": "oc_no"}, "unknown 'oc_no'", id="no chat"),
        pytest.param("chat", {"chat_id": "oc_no", "limit": "501"}, "from 1 to 500", id="too many"),
        pytest.param("table", {"app_token": "x", "table_id": "y"}, "unknown 'x'", id="no base"),
        pytest.param("table", {}, "missing a required argument: 'app_token'", id="nothing"),
    ],
)
def test_wrong_question_of_the_page_says_what_is_wrong(
    caller: Any, name: str, query: dict[str, str], says: str
) -> None:
    answer = caller.http.get(f"/_emulator/view/{name}", params=query)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
