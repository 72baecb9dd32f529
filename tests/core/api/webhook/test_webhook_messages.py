"""Messages of every kind, as they stand in the group afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
from airflow_provider_lark.core.api.webhook.session import Delivered
from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.writing import WEBHOOK
from airflow_provider_lark.core.errors import BadRequest, CardInvalid, LarkError, TooLarge
from airflow_provider_lark.emulator import Emulator

POST = {"title": "Loaded", "content": [[{"tag": "text", "text": "42 orders"}]]}
CARD = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**42** orders"}]}}
OLD_CARD = {"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": "42 orders"}}]}
AT = {"tag": "markdown", "content": "<at id=ou_ann></at> <at id=all></at>"}
PEOPLE = ["ou_ann", "all", "ou_ann"]

Make = Callable[..., WebhookClient]


def content_of(emu: Emulator) -> Any:
    (message,) = emu.messages
    return json.loads(message.content)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"text": "42 orders"}, {"text": "42 orders"}, id="text"),
        pytest.param({"text": "42", "title": "Loaded"}, {"text": "Loaded\n42"}, id="text with title"),
        pytest.param(
            {"text": "42", "mentions": PEOPLE},
            {"text": '<at user_id="ou_ann"></at> <at user_id="all"></at> 42'},
            id="text with mentions",
        ),
        pytest.param({"post": {"zh_cn": POST, "en_us": POST}}, {"post": {"zh_cn": POST, "en_us": POST}}, id="post"),
        pytest.param({"post": POST}, {"post": {"zh_cn": POST}}, id="post without a language"),
        pytest.param(
            {"post": {"post": {"en_us": POST}}}, {"post": {"en_us": POST}}, id="post as the documents print it"
        ),
        pytest.param(
            {"post": POST, "mentions": PEOPLE},
            {
                "post": {
                    "zh_cn": {
                        "title": "Loaded",
                        "content": [
                            *POST["content"],
                            [{"tag": "at", "user_id": "ou_ann"}, {"tag": "at", "user_id": "all"}],
                        ],
                    }
                }
            },
            id="post with mentions",
        ),
        pytest.param({"markdown": "**42** orders"}, CARD, id="markdown"),
        pytest.param(
            {"markdown": "**42** orders", "title": "Loaded"},
            {**CARD, "header": {"title": {"tag": "plain_text", "content": "Loaded"}}},
            id="markdown with title",
        ),
        pytest.param(
            {"markdown": "**42** orders", "mentions": PEOPLE},
            {"schema": "2.0", "body": {"elements": [*CARD["body"]["elements"], AT]}},
            id="markdown with mentions",
        ),
        pytest.param({"card": CARD}, CARD, id="card 2.0"),
        pytest.param({"card": OLD_CARD}, OLD_CARD, id="card 1.0"),
        pytest.param(
            {"card": OLD_CARD, "mentions": PEOPLE},
            {"elements": [*OLD_CARD["elements"], AT]},
            id="card 1.0 with mentions",
        ),
        pytest.param(
            {"card": {"template_id": "AAq", "template_variable": {"n": 1}}},
            {"type": "template", "data": {"template_id": "AAq", "template_variable": {"n": 1}}},
            id="template",
        ),
        pytest.param({"image_key": " img_1 "}, {"image_key": "img_1"}, id="image"),
    ],
)
def test_message_arrives_as_it_was_given(
    make_bot: Make, emu: Emulator, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = json.dumps(given)
    bot = make_bot(emu.state.add_webhook().url, check_card=partial(check_card, carrier=WEBHOOK))

    bot.send(**given)

    assert content_of(emu) == expected
    assert json.dumps(given) == before


def test_markdown_with_seven_tables_is_taken_and_loses_none(make_bot: Make, emu: Emulator) -> None:
    """Five tables are what a card may hold, and four what a component may: the rest stands as code."""
    tables = [f"Table {number}\n\n| a | b |\n|---|---|\n| 1 | {number} |" for number in range(7)]
    bot = make_bot(emu.state.add_webhook().url, check_card=partial(check_card, carrier=WEBHOOK))

    bot.send(markdown="\n\n".join(tables), title="Report")

    parts = [element["content"] for element in content_of(emu)["body"]["elements"]]
    assert [f"| 1 | {number} |" in "".join(parts) for number in range(7)] == [True] * 7
    assert (len(parts), "".join(parts).count("```")) == (2, 4)


def test_own_group_is_shared(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook()
    make_bot(hook.url).send(share_chat=hook.chat_id)
    assert content_of(emu) == {"share_chat_id": hook.chat_id}


def test_async_client_does_the_same(emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook(secret="demo")

    async def send() -> Delivered:
        async with AsyncWebhookClient(hook.url, signing_secret="demo", clock=clock) as bot:
            return await bot.send(markdown="**42** orders")

    sent = asyncio.run(send())
    assert (sent.msg_type, sent.attempts) == ("interactive", 1)
    assert content_of(emu) == CARD


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("失败 🔥👩‍👩‍👧 ✅", id="emoji"),
        pytest.param("فشل التحميل \u202e123 שלום", id="right to left"),
        pytest.param('KeyError: "a\\"b"\n\tC:\\new\\table \u2028', id="quotes and line breaks"),
    ],
)
def test_odd_text_arrives_letter_for_letter(make_bot: Make, emu: Emulator, text: str) -> None:
    make_bot(emu.state.add_webhook().url).send(text=text)
    assert content_of(emu) == {"text": text}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({}, "the message has no content: give exactly one of text, markdown", id="nothing"),
        pytest.param({"text": "a", "card": CARD}, "has text and card", id="two kinds"),
        pytest.param({"text": " \n"}, "text is empty", id="empty text"),
        pytest.param({"text": 7}, "text: expected a string, found int", id="number"),
        pytest.param({"text": "a\0b"}, "NUL", id="nul"),
        pytest.param({"text": "a\ud800"}, "characters", id="half a character"),
        pytest.param({"markdown": ""}, "markdown is empty", id="empty markdown"),
        pytest.param({"card": {}}, "card: expected a JSON object, found an empty one", id="empty card"),
        pytest.param({"card": [CARD]}, "found list", id="card in a list"),
        pytest.param({"card": CARD, "title": "T"}, "for a card, set header.title", id="title of a card"),
        pytest.param({"post": POST, "title": "T"}, "for a post, set it for each language", id="title of a post"),
        pytest.param({"post": {}}, "post: expected an object with a language", id="empty post"),
        pytest.param({"post": {"zh_cn": {"content": []}}}, "post.zh_cn.content: expected a list", id="post of nothing"),
        pytest.param({"post": {"zh_cn": "x"}}, "post.zh_cn.content", id="post of a text"),
        pytest.param({"post": {"content": [["x"]]}}, "post.zh_cn.content[0]: expected a list of elements", id="no tag"),
        pytest.param({"post": {"title": "t", "rows": []}}, "'title' is not a language", id="post without content"),
        pytest.param({"image_key": ""}, "image_key is empty", id="no image"),
        pytest.param({"share_chat": "data-alerts"}, "share_chat: expected the chat_id (oc_…)", id="chat by name"),
        pytest.param(
            {"image_key": "img_1", "mentions": ["all"]}, "mentions: not supported with", id="mention in an image"
        ),
        pytest.param({"text": "a", "mentions": "ou_ann"}, "expected a list of open_ids", id="mentions no list"),
        pytest.param({"text": "a", "mentions": ["ou_1", "on_1"]}, "mentions[1] is not an open_id", id="union_id"),
        pytest.param({"text": "a", "mentions": [7]}, "mentions[0] is not an open_id", id="number mentioned"),
        pytest.param(
            {"card": {"type": "template", "data": {"template_id": "AAq"}}, "mentions": ["all"]},
            "no elements to add them to",
            id="mention in a template",
        ),
    ],
)
def test_message_that_cannot_be_sent_is_refused_before_it_is(
    make_bot: Make, emu: Emulator, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        make_bot(emu.state.add_webhook().url).send(**given)

    assert words in str(caught.value)
    assert emu.log == []


def test_mention_by_e_mail_is_refused_with_the_way_round(make_bot: Make, emu: Emulator) -> None:
    with pytest.raises(BadRequest) as caught:
        make_bot(emu.state.add_webhook().url).send(text="a", mentions=["lin@example.com"])

    message = str(caught.value)
    assert "mentions[0] is an e-mail address: a webhook bot can only mention users by open_id" in message
    assert "send as an app (connection type lark)" in message
    assert emu.log == []


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(
            {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "a"}] * 3 + [{"tag": "note"}]}},
            id="tag of 1.0",
        ),
        pytest.param(
            {
                "schema": "2.0",
                "body": {
                    "elements": [
                        *[{"tag": "markdown", "content": "a"}] * 3,
                        {
                            "tag": "button",
                            "text": {"tag": "plain_text", "content": "OK"},
                            "behaviors": [{"type": "callback", "value": {"a": 1}}],
                        },
                    ]
                },
            },
            id="button that calls back",
        ),
    ],
)
def test_card_that_lark_would_refuse_is_refused_with_its_place(
    make_bot: Make, emu: Emulator, card: dict[str, Any]
) -> None:
    bot = make_bot(emu.state.add_webhook().url, check_card=partial(check_card, carrier=WEBHOOK))
    with pytest.raises(CardInvalid, match=r"body\.elements\[3\]"):
        bot.send(card=card)
    assert emu.log == []


def test_card_that_is_nested_without_end_is_refused(make_bot: Make, emu: Emulator) -> None:
    card: dict[str, Any] = {}
    for _ in range(20_000):
        card = {"elements": [card]}
    with pytest.raises(BadRequest, match="too deep"):
        make_bot(emu.state.add_webhook().url).send(card=card)


def test_card_that_lark_refuses_names_element_and_cause(make_bot: Make, emu: Emulator) -> None:
    # a client without check_card
    bot = make_bot(emu.state.add_webhook().url)
    with pytest.raises(LarkError) as caught:
        bot.send(card={"schema": "2.0", "body": {"elements": [{"tag": "note"}]}})
    assert "at body.elements[0] (note)" in str(caught.value)
    assert caught.value.code == 11246


@pytest.mark.parametrize("secret", [None, "demo"])
def test_size_is_measured_on_the_bytes_that_are_sent(make_bot: Make, emu: Emulator, secret: str | None) -> None:
    hook = emu.state.add_webhook(secret=secret or "")
    bot = make_bot(hook.url, signing_secret=secret)
    frame = bot.send(text="a").size_bytes - 1
    assert bot.send(text="a" * (20_480 - frame)).size_bytes == 20_480
    asked = len(emu.log)

    for text in ("a" * (20_481 - frame), "错" * 40_000, "x" * 10_000_000):
        with pytest.raises(TooLarge) as caught:
            bot.send(text=text)
        assert f"has {len(text.encode()) + frame:,} bytes, more than the 20,480 allowed" in str(caught.value)
    assert len(emu.log) == asked


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"text": "42 orders"}, "告警\n42 orders", id="text"),
        pytest.param({"text": "告警: 42"}, "告警: 42", id="text that holds it"),
        pytest.param({"markdown": "42"}, "告警\n42", id="markdown"),
        pytest.param({"markdown": "42", "title": "Loaded"}, "告警 Loaded\n42", id="markdown with title"),
        pytest.param({"card": OLD_CARD}, "42 orders\n告警", id="card without header"),
        pytest.param({"post": POST}, "告警 Loaded\n42 orders", id="post"),
        pytest.param({"post": {"content": POST["content"]}}, "42 orders\n告警", id="post without title"),
    ],
)
def test_keyword_of_the_bot_gets_into_a_message_that_lacks_it(
    make_bot: Make, emu: Emulator, given: dict[str, Any], says: str
) -> None:
    hook = emu.state.add_webhook(keywords=["告警"])
    make_bot(hook.url, keyword=" 告警 ").send(**given)
    assert sorted(emu.messages[0].text.split("\n")) == sorted(says.split("\n"))
