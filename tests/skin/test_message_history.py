"""Messages that a task reads: which, in which order, how many, and as what they become an XCom."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.message import (
    LarkMessageHistoryOperator,
    LarkReplyMessageOperator,
    LarkSendMessageOperator,
)
from tests.skin.message_tasks import StateStore, context
from tests.skin.task_process import run_task

pytestmark = pytest.mark.usefixtures("time_flies")

LISTS = "GET /open-apis/im/v1/messages"
NOON_MS = 1_764_072_000_000
"""2025-11-25T12:00:00Z."""


def send(**parameters):
    operator = LarkSendMessageOperator(task_id="send", receive_id="Team", **parameters)
    return operator.execute(context(StateStore(), task_id="send"))


def execute(**parameters):
    return LarkMessageHistoryOperator(task_id="read", **({"chat_id": "Team"} | parameters)).execute(context())


def failure(**parameters):
    with pytest.raises(AirflowException) as caught:
        execute(**parameters)
    assert type(caught.value) is AirflowFailException, caught.value
    return str(caught.value)


@pytest.fixture
def hourly(team, emulator):
    """Messages at noon and each hour after."""
    for hour in range(6):
        sent = send(text=str(hour))
        emulator.state.messages.known(sent["message_id"]).created_ms = NOON_MS + hour * 3_600_000
    return team


def words_of(told):
    return "".join(each["content"]["text"] for each in told["messages"])


def test_history_is_plain_json(team, emulator):
    first = send(text="first", mentions=[team.ann.open_id])
    send(markdown="**card**")
    LarkReplyMessageOperator(task_id="reply", message_id=first, text="below").execute(context(StateStore()))
    told = execute()
    assert json.loads(json.dumps(told)) == told
    text, card, reply = told["messages"]
    assert (text["message_id"], text["chat_id"], text["msg_type"]) == (first["message_id"], team.chat_id, "text")
    assert text["content"]["text"].endswith("first")
    assert [each["id"] for each in text["mentions"]] == [team.ann.open_id]
    assert text["created_ms"] == first["created_ms"]
    assert (card["msg_type"], isinstance(card["content"], dict)) == ("interactive", True)
    assert (reply["parent_id"], reply["content"]) == (first["message_id"], {"text": "below"})
    assert told["has_more"] is False


def test_recalled_message_has_no_content(team, emulator):
    emulator.state.messages.known(send(text="x")["message_id"]).is_recalled = True
    (message,) = execute()["messages"]
    assert (message["is_recalled"], message["content"]) == (True, None)


def test_card_as_it_was_sent_is_read_where_asked_for(team):
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**42**"}]}}
    send(card=card)
    (message,) = execute(original_cards=True)["messages"]
    assert "**42**" in json.dumps(message["content"])


@pytest.mark.parametrize(
    ("parameters", "words", "has_more"),
    [
        pytest.param({}, "012345", False, id="all"),
        pytest.param({"newest_first": True, "limit": "2"}, "54", True, id="the last two"),
        pytest.param({"limit": 6}, "012345", False, id="just as many"),
        pytest.param({"limit": 1}, "0", True, id="one"),
        pytest.param({"limit": ""}, "012345", False, id="limit left empty"),
        pytest.param({"start": "2025-11-25T13:00:00Z", "end": "2025-11-25T15:00:00Z"}, "12", False, id="half open"),
        pytest.param({"start": "2025-11-25 23:00:00+08:00", "limit": 2}, "34", True, id="as Airflow writes it"),
        pytest.param({"start": "2025-11-25T21:00:00", "time_zone": "Asia/Shanghai"}, "12345", False, id="zone"),
        pytest.param({"end": "2025-11-25", "time_zone": "UTC"}, "", False, id="a day"),
        pytest.param({"end": datetime(2025, 11, 25, 13, tzinfo=UTC)}, "0", False, id="datetime"),
        pytest.param({"start": "None", "end": "None"}, "012345", False, id="run without an interval"),
    ],
)
def test_window_and_limit(hourly, parameters, words, has_more):
    told = execute(**parameters)
    assert (words_of(told), told["has_more"]) == (words, has_more)


def test_many_messages_come_by_pages_and_no_more_than_are_wanted(team, emulator):
    for place in range(120):
        send(text=str(place))
    assert len(execute()["messages"]) == 120
    assert emulator.counters()[LISTS] == 3
    told = execute(limit=60)
    assert (len(told["messages"]), told["has_more"], emulator.counters()[LISTS]) == (60, True, 5)


def test_thread_is_read_in_place_of_the_chat(team):
    first = send(text="first")
    reply = LarkReplyMessageOperator(task_id="reply", message_id=first, text="below", reply_in_thread=True)
    thread_id = reply.execute(context(StateStore()))["thread_id"]
    assert words_of(execute()) == "first"
    assert words_of(execute(chat_id=None, thread_id=thread_id)) == "firstbelow"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"chat_id": None}, "give either chat_id or thread_id, not both", id="neither"),
        pytest.param({"thread_id": "omt_1"}, "give either chat_id or thread_id, not both", id="both"),
        pytest.param({"chat_id": "Nowhere"}, "not in a chat named 'Nowhere'", id="unknown name"),
        pytest.param(
            {"chat_id": "ann@example.com"}, "is not a chat: give a chat_id (oc_…) or the name of a chat", id="person"
        ),
        pytest.param({"start": "2025-11-25"}, "start: has no UTC offset; add one", id="no time zone"),
        pytest.param({"end": "yesterday"}, "end: expected an ISO 8601 date and time such as", id="no moment"),
        pytest.param({"end": "x", "time_zone": "Mars"}, "Mars", id="unknown zone"),
        pytest.param({"start": "2025-11-25", "end": "2025-11-25", "time_zone": "UTC"}, "must be before", id="empty"),
        pytest.param({"limit": -1}, "limit: expected a whole number", id="negative limit"),
        pytest.param({"limit": 0}, "limit: must be at least 1", id="nothing"),
    ],
)
def test_wrong_parameter_fails_for_good(team, emulator, parameters, words):
    assert words in failure(**parameters)
    assert LISTS not in emulator.counters()


def test_chat_that_the_bot_left_says_what_to_do(team, emulator):
    team.state.set_chat_member(team.chat_id, emulator.app_id, inside=False)
    assert "add the app's bot to the group" in failure(chat_id=team.chat_id)


def test_more_than_an_xcom_should_hold_is_refused(team):
    for place in range(4):
        # six bytes a character as Airflow writes it
        send(text=f"{place}" + "字" * 45_000)
    told = failure()
    assert "TooLarge: " in told
    assert "only the first 3 fit. Read fewer (limit, start, end)" in told
    assert len(execute(limit=3)["messages"]) == 3


SOURCE = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.message import LarkMessageHistoryOperator

    with DAG("made_in_a_test", schedule=None):
        LarkMessageHistoryOperator(
            task_id="read", chat_id="Team", start="{{ WHAT }}", end="2027-01-01", time_zone="UTC"
        )
""")


@pytest.mark.parametrize("what", ["dag_run.run_after", "nobody"], ids=["rendered", "Jinja undefined"])
def test_task_reads_in_a_process_of_its_own(team, emulator, monkeypatch, tmp_path, what):
    kept, left_out = send(text="kept"), send(text="left out")
    before = datetime(2026, 11, 21, tzinfo=UTC)
    after = before + timedelta(days=2)
    for sent, moment in ((left_out, before), (kept, after)):
        emulator.state.messages.known(sent["message_id"]).created_ms = int(moment.timestamp()) * 1000
    lark = {"host": emulator.url, "login": emulator.app_id, "password": "emulator-secret"}
    run = run_task(monkeypatch, tmp_path, SOURCE.replace("WHAT", what), "read", {"lark_default": lark})
    assert (run.state, "'nobody' is undefined" in run.log) == (
        ("success", False) if what != "nobody" else ("failed", True)
    )
    told = "".join(run.told.get("xcom", []))
    assert (kept["message_id"] in told, left_out["message_id"] in told) == (what != "nobody", False)
