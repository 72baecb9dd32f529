"""Messages of a task through a webhook bot, against the emulator: what arrives, what fails, what is told."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.operators.webhook import LarkWebhookOperator
from tests.skin.task_process import run_task

CARD = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**42**"}]}}


def execute(**parameters):
    return LarkWebhookOperator(task_id="tell", **parameters).execute({})


def failure(kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        execute(**parameters)
    assert type(caught.value) is kind
    return str(caught.value)


def contents(emulator):
    return [json.loads(each.content) for each in emulator.messages]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"text": "42 orders"}, {"text": "42 orders"}, id="text"),
        pytest.param({"markdown": "**42**"}, CARD, id="markdown"),
        pytest.param({"card": CARD}, CARD, id="card"),
        pytest.param({"card": json.dumps(CARD)}, CARD, id="card as text"),
        pytest.param(
            {"post": {"zh_cn": {"content": [[{"tag": "text", "text": "42"}]]}}},
            {"post": {"zh_cn": {"content": [[{"tag": "text", "text": "42"}]]}}},
            id="post",
        ),
        pytest.param({"image_key": "img_1"}, {"image_key": "img_1"}, id="image"),
        pytest.param(
            {"text": "42", "mentions": '["ou_1", "all"]'},
            {"text": '<at user_id="ou_1"></at> <at user_id="all"></at> 42'},
            id="mentions as text",
        ),
        pytest.param({"text": "42", "mentions": "", "title": "None"}, {"text": "42"}, id="params left empty"),
        pytest.param({"text": "None", "card": "", "markdown": "**42**"}, CARD, id="other kinds left empty"),
    ],
)
def test_message_of_a_task_arrives(bot, emulator, given, expected):
    returned = execute(**given)
    assert contents(emulator) == [expected]
    assert sorted(returned) == ["msg_type", "size_bytes"]
    assert json.dumps(returned)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({}, "the message has no content: give exactly one of text", id="nothing"),
        # what a lenient Jinja makes of an undefined name
        pytest.param({"text": ""}, "text is empty", id="empty text"),
        pytest.param({"text": "a", "markdown": "b"}, "the message has text and markdown", id="two kinds"),
        pytest.param(
            {"card": '{"a": "b"c"}'}, "card: text is not valid JSON; in a template add `| tojson`", id="broken card"
        ),
        pytest.param(
            {"card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}}, "body.elements[0]", id="invalid card"
        ),
        pytest.param({"text": "a", "mentions": ["lin@example.com"]}, "only mention users by open_id", id="e-mail"),
        pytest.param({"text": "错" * 40_000}, "the message has 120,", id="too long"),
        pytest.param({"text": "a", "avoid_peak_seconds": "soon"}, "expected a number of seconds", id="peak"),
        pytest.param(
            {"text": "a", "lark_webhook_conn_id": "nope"}, "connection 'nope': does not exist", id="connection"
        ),
    ],
)
def test_message_that_cannot_be_sent_fails_for_good_before_it_is(bot, emulator, given, words):
    assert words in failure(**given)
    assert emulator.log == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(19001, "Lark does not know a bot with this webhook address", id="revoked"),
        pytest.param(19021, "requires signed messages", id="signature"),
        pytest.param(19022, "IP address", id="ip"),
        pytest.param(19024, "keyword in the connection", id="keyword"),
        pytest.param(9499, "cannot parse the message", id="unreadable"),
    ],
)
def test_refusal_fails_for_good_and_says_what_to_do(bot, emulator, code, words):
    emulator.faults.add("hook", code=code)
    message = failure(text="a")
    assert words in message
    assert f"code {code}" in message
    assert "connection 'lark_webhook_default', webhook bot at http://127.0.0.1" in message


def test_message_that_may_have_been_delivered_is_not_left_to_the_retries(bot, emulator):
    emulator.faults.add("hook", action="drop_after")
    assert "the message may have been delivered" in failure(text="a")
    assert len(emulator.messages) == 1


def test_message_that_may_have_been_delivered_is_left_to_the_retries_when_asked(bot, emulator):
    emulator.faults.add("hook", action="drop_after")
    assert "may have been delivered" in failure(AirflowException, text="a", resend_if_unknown=True)


def test_bot_that_stays_throttled_is_left_to_the_retries(bot, emulator, time_flies):
    emulator.faults.add("hook", code=11232, times=None)
    assert "Lark throttles the bot" in failure(AirflowException, text="a")


def test_killed_task_sends_nothing(bot, emulator):
    task = LarkWebhookOperator(task_id="tell", text="a")
    task.on_kill()
    with pytest.raises(AirflowException, match="stopped on request"):
        task.execute({})
    assert emulator.messages == []


SOURCE = dedent("""
    from airflow.sdk import DAG
    from airflow_provider_lark.operators.webhook import LarkWebhookOperator

    with DAG("made_in_a_test", schedule=None):
        LarkWebhookOperator(task_id="fine", text="run {{ run_id }} 🔥 فشل", lark_webhook_conn_id="bot")
        LarkWebhookOperator(task_id="undefined", text="{{ exceptoin }} failed", lark_webhook_conn_id="bot")
        LarkWebhookOperator(task_id="gone", text="a", lark_webhook_conn_id="gone")
        LarkWebhookOperator(task_id="late", text="a", lark_webhook_conn_id="slow")
