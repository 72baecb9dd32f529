"""Replies, threads, edits, cards, recalls, history (lark-api §6.1 to §6.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.emulator import ManualClock

MESSAGES = "/open-apis/im/v1/messages"
DAY = 24 * 3600.0
NEW: dict[str, Any] = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**hi**"}]}}
OLD: dict[str, Any] = {"config": {"update_multi": True}, "elements": [{"tag": "markdown", "content": "hi"}]}


class Talk:
    """Messages of the emulator's bot in one group."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        self.state = caller.emu.state
        self.ann = self.state.add_user("Ann", "ann@example.com")
        self.chat_id = self.state.add_chat("Team", [self.ann.open_id])

    def send(self, text: str = "hi", *, msg_type: str = "text", content: Any = None, **members: Any) -> str:
        given = {"text": text} if content is None else content
        body = {"receive_id": self.chat_id, "msg_type": msg_type, "content": json.dumps(given), **members}
        answer = self.caller.call("POST", MESSAGES, body, receive_id_type="chat_id")
        assert answer["code"] == 0, answer
        message_id: str = answer["data"]["message_id"]
        return message_id

    def reply(self, message_id: str, text: str = "re", **members: Any) -> dict[str, Any]:
        body = {"msg_type": "text", "content": json.dumps({"text": text}), **members}
        answer: dict[str, Any] = self.caller.call("POST", f"{MESSAGES}/{message_id}/reply", body)
        return answer

    def edit(self, message_id: str, text: str = "new", msg_type: str = "text") -> int:
        body = {"msg_type": msg_type, "content": json.dumps({"text": text})}
        code: int = self.caller.code("PUT", f"{MESSAGES}/{message_id}", body)
        return code

    def patch(self, message_id: str, card: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.caller.call(
            "PATCH", f"{MESSAGES}/{message_id}", {"content": card if isinstance(card, str) else json.dumps(card)}
        )
        return answer

    def history(self, **query: Any) -> dict[str, Any]:
        query = {"container_id_type": "chat", "container_id": self.chat_id, **query}
        answer: dict[str, Any] = self.caller.call("GET", MESSAGES, **query)
        return answer

    def texts(self, **query: Any) -> list[str]:
        items = self.history(**query)["data"]["items"]
        return [json.loads(each["body"]["content"])["text"] for each in items]

    def get(self, message_id: str, **query: Any) -> Any:
        return self.caller.call("GET", f"{MESSAGES}/{message_id}", **query)["data"]["items"][0]


@pytest.fixture
def talk(caller: Any) -> Talk:
    return Talk(caller)


def test_reply_names_its_parent_and_the_root(talk: Talk) -> None:
    root = talk.send()
    first = talk.reply(root)["data"]
    second = talk.reply(first["message_id"])["data"]
    assert (first["root_id"], first["parent_id"]) == (root, root)
    assert (second["root_id"], second["parent_id"]) == (root, first["message_id"])
    assert "thread_id" not in second


def test_reply_in_thread_begins_one_and_further_replies_stay_in_it(talk: Talk) -> None:
    root = talk.send("root")
    first = talk.reply(root, "1", reply_in_thread=True)["data"]
    second = talk.reply(first["message_id"], "2")["data"]
    assert first["thread_id"].startswith("omt_")
    assert second["thread_id"] == first["thread_id"]
    assert (second["root_id"], second["parent_id"]) == (root, root)
    # of a thread the chat shows its root
    assert talk.texts() == ["root"]
    in_thread = {"container_id_type": "thread", "container_id": first["thread_id"]}
    assert talk.texts(**in_thread) == ["root", "1", "2"]
    assert talk.history(**in_thread, start_time="1")["code"] == 230001


def test_reply_where_threads_are_off_is_refused(talk: Talk) -> None:
    root = talk.send()
    talk.state.set_chat(talk.chat_id, takes_thread_replies=False)
    assert talk.reply(root, reply_in_thread=True)["code"] == 230071
    assert talk.reply(root)["code"] == 0


def test_message_in_a_group_of_threads_begins_one(talk: Talk) -> None:
    talk.state.set_chat(talk.chat_id, in_threads=True)
    root = talk.send("root")
    assert talk.get(root)["thread_id"].startswith("omt_")
    assert talk.reply(root)["data"]["thread_id"] == talk.get(root)["thread_id"]
    assert talk.texts() == ["root"]


def test_reply_to_a_recalled_or_unknown_message_sends_nothing(talk: Talk) -> None:
    root = talk.send()
    assert talk.caller.code("DELETE", f"{MESSAGES}/{root}") == 0
    assert talk.reply(root)["code"] == 230011
    assert talk.reply("om_unknown")["code"] == 230030
    talk.caller.emu.switches.unknown_message_code = 230001
    assert talk.reply("om_unknown")["code"] == 230001
    assert len(talk.caller.emu.messages) == 1


def test_reply_with_one_uuid_is_one_reply(talk: Talk) -> None:
    root = talk.send()
    first, second = (talk.reply(root, uuid="u")["data"]["message_id"] for _ in range(2))
    assert first == second


def test_text_is_edited_twenty_times_within_the_administrators_time(talk: Talk, clock: ManualClock) -> None:
    message_id = talk.send("0")
    assert [talk.edit(message_id, str(n)) for n in range(21)] == [0] * 20 + [230072]
    assert talk.get(message_id)["updated"] is True
    assert json.loads(talk.get(message_id)["body"]["content"]) == {"text": "19"}
    late = talk.send()
    clock.advance(DAY + 1)
    talk.caller.login()
    assert talk.edit(late) == 230075


def test_edit_is_for_texts_and_posts_of_ones_own(talk: Talk) -> None:
    card, theirs, gone = talk.send(msg_type="interactive", content=NEW), "", talk.send()
    theirs = talk.state.write_message(talk.chat_id, talk.ann.open_id, "mine")
    talk.caller.code("DELETE", f"{MESSAGES}/{gone}")
    assert talk.edit(card) == 230054
    assert talk.edit(card, msg_type="interactive") == 230001
    assert talk.edit(theirs) == 230071
    assert talk.edit(gone) == 230011


@pytest.mark.parametrize("card", [NEW, OLD])
def test_card_is_replaced_within_fourteen_days(talk: Talk, clock: ManualClock, card: Any) -> None:
    message_id = talk.send(msg_type="interactive", content=card)
    later = json.loads(json.dumps(card).replace("hi", "done"))
    assert talk.patch(message_id, later)["data"] == {}
    assert json.loads(talk.get(message_id, card_msg_content_type="user_card_content")["body"]["content"]) == later
    clock.advance(14 * DAY + 1)
    talk.caller.login()
    assert talk.patch(message_id, card)["code"] == 230031


def test_card_that_is_not_shared_cannot_be_replaced(talk: Talk) -> None:
    alone = {"elements": OLD["elements"]}
    shared, private = (talk.send(msg_type="interactive", content=each) for each in (OLD, alone))
    assert talk.patch(private, OLD)["code"] == 230001
    assert talk.patch(shared, alone)["code"] == 230001
    talk.caller.emu.switches.unshared_card = "silent"
    assert talk.patch(shared, alone)["code"] == 0
    assert talk.caller.emu.messages[0].content == json.dumps(OLD)


def test_card_keeps_its_form(talk: Talk) -> None:
    talk.state.add_card_template("AAq1")
    template = {"type": "template", "data": {"template_id": "AAq1"}}
    sent = {name: talk.send(msg_type="interactive", content=each) for name, each in (("old", OLD), ("new", NEW))}
    made = talk.send(msg_type="interactive", content=template)
    for message_id, card, cause in ((sent["old"], NEW, 200800), (sent["new"], OLD, 200830), (made, NEW, 200800)):
        refused = talk.patch(message_id, card)
        assert (refused["code"], f"ErrCode: {cause}" in refused["msg"]) == (230099, True), refused
    assert talk.patch(made, template)["code"] == 0


def test_patch_of_what_is_no_card_says_so(talk: Talk) -> None:
    refused = talk.patch(talk.send(), NEW)
    assert (refused["code"], refused["msg"].endswith("ext=This message is NOT a card")) == (230001, True)


def test_recall_is_for_ones_own_and_for_those_who_run_the_group(talk: Talk, clock: ManualClock) -> None:
    own, late = talk.send("own"), talk.send("late")
    theirs = talk.state.write_message(talk.chat_id, talk.ann.open_id, "theirs")
    assert talk.caller.code("DELETE", f"{MESSAGES}/{own}") == 0
    assert talk.caller.code("DELETE", f"{MESSAGES}/{own}") == 230110
    assert talk.caller.code("DELETE", f"{MESSAGES}/{theirs}") == 230026
    talk.state.set_chat(talk.chat_id, owner=talk.caller.emu.app_id)
    assert talk.caller.code("DELETE", f"{MESSAGES}/{theirs}") == 0
    clock.advance(DAY + 1)
    talk.caller.login()
    assert talk.caller.code("DELETE", f"{MESSAGES}/{late}") == 230009


def test_recalled_message_is_shown_without_its_words(talk: Talk) -> None:
    message_id = talk.send("secret")
    talk.caller.code("DELETE", f"{MESSAGES}/{message_id}")
    shown = talk.get(message_id)
    assert (shown["deleted"], shown["body"]) == (True, {})
    (listed,) = talk.history()["data"]["items"]
    assert listed["body"]["content"] == "This message was recalled"


def test_history_comes_in_pages_in_both_orders_and_by_seconds(talk: Talk, clock: ManualClock) -> None:
    for n in range(5):
        talk.send(str(n))
        clock.advance(10)
    first = talk.history(page_size=2)["data"]
    assert first["has_more"] is True
    assert talk.texts(page_size=2, page_token=first["page_token"]) == ["2", "3"]
    last = talk.history(page_size=3, page_token=first["page_token"])["data"]
    assert (last["has_more"], "page_token" in last) == (False, False)
    assert talk.texts(sort_type="ByCreateTimeDesc") == ["4", "3", "2", "1", "0"]
    start = int(clock.now()) - 40
    assert talk.texts(start_time=start, end_time=start + 10) == ["1", "2"]
    assert talk.history(page_size=51)["code"] == 230001
    assert talk.history(page_token="x")["code"] == 230001
    assert talk.history(container_id="oc_unknown")["code"] == 230001


def test_history_of_a_group_needs_the_bot_inside_and_a_scope(talk: Talk) -> None:
    talk.send()
    talk.state.set_app(talk.caller.emu.app_id, scopes=["im:message"])
    assert talk.history()["code"] == 230027
    talk.state.set_app(talk.caller.emu.app_id, scopes=["im:message", "im:message.group_msg"])
    assert talk.history()["code"] == 0
    talk.state.set_chat_member(talk.chat_id, talk.caller.emu.app_id, inside=False)
    assert talk.history()["code"] == 230002


def test_card_is_read_in_short_unless_the_original_is_asked_for(talk: Talk) -> None:
    card = {**NEW, "header": {"title": {"tag": "plain_text", "content": "Title"}}}
    message_id = talk.send(msg_type="interactive", content=card)
    short = json.loads(talk.get(message_id)["body"]["content"])
    assert short == {"title": "Title", "elements": [[{"tag": "text", "text": "**hi**"}]]}
    original = talk.history(card_msg_content_type="user_card_content")["data"]["items"][0]["body"]["content"]
    assert json.loads(original) == card


def test_readers_are_told_to_the_sender_for_seven_days(talk: Talk, clock: ManualClock) -> None:
    message_id, path = talk.send(), f"{MESSAGES}/{{}}/read_users"
    assert talk.caller.call("GET", path.format(message_id), user_id_type="open_id")["data"]["items"] == []
    talk.state.read_message(message_id, talk.ann.open_id)
    (reader,) = talk.caller.call("GET", path.format(message_id), user_id_type="union_id")["data"]["items"]
    assert (reader["user_id"], reader["timestamp"]) == (talk.ann.union_id, str(talk.state.now_ms))
    theirs = talk.state.write_message(talk.chat_id, talk.ann.open_id, "x")
    assert talk.caller.code("GET", path.format(theirs), user_id_type="open_id") == 230012
    assert talk.caller.code("GET", path.format(message_id)) == 99992402
    clock.advance(7 * DAY + 1)
    talk.caller.login()
    assert talk.caller.code("GET", path.format(message_id), user_id_type="open_id") == 230033


def test_group_says_who_may_write_and_ends(talk: Talk) -> None:
    root = talk.send()
    talk.state.set_chat(talk.chat_id, posting="only_owner")
    assert talk.reply(root)["code"] == 230018
    talk.state.set_chat(talk.chat_id, owner=talk.caller.emu.app_id)
    assert talk.reply(root)["code"] == 0
    talk.state.set_chat(talk.chat_id, is_dissolved=True)
    assert talk.reply(root)["code"] == 232009


def test_person_can_stop_the_bot(talk: Talk) -> None:
    body = {"receive_id": talk.ann.open_id, "msg_type": "text", "content": '{"text":"x"}'}
    chat_id = talk.caller.call("POST", MESSAGES, body, receive_id_type="open_id")["data"]["chat_id"]
    talk.state.stop_bot(talk.caller.emu.app_id, talk.ann.open_id)
    assert talk.caller.code("POST", MESSAGES, body, receive_id_type="open_id") == 230053
    assert talk.caller.code("POST", MESSAGES, {**body, "receive_id": chat_id}, receive_id_type="chat_id") == 230053


def test_one_message_takes_five_changes_a_second(talk: Talk) -> None:
    talk.caller.emu.switches.rate_limits = True
    message_id = talk.send(msg_type="interactive", content=NEW)
    assert [talk.patch(message_id, NEW)["code"] for _ in range(6)] == [0] * 5 + [230020]


@pytest.mark.parametrize("counts", ["body", "content"])
def test_size_is_that_of_the_body_or_of_the_content(talk: Talk, counts: Any) -> None:
    talk.caller.emu.switches.message_size_counts = counts
    # each quote takes two bytes in the content, and four where that is a member of the body
    card = {"elements": [{"tag": "markdown", "content": '"' * 10_000}]}
    body = {"receive_id": talk.chat_id, "msg_type": "interactive", "content": json.dumps(card)}
    assert talk.caller.code("POST", MESSAGES, body, receive_id_type="chat_id") == (230025 if counts == "body" else 0)
