"""Messages of every type, replies, changes, and what is read of them, against the emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.services.messaging import Content, content
from airflow_provider_lark.core.api.services.messaging.wire import read_ms
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotFound,
    OutcomeUnknown,
    TooLarge,
)
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
OLD: dict[str, Any] = {"config": {"update_multi": True}, "elements": [{"tag": "markdown", "content": "old"}]}
NEW: dict[str, Any] = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "new"}]}}


class Office:
    """An emulator with a team, and a client of its bot."""

    def __init__(self, emu: Emulator, lark: LarkClient) -> None:
        self.emu, self.lark = emu, lark
        self.ann = emu.state.add_user("Ann", "ann@example.com")
        self.team = emu.state.add_chat("Team", [self.ann.open_id])

    def send(self, said: Content | str = "hi", **more: Any) -> str:
        said = content.text(said) if isinstance(said, str) else said
        return self.lark.messaging.send(receiver_id=self.team, content=said, **more).message_id

    @property
    def last(self) -> Any:
        return self.emu.messages[-1]


@pytest.fixture
def office(make_client: Callable[..., LarkClient]) -> Iterator[Office]:
    with Emulator() as emu:
        yield Office(emu, make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url))


def test_every_type_reaches_the_chat(office: Office) -> None:
    resources = office.lark.resources
    image = resources.upload_image(content=PNG)
    office.emu.state.add_card_template("AAq1")
    said = [
        content.text("hi"),
        content.post({"title": "T", "content": [[{"tag": "text", "text": "a"}]]}),
        content.markdown("**a**\n- b", title="T"),
        content.image(image),
        content.file(resources.upload_file(name="a.csv", content=b"1")),
        content.audio(resources.upload_file(name="a.opus", content=b"1", msg_type="audio", duration_ms=10)),
        content.media(resources.upload_file(name="a.mp4", content=b"1", msg_type="media"), image_key=image),
        content.sticker(office.emu.state.add_sticker()),
        content.share_chat(office.team),
        content.share_user(office.ann.open_id),
        content.card(OLD),
        content.card(NEW),
        content.template("AAq1", version="1.0.0", variables={"a": 1}),
    ]
    for each in said:
        assert office.send(each).startswith("om_")
    assert [each.msg_type for each in office.emu.messages] == [each.msg_type for each in said]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda people: content.text("late", mentions=people), id="text"),
        pytest.param(lambda people: content.post({"content": [[{"tag": "hr"}]]}, mentions=people), id="post"),
        pytest.param(lambda people: content.markdown("late", mentions=people), id="markdown"),
        pytest.param(lambda people: content.card(OLD, mentions=people), id="card of 1.0"),
        pytest.param(lambda people: content.card(NEW, mentions=people), id="card of 2.0"),
    ],
)
def test_mention_is_one_on_the_server_in_each_form(office: Office, said: Callable[[list[str]], Content]) -> None:
    office.send(said([office.ann.open_id, office.ann.open_id, "all"]))
    assert office.last.mentions == (office.ann.open_id, "all")


@pytest.mark.parametrize(
    ("mentions", "words"),
    [
        pytest.param(['ou_1"></at><at user_id="all'], r"mentions\[0\]: not a user id", id="markup"),
        pytest.param(["ou_1", "Ann Lee"], r"mentions\[1\]: not a user id", id="a name"),
        pytest.param("ou_1", "expected a list", id="a text"),
        pytest.param(["ann@example.com"], "look up the user's open_id first", id="address"),
        pytest.param(["+86 138-0000-0000"], "look up the user's open_id first", id="number"),
        pytest.param(["+49 <at>"], r"mentions\[0\]: not a user id", id="markup behind a country code"),
    ],
)
def test_mention_that_is_no_id_is_refused(mentions: Any, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        content.text("x", mentions=mentions)


def test_mention_in_a_template_is_refused() -> None:
    with pytest.raises(BadRequest, match="put the mentions into its content"):
        content.card({"type": "template", "data": {"template_id": "AAq1"}}, mentions=["ou_1"])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        pytest.param(lambda: content.text(" "), BadRequest, "message is empty", id="empty text"),
        pytest.param(lambda: content.markdown("\n"), BadRequest, "message is empty", id="empty markdown"),
        pytest.param(lambda: content.post({}), BadRequest, "post is empty; give a language", id="empty post"),
        pytest.param(lambda: content.post({"zh_cn": {"content": ["a"]}}), BadRequest, "list of paragraphs", id="post"),
        pytest.param(lambda: content.image(" "), BadRequest, "image_key is empty", id="no key"),
        pytest.param(
            lambda: content.card("{}"),
            BadRequest,
            "expected the card as a dict of card JSON, got str",
            id="card as text",
        ),
        pytest.param(
            lambda: content.card({"card": NEW}), BadRequest, "is wrapped in another object", id="card of a webhook"
        ),
        pytest.param(
            lambda: content.card({"msg_type": "interactive", "card": NEW}),
            BadRequest,
            "is wrapped in another object",
            id="body",
        ),
        pytest.param(
            lambda: content.card({"a": {1, 2}}).write(), BadRequest, r"card cannot .* \(TypeError\)", id="set"
        ),
        pytest.param(lambda: content.card({"a": float("nan")}).write(), BadRequest, "ValueError", id="not a number"),
        pytest.param(lambda: content.text("a\0").write(), BadRequest, "a NUL character", id="nul"),
        pytest.param(lambda: content.text("\udfff").write(), BadRequest, "invalid characters", id="half a character"),
    ],
)
def test_content_that_cannot_be_is_refused_without_quoting_it(
    make: Callable[[], object], error: type[LarkError], words: str
) -> None:
    with pytest.raises(error, match=words):
        make()


def test_escaped_backslash_before_u0000_is_no_nul(office: Office) -> None:
    office.send("\\u0000")
    assert office.last.text == "\\u0000"


@pytest.mark.parametrize(
    ("said", "most"),
    [
        pytest.param(lambda n: content.text("x" * n), 150 * 1024, id="text"),
        pytest.param(lambda n: content.markdown("x" * n), 30 * 1024, id="post"),
        pytest.param(
            lambda n: content.card({"elements": [{"tag": "markdown", "content": "x" * n}]}), 30 * 1024, id="card"
        ),
    ],
)
def test_size_is_checked_before_sending_and_agrees_with_the_server(
    office: Office, said: Callable[[int], Content], most: int
) -> None:
    codes: list[int | None] = []

    def fits(count: int) -> bool:
        try:
            office.send(said(count), uuid="u" * 36)
        except TooLarge as error:
            codes.append(error.code)
            return False
        return True

    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    # Lark was not asked, and the last that fits is the last that it takes
    assert set(codes) == {None}
    size = len(
        json.dumps(
            {"receive_id": office.team, "msg_type": said(low).msg_type, "content": said(low).write(), "uuid": "u" * 36},
            separators=(",", ":"),
        )
    )
    assert size == most


def test_size_is_that_of_the_bytes_which_are_sent(office: Office) -> None:
    # 40,000 characters: 120 kB as UTF-8, 240 kB if they were escaped
    office.send("错" * 40_000)
    with pytest.raises(TooLarge, match="card has 120"):
        office.send(content.card({"elements": [{"tag": "markdown", "content": "错" * 40_000}]}))


def test_reply_stands_below_its_message_and_in_its_thread(office: Office) -> None:
    asked = office.emu.state.write_message(office.team, office.ann.open_id, "how is it?")
    plain = office.lark.messaging.reply(message_id=asked, content=content.text("well"))
    assert (plain.chat_id, plain.thread_id, office.last.parent_id) == (office.team, "", asked)
    threaded = office.lark.messaging.reply(message_id=asked, content=content.card(NEW), in_thread=True)
    assert threaded.thread_id.startswith("omt_")
    (page,) = office.lark.messaging.history_pages(thread_id=threaded.thread_id)
    assert [each.message_id for each in page.items] == [asked, threaded.message_id]


@pytest.mark.parametrize("in_thread", [False, True])
def test_reply_to_a_message_that_is_gone_sends_nothing(office: Office, in_thread: bool) -> None:
    gone = office.send()
    office.lark.messaging.recall(message_id=gone)
    for message_id, words in ((gone, "recalled"), ("om_unknown", "the message does not exist")):
        with pytest.raises(NotFound, match=words):
            office.lark.messaging.reply(message_id=message_id, content=content.text("x"), in_thread=in_thread)
    assert len(office.emu.messages) == 1


@pytest.mark.parametrize("action", ["drop_after", "drop_before", "error_after"])
@pytest.mark.parametrize("call", ["send", "reply", "forward", "merge_forward", "create chat"])
def test_lost_answer_leaves_one_message(office: Office, call: str, action: str) -> None:
    first = office.send("first")
    office.emu.faults.add("POST", action=action, code=230049, status=400)
    messaging = office.lark.messaging
    calls: dict[str, Callable[[], object]] = {
        "send": lambda: messaging.send(receiver_id=office.team, content=content.text("x")),
        "reply": lambda: messaging.reply(message_id=first, content=content.text("x")),
        "forward": lambda: messaging.forward(message_id=first, receiver_id=office.team),
        "merge_forward": lambda: messaging.merge_forward(message_ids=[first], receiver_id=office.team),
        "create chat": lambda: office.lark.chats.create(name="x"),
    }
    calls[call]()
    if call == "create chat":
        assert len([each for page in office.lark.chats.list_pages() for each in page.items]) == 2
    else:
        assert len(office.emu.messages) == 2


def test_edit_changes_texts_and_posts(office: Office) -> None:
    sent = office.send("first")
    office.lark.messaging.edit(message_id=sent, content=content.text("second"))
    office.lark.messaging.edit(message_id=sent, content=content.markdown("third"))
    assert (office.last.msg_type, office.last.edits) == ("post", 2)
    with pytest.raises(BadRequest, match="update_card"):
        office.lark.messaging.edit(message_id=sent, content=content.card(NEW))
    theirs = office.emu.state.write_message(office.team, office.ann.open_id, "x")
    with pytest.raises(AccessDenied, match="not sent by the app"):
        office.lark.messaging.edit(message_id=theirs, content=content.text("x"))


@pytest.mark.parametrize("card", [OLD, NEW])
def test_card_is_updated_in_place(office: Office, card: dict[str, Any]) -> None:
    sent = office.send(content.card(card))
    later = json.loads(json.dumps(card).replace("content", "content"))
    office.lark.messaging.update_card(message_id=sent, card=later)
    (shown,) = office.lark.messaging.get(message_id=sent, original_card=True)
    assert (json.loads(shown.content), shown.is_edited) == (later, True)


def test_card_of_another_form_is_refused_before_the_call(office: Office) -> None:
    old, new = office.send(content.card(OLD)), office.send(content.card(NEW))
    office.emu.state.add_card_template("AAq1")
    made = office.send(content.template("AAq1"))
    before = office.lark.calls.total
    for message_id, card, words in (
        (old, NEW, "sent as a card of JSON 1.0 and cannot be replaced by a card of JSON 2.0"),
        (new, OLD, "sent as a card of JSON 2.0 and cannot be replaced by a card of JSON 1.0"),
        (made, NEW, "sent as a card made from a template"),
    ):
        with pytest.raises(BadRequest, match=words):
            office.lark.messaging.update_card(message_id=message_id, card=card)
    with pytest.raises(BadRequest, match="cannot be replaced by"):
        office.lark.messaging.update_card(message_id="om_of_another_process", card=NEW, sent_form="1.0")
    assert office.lark.calls.total == before


@pytest.mark.parametrize("sub_code", [200800, 200830])
def test_card_of_another_form_is_explained_once_where_its_form_is_not_known(
    office: Office, make_client: Callable[..., LarkClient], sub_code: int
) -> None:
    office.emu.switches.other_card_form_code = sub_code
    sent = office.send(content.card(NEW))
    other = make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=office.emu.url)
    with pytest.raises(BadRequest, match="cannot replace each other; send a new message") as caught:
        other.messaging.update_card(message_id=sent, card=OLD)
    assert caught.value.code == 230099
    assert other.calls.by_kind["message"] == 1


@pytest.mark.parametrize(
    "card",
    [
        pytest.param({"elements": []}, id="1.0 that does not say so"),
        pytest.param({"config": {"update_multi": False}, "elements": []}, id="1.0 that says no"),
        pytest.param({**NEW, "config": {"update_multi": False}}, id="2.0 that says no"),
    ],
)
def test_card_that_is_not_shared_is_refused_before_the_call(office: Office, card: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match='"update_multi": true'):
        office.lark.messaging.update_card(message_id="om_1", card=card)
    assert office.lark.calls.total == 0


def test_update_of_a_text_says_that_it_is_no_card(office: Office) -> None:
    with pytest.raises(BadRequest, match="the message is not a card"):
        office.lark.messaging.update_card(message_id=office.send(), card=NEW)


def test_refused_card_names_the_element(office: Office) -> None:
    note = {"schema": "2.0", "body": {"elements": [*NEW["body"]["elements"] * 3, {"tag": "note"}]}}
    with pytest.raises(BadRequest, match=r"error 200861\), at body\.elements\[3\] \(note\)"):
        office.send(content.card(note))


def test_recall_takes_a_message_back_once(office: Office) -> None:
    sent = office.send("secret")
    office.lark.messaging.recall(message_id=sent)
    (shown,) = office.lark.messaging.get(message_id=sent)
    assert (shown.is_recalled, shown.content) == (True, "")
    with pytest.raises(NotFound):
        office.lark.messaging.recall(message_id=sent)
    # not answered: what the repetition finds gone was taken back by the first
    again = office.send()
    office.emu.faults.add("DELETE", action="drop_after")
    office.lark.messaging.recall(message_id=again)


def test_history_is_cut_to_the_window_and_read_by_name(office: Office) -> None:
    for n in range(4):
        office.send(str(n))
    created = [each.created_ms for each in office.emu.messages]
    for at, each in enumerate(office.emu.messages):
        each.created_ms = created[0] + at * 700
    start = datetime.fromtimestamp((created[0] + 700) / 1000, UTC)
    pages = office.lark.messaging.history_pages(
        chat_id="Team", start=start, end=start + timedelta(milliseconds=1400), page_size=1
    )
    texts = [json.loads(each.content)["text"] for page in pages for each in page.items]
    assert texts == ["1", "2"]
    (page,) = office.lark.messaging.history_pages(chat_id=office.team, newest_first=True)
    assert [json.loads(each.content)["text"] for each in page.items] == ["3", "2", "1", "0"]
    assert (page.items[0].sender_type, page.items[0].sender_id) == ("app", DEFAULT_APP_ID)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param({}, "either chat_id or thread_id", id="nothing"),
        pytest.param({"chat_id": "oc_1", "thread_id": "omt_1"}, "either chat_id or thread_id", id="both"),
        pytest.param(
            {"thread_id": "omt_1", "start": datetime.now(UTC)}, "not supported for a thread", id="window of a thread"
        ),
        pytest.param({"chat_id": "oc_1", "start": datetime(2026, 1, 1)}, "no time zone", id="naive"),  # noqa: DTZ001
        pytest.param(
            {"chat_id": "oc_1", "start": datetime.now(UTC), "end": datetime(2020, 1, 1, tzinfo=UTC)},
            "start must be before end",
            id="backwards",
        ),
        pytest.param({"chat_id": "ou_1"}, "is not a chat", id="person"),
    ],
)
def test_history_of_what_cannot_be_is_refused(office: Office, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        list(office.lark.messaging.history_pages(**asked))
    assert office.lark.calls.total == 0


def test_readers_reactions_and_alarms(office: Office) -> None:
    messaging, sent = office.lark.messaging, office.send()
    office.emu.state.read_message(sent, office.ann.open_id)
    (reader,) = messaging.list_readers(message_id=sent, user_id_type="union_id")
    assert reader.user_id == office.ann.union_id
    made = office.lark.reactions.add(message_id=sent, emoji_type="DONE")
    assert office.lark.reactions.list(message_id=sent) == [made]
    assert office.lark.reactions.list(message_id=sent, emoji_type="OK") == []
    office.lark.reactions.remove(message_id=sent, reaction_id=made.reaction_id)
    with pytest.raises(NotFound, match="the reaction does not exist"):
        office.lark.reactions.remove(message_id=sent, reaction_id=made.reaction_id)
    with pytest.raises(BadRequest, match="the emoji_type does not exist"):
        office.lark.reactions.add(message_id=sent, emoji_type="done")
    assert messaging.urge(message_id=sent, user_ids=[office.ann.open_id, "ou_x"]) == ["ou_x"]
    assert office.last.urged == {office.ann.open_id: "app"}


@pytest.mark.parametrize("by", ["sms", "phone"])
def test_alarm_that_costs_money_wants_a_word_and_rings_once(office: Office, by: Any) -> None:
    sent, people = office.send(), [office.ann.open_id]
    with pytest.raises(BadRequest, match="allow_costs=True"):
        office.lark.messaging.urge(message_id=sent, user_ids=people, by=by)
    office.emu.faults.add("urgent", action="drop_after")
    with pytest.raises(OutcomeUnknown):
        office.lark.messaging.urge(message_id=sent, user_ids=people, by=by, allow_costs=True)
    assert office.lark.calls.by_kind["message"] == 2


def test_batch_reaches_many_in_parts_of_two_hundred(office: Office) -> None:
    people = [office.emu.state.add_user(f"p{n}").open_id for n in range(201)]
    first, second = office.lark.messaging.send_batch(content=content.text("all"), open_ids=[*people, "ou_x"])
    assert (first.unknown_ids, second.unknown_ids) == ((), ("ou_x",))
    assert [each.receive_id for each in office.emu.messages] == people
    for said in (content.card(NEW), content.post({"content": [[{"tag": "hr"}]]})):
        office.lark.messaging.send_batch(content=said, open_ids=people[:1])
        assert office.last.msg_type == said.msg_type
    with pytest.raises(BadRequest, match="type file cannot be sent in a batch"):
        office.lark.messaging.send_batch(content=content.file("f"), open_ids=people)
    with pytest.raises(BadRequest, match="no receiver"):
        office.lark.messaging.send_batch(content=content.text("x"))


def test_merge_forward_names_what_is_left_out(office: Office) -> None:
    told = office.lark.messaging.merge_forward(message_ids=[office.send(), "om_x"], receiver_id=office.ann.email)
    assert told.left_out_ids == ("om_x",)
    whole, part = office.lark.messaging.get(message_id=told.message.message_id)
    assert (whole.msg_type, part.upper_message_id) == ("merge_forward", whole.message_id)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1700000000000", 1_700_000_000_000), ("1700000000", 1_700_000_000_000), (None, None), ("", None)],
)
def test_times_are_told_by_their_digits(value: object, expected: int | None) -> None:
    assert read_ms(value) == expected


def test_async_client_speaks_alike(office: Office) -> None:
    async def work() -> list[str]:
        async with AsyncLarkClient(office.emu.app_id, office.emu.app_secret, office.emu.url) as client:
            key = await client.resources.upload_file(name="a", content=b"abc")
            sent = await client.messaging.send(receiver_id="Team", content=content.file(key))
            await client.messaging.reply(message_id=sent.message_id, content=content.text("see above"))
            pages = [page async for page in client.messaging.history_pages(chat_id="Team")]
            return [each.msg_type for page in pages for each in page.items]

    assert asyncio.run(work()) == ["file", "text"]
