"""What people wrote into a notifier or an owner, and what an exception brings with it."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.log import mask_secret

from airflow_provider_lark.notifications.exceptions import describe
from airflow_provider_lark.notifications.lark import LarkNotifier
from airflow_provider_lark.notifications.webhook import LarkWebhookNotifier
from tests.skin.occasions import raised, task_context


@pytest.fixture
def chat(emulator, monkeypatch):
    """The chat_id of a chat whose name holds a word that is a password elsewhere."""
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    return emulator.state.add_chat("orders-canaryword")


def told_by(emulator):
    (message,) = emulator.messages
    return message.content


def test_word_that_is_a_password_elsewhere_keeps_no_message_from_its_chat(chat, emulator):
    mask_secret("canaryword")
    LarkNotifier(receive_id="orders-canaryword", markdown="of canaryword")(task_context())
    assert [each.chat_id for each in emulator.messages] == [chat]
    assert "canaryword" not in told_by(emulator)


@pytest.mark.parametrize(
    "address", ["postgres://w:p%2Fw-x@db/shop", "mysql+pymysql://w:p%2Fw-x@db:3306", "amqp://:p%2Fw-x@q"]
)
def test_password_of_an_address_is_masked_though_it_stands_there_encoded(chat, emulator, address):
    error = ValueError(f"cannot connect to {address} as w")
    LarkNotifier(receive_id=chat, title="{{ exception }}", markdown="{{ exception }}")(task_context(exception=error))
    assert "p%2Fw-x" not in told_by(emulator) + describe(error)
    assert "cannot connect to" in told_by(emulator)


@pytest.mark.parametrize("text", ["https://wiki/a:b/c@d", "at 12:30 mail lin@example.com", "http://h:80/x?u=a:b@c"])
def test_what_only_looks_a_little_like_a_password_stays(text):
    assert describe(text) == text


@pytest.mark.parametrize(
    "error",
    ["x" * 50_000, "a NUL character \x00 and half \ud800", "two\nlines"],
    ids=["long", "odd", "lines"],
)
def test_exception_in_a_title_costs_nothing(chat, emulator, told, error):
    context = task_context(exception=raised(ValueError(error)))
    LarkNotifier(receive_id=chat, title="T {{ exception }}", markdown="M")(context)
    assert json.loads(told_by(emulator))["header"]["title"]["content"].startswith("T ")
    assert "LarkNotifier" not in told()


def test_exception_in_the_title_of_a_webhook_costs_nothing(emulator, monkeypatch, told):
    bot = emulator.state.add_webhook(name="Alerts")
    address = json.dumps({"conn_type": "lark_webhook", "password": bot.url})
    monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", address)
    context = task_context(exception=raised(ValueError("x\x00" * 9_000)))
    LarkWebhookNotifier(title="T {{ exception }}", markdown="M")(context)
    assert json.loads(told_by(emulator))["header"]["title"]["content"].startswith("T ")
    assert "LarkWebhookNotifier" not in told()


def test_nul_in_a_card_of_the_author_costs_nothing(chat, emulator, told):
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "own {{ exception }}"}]}}
    LarkNotifier(receive_id=chat, card=card)(task_context(exception=raised(ValueError("a \x00"))))
    assert "own " in told_by(emulator)
    assert "LarkNotifier" not in told()


@pytest.mark.parametrize("owner", ["Lin <lin@example.com>", "data (lin@example.com)", "'lin@example.com'|ops"])
def test_owner_is_notified_by_the_address_beside_their_name(chat, emulator, owner):
    lin = emulator.state.add_user("Lin", "lin@example.com")
    LarkNotifier(receive_id=chat)(task_context(owner=owner))
    assert f"<at id={lin.open_id}>" in told_by(emulator)


def test_several_people_may_stand_in_one_text(chat, emulator):
    people = [emulator.state.add_user(name, f"{name}@example.com") for name in ("lin", "wang")]
    LarkNotifier(receive_id=chat, mentions="lin@example.com, wang@example.com")(task_context())
    assert [f"<at id={each.open_id}>" in told_by(emulator) for each in people] == [True, True]


def test_mention_of_nobody_costs_the_mention_and_not_the_words(chat, emulator, told):
    lin = emulator.state.add_user("Lin", "lin@example.com")
    LarkNotifier(receive_id=chat, mentions=["<at id=all>", "lin@example.com"], text="look")(task_context())
    assert json.loads(told_by(emulator)) == {"text": "@_user_1 look"}
    assert list(emulator.messages[0].mentions) == [lin.open_id]
    assert "cannot mention <at id=all>" in told()
