"""Messages that a task changes or takes back: which can be, how often it asks, and how a refusal is told."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.message import (
    LarkRecallMessageOperator,
    LarkSendMessageOperator,
    LarkUpdateMessageOperator,
)
from tests.skin.message_tasks import StateStore, context
from tests.skin.task_process import run_task

ONE = "/open-apis/im/v1/messages/:message_id"
EDITS, UPDATES, RECALLS = f"PUT {ONE}", f"PATCH {ONE}", f"DELETE {ONE}"
DAY_MS = 24 * 3600 * 1000
NEW = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "done"}]}}
OLD = {"config": {"update_multi": True}, "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "done"}}]}


def send(receive_id="Team", **parameters):
    operator = LarkSendMessageOperator(task_id="send", receive_id=receive_id, **(parameters or {"text": "first"}))
    return operator.execute(context(StateStore(), task_id="send"))


def update(message_id, **parameters):
    return LarkUpdateMessageOperator(task_id="change", message_id=message_id, **parameters).execute(context())


def recall(message_id):
    return LarkRecallMessageOperator(task_id="recall", message_id=message_id).execute(context())


def failure(function, message_id, kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        function(message_id, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def change_of(emulator, sent, **parts):
    """Let a message be another's, or older."""
    message = emulator.state.messages.known(sent["message_id"])
    for name, value in parts.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"text": "first"}, {"text": "second"}, "second"),
        ({"text": "first"}, {"post": {"content": [[{"tag": "text", "text": "second"}]]}}, "second"),
        ({"markdown": "first"}, {"markdown": "**second**", "title": "Orders"}, "**second**"),
        ({"card": NEW}, {"card": json.dumps(NEW).replace("done", "second")}, "second"),
        ({"card": OLD}, {"card": OLD}, "done"),
    ],
    ids=["text", "text by a post", "markdown", "card", "card of JSON 1.0"],
)
def test_message_says_something_else(team, emulator, before, after, words):
    sent = send(**before)
    assert update(sent, **after) == {"message_ids": [sent["message_id"]]}
    (message,) = emulator.messages
    assert words in message.text


def test_template_takes_the_place_of_a_template(team, emulator):
    team.state.add_card_template("AAq1")
    update(send(template_id="AAq1"), template_id="AAq1", template_variables={"n": 2})
    assert json.loads(emulator.messages[0].content)["data"]["template_variable"] == {"n": 2}


def test_people_are_mentioned_in_an_edit(team, emulator):
    update(send(), text="second", mentions="ann@example.com")
    assert emulator.messages[0].mentions == (team.ann.open_id,)


def test_all_that_was_sent_to_several_is_changed_and_recalled(team, emulator):
    sent = send(["Team", "ann@example.com"])
    assert len(update(json.dumps(sent), text="second")["message_ids"]) == 2
    assert [each.text for each in emulator.messages] == ["second", "second"]
    ids = [each["message_id"] for each in sent["messages"]]
    assert recall(sent) == {"recalled": ids, "gone": []}
    assert all(each.is_recalled for each in emulator.messages)


def test_second_try_changes_the_same_message(team, emulator):
    sent = send(card=NEW)
    emulator.faults.add(UPDATES, action="drop_after")
    update(sent, card=NEW)
    assert (emulator.counters()[UPDATES], len(emulator.messages)) == (2, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [({"card": OLD}, {"card": NEW}), ({"card": NEW}, {"card": OLD}), ({"template_id": "AAq1"}, {"card": NEW})],
    ids=["1.0 by 2.0", "2.0 by 1.0", "template by a card"],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["sent by this process", "by another"])
def test_card_of_another_form_is_refused_and_explained_once(team, emulator, before, after, is_known):
    from airflow_provider_lark.core.api.calls import app_state as shared

    team.state.add_card_template("AAq1")
    sent = send(**before)
    if not is_known:
        shared._STATES.clear()
    told = failure(update, sent, **after)
    assert (
        "use the same kind of card" if is_known else "templates cannot replace each other; send a new message"
    ) in told
    # nothing that is refused for good is asked for again
    assert emulator.counters().get(UPDATES, 0) == (0 if is_known else 1)


@pytest.mark.parametrize(
    ("before", "age_days", "after", "words"),
    [
        pytest.param({"card": NEW}, 15, {"card": NEW}, "the card was sent more than 14 days ago", id="card"),
        pytest.param({"text": "x"}, 15, {"text": "y"}, "BadRequest: ", id="text"),
        pytest.param(
            {"text": "x"},
            0,
            {"card": NEW},
            "only cards can be replaced; edit a text or post instead",
            id="text by a card",
        ),
        pytest.param(
            {"card": NEW}, 0, {"text": "y"}, "this is not supported for this message type", id="card by a text"
        ),
        pytest.param({"card": OLD}, 0, {"card": {"elements": OLD["elements"]}}, "update_multi", id="not shared"),
    ],
)
def test_message_that_is_too_old_or_another_type_is_not_changed(team, emulator, before, age_days, after, words):
    sent = send(**before)
    message = emulator.state.messages.known(sent["message_id"])
    content = message.content
    message.created_ms -= age_days * DAY_MS
    assert words in failure(update, sent, **after)
    assert message.content == content


