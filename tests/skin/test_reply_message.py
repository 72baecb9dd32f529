"""Replies of a task: where they stand, that they come once, and that a message that is gone takes none."""

from __future__ import annotations

import json
from textwrap import dedent

import httpx
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.operators.message import LarkReplyMessageOperator, LarkSendMessageOperator
from airflow_provider_lark.operators.messages.sent_once import KEY
from tests.skin.message_tasks import Killed, Reaper, StateStore, connect, context
from tests.skin.task_process import run_task

pytestmark = pytest.mark.usefixtures("time_flies")

CARD = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**42**"}]}}
REPLIES = "POST /open-apis/im/v1/messages/:message_id/reply"


@pytest.fixture
def sent(team):
    """What the task returned that sent the message."""
    operator = LarkSendMessageOperator(task_id="send", receive_id="Team", text="first")
    return operator.execute(context(StateStore(), task_id="send"))


def execute(message_id, given=None, **parameters):
    operator = LarkReplyMessageOperator(task_id="tell", message_id=message_id, **({"text": "x"} | parameters))
    return operator.execute(context(StateStore()) if given is None else given)


def failure(message_id, kind=AirflowFailException, given=None, **parameters):
    with pytest.raises(AirflowException) as caught:
        execute(message_id, given, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def recall(emulator, message_id):
    emulator.state.messages.known(message_id).is_recalled = True


@pytest.mark.parametrize(
    ("given", "msg_type"),
    [
        ({"text": "42"}, "text"),
        ({"text": None, "markdown": "42"}, "interactive"),
        ({"text": "", "card": CARD}, "interactive"),
    ],
    ids=["text", "markdown", "card"],
)
@pytest.mark.parametrize("in_thread", [False, "true"])
def test_reply_stands_below_its_message(emulator, sent, given, msg_type, in_thread):
    told = execute(sent["message_id"], reply_in_thread=in_thread, **given)
    _, reply = emulator.messages
    assert (reply.msg_type, reply.parent_id, bool(reply.thread_id)) == (msg_type, sent["message_id"], bool(in_thread))
    ids = {"message_id": reply.message_id, "chat_id": sent["chat_id"], "created_ms": reply.created_ms}
    assert told == {**ids, "thread_id": reply.thread_id, "is_reply": True}


@pytest.mark.parametrize("form", [lambda sent: sent, json.dumps, lambda sent: f" {sent['message_id']} "])
def test_message_is_given_by_id_or_as_the_output_of_the_task_that_sent_it(emulator, sent, form):
    assert execute(form(sent))["is_reply"] is True


def test_file_is_replied_with_and_people_are_mentioned(emulator, sent, tmp_path):
    (tmp_path / "a.csv").write_text("1")
    execute(sent, text=None, file=str(tmp_path / "a.csv"))
    execute(sent, text="look", mentions=["ann@example.com"])
    assert [each.msg_type for each in emulator.messages] == ["text", "file", "text"]
    assert len(emulator.messages[2].mentions) == 1


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize("how", ["recalled", "unknown"])
def test_message_that_is_gone_takes_no_reply_and_nothing_is_sent_elsewhere(emulator, sent, how, in_thread):
    message_id = sent["message_id"] if how == "recalled" else "om_unknown"
    recall(emulator, sent["message_id"])
    told = failure(message_id, reply_in_thread=in_thread)
    assert ("the message was recalled" if how == "recalled" else "the message does not exist") in told
    assert f"reply to message {message_id}" in told
    assert "no message was sent instead; set instead_receive_id" in told
    assert len(emulator.messages) == 1


@pytest.mark.parametrize("message_id", [None, "om_unknown"], ids=["recalled", "unknown"])
def test_reply_to_what_is_gone_is_a_message_of_its_own_where_asked_for(emulator, sent, message_id, capsys):
    recall(emulator, sent["message_id"])
    store = StateStore()
    for _ in range(2):
        told = execute(message_id or sent, context(store), instead_receive_id="Team")
        _, other = emulator.messages
        assert (told["message_id"], told["is_reply"], other.parent_id) == (other.message_id, False, "")
    assert "sending a new message to instead_receive_id" in capsys.readouterr().out
    # the second try knows where the first one went
    assert emulator.counters()[REPLIES] == 1


def test_other_refusals_are_not_sent_elsewhere(team, emulator, sent):
    team.state.set_chat_member(team.chat_id, emulator.app_id, inside=False)
    other = team.state.add_chat("Other")
    assert "AccessDenied: " in failure(sent, instead_receive_id=other)
    assert len(emulator.messages) == 1


def test_bot_that_left_the_chat_is_told_to_be_added(team, emulator, sent):
    team.state.set_chat_member(team.chat_id, emulator.app_id, inside=False)
    told = failure(sent)
    assert "the bot is not in the chat" in told
    assert "add the app's bot to the group" in told


@pytest.mark.parametrize(
    ("message_id", "words"),
    [
        pytest.param("", "message_id: is empty; give a message_id (om_…)", id="nothing"),
        pytest.param("None", "message_id: is empty", id="empty Param"),
        pytest.param({"chat_id": "oc_1"}, "message_id: is empty", id="output without an id"),
        pytest.param("oc_abc", "'oc_abc' is not a message_id (om_…)", id="id of a chat"),
        pytest.param("{'message_id': 'om_1'}", "not valid JSON; in a template add `| tojson`", id="repr of an output"),
        pytest.param(["om_1", "om_2"], "got 2 messages; give one", id="several"),
        pytest.param(["om_1", 5], "message_id[1]: '5' is not a message_id", id="number"),
    ],
)
def test_wrong_message_id_fails_for_good_and_calls_nobody(team, emulator, message_id, words):
    assert words in failure(message_id)
    assert emulator.counters().get(REPLIES, 0) == 0


@pytest.mark.parametrize("parameters", [{"text": None}, {"card": CARD}, {"reply_in_thread": "perhaps"}])
def test_wrong_content_sends_nothing(emulator, sent, parameters):
    failure(sent, **parameters)
    assert len(emulator.messages) == 1


@pytest.mark.parametrize("has_store", [True, False], ids=["with a state store", "before Airflow 3.3"])
def test_second_try_after_a_lost_answer_replies_no_more(emulator, sent, has_store):
    given = context(StateStore() if has_store else None)
    emulator.faults.add(REPLIES, action="drop_after", times=None)
    assert "may have been carried out" in failure(sent, AirflowException, given)
    emulator.faults.clear()
    told = execute(sent, given)
    assert [each.message_id for each in emulator.messages] == [sent["message_id"], told["message_id"]]


def test_reply_that_may_be_there_is_not_sent_elsewhere_as_well(emulator, sent):
    """A first try replied and was cut off; then somebody recalled the message."""
    given = context(StateStore())
    emulator.faults.add(REPLIES, action="drop_after", times=None)
    failure(sent, AirflowException, given)
    emulator.faults.clear()
    recall(emulator, sent["message_id"])
    for _ in range(2):
        told = failure(sent, AirflowException, given, instead_receive_id="Team")
        assert "OutcomeUnknown: " in told
        assert "The reply may or may not have been sent" in told
    assert len(emulator.messages) == 2
    assert execute(sent, given, instead_receive_id="Team", resend_if_unknown=True)["is_reply"] is False


def test_try_that_was_cut_off_over_an_hour_ago_is_not_repeated_blindly(emulator, sent):
    store = StateStore()
    emulator.faults.add(REPLIES, action="drop_after", times=None)
    failure(sent, AirflowException, context(store))
    emulator.faults.clear()
    store.set(KEY, {**store.get(KEY), "began": CallingHook.clock.now() - 3600})
    assert "more than an hour ago. The message may or may not have been sent" in failure(
        sent, AirflowException, context(store)
    )
    assert len(emulator.messages) == 2


@pytest.mark.parametrize("other", [{"run_id": "manual__2"}, {"task_id": "tell_2"}, {"map_index": 3}])
def test_another_task_and_another_message_get_their_own_reply(emulator, sent, other):
    first = execute(sent, context(StateStore()))
    execute(sent, context(StateStore(), **other))
    execute(first, context(StateStore()))
    assert len(emulator.messages) == 4


@pytest.mark.parametrize("is_gone", [False, True], ids=["a reply", "a message instead"])
@pytest.mark.parametrize("has_store", [True, False], ids=["with a state store", "before Airflow 3.3"])
def test_killed_at_any_boundary_replies_once(emulator, sent, monkeypatch, has_store, is_gone):
    reaper, killed, doubts = Reaper(), 0, 0
    if is_gone:
        recall(emulator, sent["message_id"])
    monkeypatch.setattr(httpx.Client, "request", reaper.around(httpx.Client.request))
    for kill_at in range(1, 100):
        store = StateStore()
        store.get, store.set = reaper.around(store.get), reaper.around(store.set)
        given = context(store if has_store else None, run_id=f"manual__{kill_at}")
        before = len(emulator.messages)
        reaper.arm(kill_at)
        try:
            execute(sent, given, instead_receive_id="Team")
        except Killed:
            killed += 1
        else:
            break
        reaper.arm(None)
        doubt = ""
        try:
            told = execute(sent, given, instead_receive_id="Team")
        except AirflowException as exc:
            doubt = str(exc)
        if doubt:
            assert "The reply may or may not have been sent" in doubt
            doubts += 1
            told = execute(sent, given, instead_receive_id="Team", resend_if_unknown=True)
        assert [each.message_id for each in emulator.messages[before:]] == [told["message_id"]], kill_at
    # each try gets its token first, as in a process of its own
    assert killed >= (6 if is_gone else 4) + (6 if has_store else 0)
    # cut off between its note and that of Lark's refusal, it cannot know whether a reply is there
    assert doubts == (6 if is_gone and has_store else 0)


def test_slow_answer_is_one_reply(emulator, sent, monkeypatch):
    connect(monkeypatch, emulator.url, emulator, timeout_seconds=1)
    emulator.faults.add(REPLIES, action="timeout_after")
    execute(sent)
    assert (emulator.counters()[REPLIES], len(emulator.messages)) == (2, 2)


def test_link_opens_the_chat_of_the_reply(sent):
    operator = LarkReplyMessageOperator(task_id="tell", message_id=sent, text="x")
    operator.execute(context(StateStore()))
    assert operator.sent_chat_id == sent["chat_id"]


SOURCE = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.message import LarkReplyMessageOperator

    with DAG("made_in_a_test", schedule=None, params={"first": "FIRST"}):
        LarkReplyMessageOperator(
            task_id="tell", message_id="{{ params.first }}", text="{{ WHAT }}", reply_in_thread="{{ 1 == 1 }}"
        )
""")


@pytest.mark.parametrize("what", ["run_id", "nobody"], ids=["rendered", "Jinja undefined"])
def test_task_replies_in_a_process_of_its_own(emulator, sent, monkeypatch, tmp_path, what):
    source = SOURCE.replace("FIRST", sent["message_id"]).replace("WHAT", what)
    lark = {"host": emulator.url, "login": emulator.app_id, "password": "emulator-secret"}
    run = run_task(monkeypatch, tmp_path, source, "tell", {"lark_default": lark})
    if what == "nobody":
        assert run.state == "failed"
        assert "'nobody' is undefined" in run.log
        assert len(emulator.messages) == 1
    else:
        reply = emulator.messages[1]
        assert (run.state, reply.text, reply.parent_id) == ("success", "manual__1", sent["message_id"])
        assert reply.thread_id
        assert reply.message_id in run.everything
    assert "emulator-secret" not in run.everything