""")


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Run a task of SOURCE at DEBUG; the connections are read over the Execution API."""
    with Emulator() as emulator:
        bot, gone = emulator.state.add_webhook(secret="canary-sign"), emulator.state.add_webhook()
        emulator.state.remove_webhook(gone.hook_id)
        extra = {"avoid_peak_seconds": 0, "signing_secret": "canary-sign"}
        parts = {"conn_type": "lark_webhook", "extra": json.dumps(extra)}
        connections = {"bot": parts | {"password": bot.url}, "gone": parts | {"password": gone.url}}
        connections["slow"] = connections["bot"] | {"extra": json.dumps(extra | {"timeout_seconds": 1})}
        canaries = ["canary-sign", bot.hook_id, gone.hook_id]

        def run(task_id):
            done = run_task(monkeypatch, tmp_path, SOURCE, task_id, connections)
            shown = done.everything
            assert [each for each in canaries if each in shown] == []
            return done

        yield emulator, run


def test_task_sends_what_its_template_says_and_leaves_no_secret(world):
    emulator, run = world
    done = run("fine")
    assert done.state == "success"
    assert [each.text for each in emulator.messages] == ["run manual__1 🔥 فشل"]
    assert '"size_bytes"' in done.everything
    assert [event for event in done.events("info") if event.startswith("sent a message (type text, ")]


def test_undefined_name_in_a_template_fails_the_task_and_sends_nothing(world):
    emulator, run = world
    done = run("undefined")
    assert done.state == "failed"
    assert "'exceptoin' is undefined" in done.log
    assert emulator.messages == []


def test_task_of_a_bot_that_is_gone_says_so_and_leaves_no_secret(world):
    done = world[1]("gone")
    assert done.state == "failed"
    assert [event for event in done.events("error") if "Lark does not know a bot with this webhook address" in event]


def test_task_whose_message_is_answered_too_late_fails_once_and_leaves_no_secret(world):
    emulator, run = world
    emulator.faults.add("hook", action="timeout_after")
    done = run("late")
    assert done.state == "failed"
    assert "may have been delivered" in done.log
    assert len(emulator.messages) == 1


def test_card_of_a_file_says_exactly_what_its_values_say(bot, emulator, tmp_path):
    awkward = 'KeyError: "a\\"b"\nC:\\new\\table'
    path = tmp_path / "failed.json"
    path.write_text('{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ exception }}"}]}}')
    LarkWebhookOperator(task_id="tell", card=str(path)).execute({"exception": awkward})
    (card,) = contents(emulator)
    assert card["body"]["elements"][0]["content"] == awkward


def test_card_of_a_file_that_is_broken_is_told_with_its_place(bot, tmp_path):
    path = tmp_path / "failed.json"
    path.write_text('{"schema": "2.0",\n"body": }')
    assert f"{path}:2:9: the card template is not valid JSON" in failure(card=str(path))