@pytest.mark.parametrize(
    ("function", "parameters", "words"),
    [
        (update, {"text": "y"}, "the message was not sent by the app"),
        (update, {"card": NEW}, "AccessDenied: "),
        (recall, {}, "the bot may not recall the message"),
    ],
    ids=["edit", "card", "recall"],
)
def test_message_of_somebody_else_stays_as_it_is(team, emulator, function, parameters, words):
    sent = send(card=NEW) if "card" in parameters else send()
    message = change_of(emulator, sent, sender=team.ann.open_id)
    content = message.content
    told = failure(function, sent["message_id"], **parameters)
    assert words in told
    assert "only messages sent by the app itself" in told or "card" in parameters
    assert (message.content, message.is_recalled) == (content, False)


def test_text_of_a_chat_that_the_bot_left_says_what_to_do(team, emulator):
    sent = send()
    team.state.set_chat_member(team.chat_id, emulator.app_id, inside=False)
    for function, parameters in ((update, {"text": "y"}), (recall, {})):
        assert "the bot is not in the chat" in failure(function, sent, **parameters)


def test_recall_again_is_no_failure_and_one_of_nothing_is(team, emulator):
    sent = send()
    emulator.faults.add(RECALLS, action="drop_after")
    # the first answer is lost, and then Lark knows the message as recalled
    assert recall(sent) == {"recalled": [sent["message_id"]], "gone": []}
    assert (emulator.counters()[RECALLS], emulator.messages[0].is_recalled) == (2, True)
    assert recall(sent) == {"recalled": [], "gone": [sent["message_id"]]}
    told = failure(recall, "om_unknown")
    assert "NotFound: " in told
    assert "the message does not exist" in told


def test_recall_that_comes_too_late_says_so(team, emulator):
    sent = send()
    emulator.state.messages.known(sent["message_id"]).created_ms -= 2 * DAY_MS
    assert "the message can no longer be recalled" in failure(recall, sent)


@pytest.mark.parametrize(("function", "parameters"), [(update, {"text": "y"}), (recall, {})], ids=["edit", "recall"])
def test_one_that_is_refused_does_not_keep_the_others(team, emulator, function, parameters):
    first, last = send(), send(text="last")
    told = failure(function, [first["message_id"], "om_unknown", last], **parameters)
    assert "1 of 3 messages could not be" in told
    assert "the first of them om_unknown; the others succeeded" in told
    for message in emulator.messages:
        assert (message.text, message.is_recalled) in (("y", False), ("first", True), ("last", True))


def test_recalled_message_cannot_be_changed(team, emulator):
    sent = send()
    recall(sent)
    assert "the message was recalled" in failure(update, sent, text="y")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "the message has no content: give exactly one of text, markdown, post, card, template_id"),
        ({"text": "a", "card": NEW}, "has text and card"),
        ({"card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}}, "body.elements[0]"),
        ({"template_id": "AAq1", "mentions": "all"}, "not supported with template_id"),
    ],
    ids=["nothing", "two kinds", "wrong card", "mentions in a template"],
)
def test_wrong_content_changes_nothing(team, emulator, parameters, words):
    sent = send()
    assert words in failure(update, sent, **parameters)
    assert not {EDITS, UPDATES} & emulator.counters().keys()


SOURCE = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.message import LarkRecallMessageOperator, LarkUpdateMessageOperator

    with DAG("made_in_a_test", schedule=None):
        LarkUpdateMessageOperator(task_id="change", message_id=["FIRST"], text="{{ run_id }}")
        LarkUpdateMessageOperator(task_id="wrong", message_id="{{ nobody }}", text="x")
        LarkRecallMessageOperator(task_id="recall", message_id="{{ 'FIRST' }}")
""")


@pytest.mark.parametrize("task_id", ["change", "wrong", "recall"])
def test_task_changes_messages_in_a_process_of_its_own(team, emulator, monkeypatch, tmp_path, task_id):
    source = SOURCE.replace("FIRST", send()["message_id"])
    lark = {"host": emulator.url, "login": emulator.app_id, "password": "emulator-secret"}
    run = run_task(monkeypatch, tmp_path, source, task_id, {"lark_default": lark})
    (message,) = emulator.messages
    expected = {"change": ("success", "manual__1", False), "wrong": ("failed", "first", False)}
    assert (run.state, message.text, message.is_recalled) == expected.get(task_id, ("success", "first", True))
    assert ("'nobody' is undefined" in run.log) is (task_id == "wrong")
    assert "emulator-secret" not in run.everything
