"""Messages of a task as an app's bot, against the emulator: what arrives, how often, what fails and how it is told."""

from __future__ import annotations

import json
from textwrap import dedent

import httpx
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.message import LarkSendMessageOperator
from airflow_provider_lark.operators.messages.sent_once import KEY
from tests.skin.message_tasks import Killed, Reaper, StateStore, connect, context
from tests.skin.task_process import run_task

pytestmark = pytest.mark.usefixtures("time_flies")

CARD = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "**42**"}]}}
SENDS = "POST /open-apis/im/v1/messages"


def execute(given=None, *, receive_id="Team", **parameters):
    operator = LarkSendMessageOperator(task_id="tell", receive_id=receive_id, **parameters)
    return operator.execute(context(StateStore()) if given is None else given)


def failure(kind=AirflowFailException, given=None, **parameters):
    with pytest.raises(AirflowException) as caught:
        execute(given, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def sends(emulator):
    return emulator.counters().get(SENDS, 0)


@pytest.mark.parametrize(
    ("given", "msg_type", "words"),
    [
        pytest.param({"text": "42 orders"}, "text", "42 orders", id="text"),
        pytest.param({"markdown": "**42**", "title": "Orders"}, "interactive", "**42**", id="markdown"),
        pytest.param({"card": CARD}, "interactive", "**42**", id="card"),
        pytest.param({"card": json.dumps(CARD)}, "interactive", "**42**", id="card as text"),
        pytest.param({"post": {"content": [[{"tag": "text", "text": "42"}]]}}, "post", "42", id="post"),
    ],
)
def test_each_kind_arrives(team, emulator, given, msg_type, words):
    told = execute(**given)
    (message,) = emulator.messages
    ids = {"message_id": message.message_id, "chat_id": team.chat_id, "created_ms": message.created_ms}
    assert told == {**ids, "thread_id": ""}
    assert (message.msg_type, words in message.text) == (msg_type, True)


def test_template_arrives(team, emulator):
    team.state.add_card_template("AAq1")
    execute(template_id="AAq1", template_version="1.0.0", template_variables='{"a": 1}')
    data = json.loads(emulator.messages[0].content)["data"]
    assert data == {"template_id": "AAq1", "template_version_name": "1.0.0", "template_variable": {"a": 1}}


def test_file_and_image_arrive_under_their_name(team, emulator, tmp_path):
    report, picture = tmp_path / "销售报表—11月 (终版).csv", tmp_path / "a.png"
    report.write_text("名\n", encoding="utf-8")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(16))
    execute(file=str(report))
    execute(image=f"file://{picture}")
    assert json.loads(emulator.messages[0].content)["file_name"] == report.name
    assert emulator.messages[1].msg_type == "image"


def test_file_is_shown_under_the_name_that_is_given(team, emulator, tmp_path):
    (tmp_path / "part-0001").write_text("a", encoding="utf-8")
    execute(file=str(tmp_path / "part-0001"), file_name="orders.csv")
    assert json.loads(emulator.messages[0].content)["file_name"] == "orders.csv"


def test_words_become_a_file(team, emulator):
    sent = execute(file_content="名,数\n甲\ud83d,42\n", file_name="报表.csv")
    shown = json.loads(emulator.messages[0].content)
    with LarkHook().client() as client:
        whole = client.resources.download_resource(message_id=sent["message_id"], file_key=shown["file_key"])
    # half a character, as a text that was cut has it, is no reason to lose the file
    assert (shown["file_name"], whole.decode()) == ("报表.csv", "名,数\n甲?,42\n")


@pytest.mark.parametrize("given", [{"text": "x"}, {"post": {"content": [[]]}}, {"markdown": "x"}, {"card": CARD}])
def test_people_are_mentioned_by_id_address_and_number(team, emulator, given):
    bob, eve = team.state.add_user("Bob"), team.state.add_user("Eve", mobile="+4915112345678")
    execute(**given, mentions=[bob.open_id, "ann@example.com", "+49 151 123-45678"])
    assert emulator.messages[0].mentions == (bob.open_id, team.ann.open_id, eve.open_id)


def test_number_of_china_is_found_with_its_country_code(team, emulator):
    li = team.state.add_user("李", mobile="13800000000")
    execute(text="x", mentions=["+86 138 0000 0000"])
    assert emulator.messages[0].mentions == (li.open_id,)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({}, "the message has no content: give exactly one of text, markdown", id="nothing"),
        pytest.param({"text": "a", "markdown": "b"}, "has text and markdown: give exactly one", id="two kinds"),
        pytest.param({"text": "None"}, "the message has no content", id="empty Param"),
        pytest.param({"text": " "}, "the message is empty", id="blanks"),
        pytest.param({"card": "{'a': 1}"}, "not valid JSON; in a template add `| tojson`", id="repr of a card"),
        pytest.param({"card": "[1]"}, "expected a dictionary of card JSON, found list", id="card a list"),
        pytest.param(
            {"card": {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}}, r"body.elements[0]", id="wrong card"
        ),
        pytest.param({"text": "x", "receive_id": " "}, "receive_id: is empty", id="no receiver"),
        pytest.param(
            {"text": "x", "receive_id": "Tea"}, "not in a chat named 'Tea'; similar names: 'Team'", id="unknown name"
        ),
        pytest.param(
            {"text": "x", "mentions": ["nobody@example.com"]},
            "mentions[0]: no user in the tenant",
            id="unknown address",
        ),
        pytest.param(
            {"text": "x", "mentions": ["+86 13800000000"]}, "no user in the tenant has this mobile", id="unknown number"
        ),
        pytest.param({"text": "x", "mentions": "<at>"}, "mentions[0]: not a user id", id="markup as a mention"),
        pytest.param({"file": "/nowhere/a.csv"}, "file 'a.csv' does not exist", id="no file"),
        pytest.param(
            {"file_content": "a,b"}, "file_name: is required with file_content", id="words without a file name"
        ),
        pytest.param({"file_content": "a", "file": "/a.csv"}, "file and file_content", id="two files"),
        pytest.param({"text": "x" * 160_000}, "has 160", id="too long"),
        pytest.param({"text": "x", "receive_id_type": "phone"}, "'phone' is not one of", id="kind of receiver"),
    ],
)
def test_wrong_parameter_fails_for_good_and_sends_nothing(team, emulator, parameters, words):
    assert words in failure(**parameters)
    assert emulator.messages == []


def test_file_without_bytes_fails_for_good(team, emulator, tmp_path):
    (tmp_path / "empty.csv").touch()
    assert "is empty; Lark does not accept empty files" in failure(file=str(tmp_path / "empty.csv"))


def test_list_of_receivers_gets_it_each_once(team, emulator):
    told = execute(text="x", receive_id='["Team", "ann@example.com", " Team "]')
    assert [each["receive_id"] for each in told["messages"]] == ["Team", "ann@example.com"]
    assert told["message_id"] == told["messages"][0]["message_id"]
    assert len(emulator.messages) == 2


@pytest.mark.parametrize("name", ["[告警] 数据", "{ops}", "a, b"])
def test_name_that_looks_like_a_list_is_a_name(team, emulator, name):
    chat_id = emulator.state.add_chat(name)
    assert execute(text="x", receive_id=name)["chat_id"] == chat_id


def test_slow_answer_is_one_message_under_one_uuid(team, emulator, monkeypatch):
    connect(monkeypatch, emulator.url, emulator, timeout_seconds=1)
    emulator.faults.add(SENDS, action="timeout_after")
    told = execute(text="x")
    assert (sends(emulator), len(emulator.messages)) == (2, 1)
    assert told["message_id"] == emulator.messages[0].message_id


@pytest.mark.parametrize("store", [StateStore(), None], ids=["with a state store", "before Airflow 3.3"])
def test_second_try_after_a_lost_answer_sends_nothing_more(team, emulator, store):
    given = context(store)
    emulator.faults.add(SENDS, action="drop_after", times=None)
    assert "may have been carried out" in failure(AirflowException, given, text="x")
    emulator.faults.clear()
    told = execute(given, text="x")
    assert [each.message_id for each in emulator.messages] == [told["message_id"]]
    before = sends(emulator)
    assert execute(given, text="x") == told
    assert len(emulator.messages) == 1
    # with a memory Lark is not even asked
    assert sends(emulator) - before == (1 if store is None else 0)


def test_refused_first_try_leaves_no_claim(team, emulator):
    store = StateStore()
    team.state.set_chat_member(team.chat_id, emulator.app_id, inside=False)
    failure(given=context(store), text="x", receive_id=team.chat_id)
    assert store.get(KEY)["began"] is None
    team.state.set_chat_member(team.chat_id, emulator.app_id)
    assert execute(context(store), text="x", receive_id=team.chat_id)["message_id"]
    assert len(emulator.messages) == 1


def test_first_try_that_never_got_through_leaves_no_claim(team, emulator):
    store = StateStore()
    emulator.faults.add(SENDS, code=230020, times=None)
    assert "230020" in failure(AirflowException, context(store), text="x", receive_id=team.chat_id)
    emulator.faults.clear()
    assert execute(context(store), text="x", receive_id=team.chat_id)["message_id"]
    once_more = execute(context(store), text="x", receive_id=team.chat_id)
    assert [each.message_id for each in emulator.messages] == [once_more["message_id"]]


def test_first_try_without_a_connection_leaves_no_claim(team, emulator, monkeypatch):
    store, url = StateStore(), emulator.url
    connect(monkeypatch, "http://127.0.0.1:9", emulator)
    assert "Unreachable" in failure(AirflowException, context(store), text="x", receive_id=team.chat_id)
    connect(monkeypatch, url, emulator)
    sent = execute(context(store), text="x", receive_id=team.chat_id)
    assert [each.message_id for each in emulator.messages] == [sent["message_id"]]


def test_emoji_and_text_from_right_to_left_arrive_as_they_are(team, emulator):
    said = "🧑‍🚀 تم ‏שלום‎ 表情😁 done"
    execute(text=said)
    assert json.loads(emulator.messages[0].content) == {"text": said}


def test_file_beyond_what_lark_takes_fails_before_anything_is_sent(team, emulator, tmp_path):
    file = tmp_path / "big.csv"
    with file.open("wb") as out:
        out.truncate(30 * 1024 * 1024 + 1)
    assert "more than the 31,457,280 Lark allows; send a link to it" in failure(file=str(file))
    assert (sends(emulator), emulator.counters().get("POST /open-apis/im/v1/files", 0)) == (0, 0)


def test_template_of_another_app_says_where_to_let_the_app_in(team, emulator):
    team.state.add_card_template("AAq2", ["cli_other"])
    message = failure(template_id="AAq2")
    assert "the app may not use its template" in message
    assert "add the app in the template's settings" in message


def test_refused_lookup_leaves_no_claim(team, emulator):
    store = StateStore()
    failure(given=context(store), text="x", receive_id="nowhere")
    assert store.get(KEY)["began"] is None


@pytest.mark.parametrize("receive_id", ["Team", ["Team", "ann@example.com"]], ids=["one receiver", "two"])
@pytest.mark.parametrize("has_store", [True, False], ids=["with a state store", "before Airflow 3.3"])
def test_killed_at_any_boundary_sends_once(team, emulator, monkeypatch, has_store, receive_id):
    reaper, killed = Reaper(), 0
    monkeypatch.setattr(httpx.Client, "request", reaper.around(httpx.Client.request))
    for kill_at in range(1, 100):
        store = StateStore()
        store.get, store.set = reaper.around(store.get), reaper.around(store.set)
        given = context(store if has_store else None, run_id=f"manual__{kill_at}")
        before = len(emulator.messages)
        reaper.arm(kill_at)
        try:
            execute(given, text="x", receive_id=receive_id)
        except Killed:
            killed += 1
        else:
            break
        reaper.arm(None)
        told = execute(given, text="x", receive_id=receive_id)
        made = [each.message_id for each in emulator.messages[before:]]
        assert [each["message_id"] for each in told.get("messages", [told])] == made, kill_at
        assert len(made) == (1 if receive_id == "Team" else 2), kill_at
    # a message is a request, the store is looked into three times, and each of them has two boundaries
    assert killed >= 2 * (1 if receive_id == "Team" else 2) + (2 * 3 if has_store else 0)


def cut_off(emulator, store, seconds_ago):
    """Let a first try be killed right after it sent, so long ago."""
    emulator.faults.add(SENDS, action="drop_after", times=None)
    failure(AirflowException, context(store), text="x")
    emulator.faults.clear()
    store.set(KEY, {**store.get(KEY), "began": CallingHook.clock.now() - seconds_ago})


def test_try_that_was_cut_off_over_an_hour_ago_is_not_repeated_blindly(team, emulator):
    store = StateStore()
    cut_off(emulator, store, 3600)
    told = failure(AirflowException, context(store), text="x")
    assert "The message may or may not have been sent" in told
    assert "resend_if_unknown" in told
    assert len(emulator.messages) == 1
    assert execute(context(store), text="x", resend_if_unknown="true")["message_id"]


def test_refusal_of_a_later_try_does_not_settle_what_became_of_an_earlier_one(team, emulator):
    store = StateStore()
    cut_off(emulator, store, 1800)
    began = store.get(KEY)["began"]
    emulator.faults.add(SENDS, code=230028)
    failure(given=context(store), text="x")
    assert store.get(KEY)["began"] == began


def test_try_that_was_cut_off_a_while_ago_is_repeated(team, emulator):
    store = StateStore()
    cut_off(emulator, store, 1800)
    assert execute(context(store), text="x")["message_id"] == emulator.messages[0].message_id
    assert len(emulator.messages) == 1


def test_second_try_sends_to_those_who_have_not_got_it(team, emulator):
    store, other = StateStore(), emulator.state.add_chat("Other")
    emulator.faults.add(SENDS, code=230028, contains=other)
    told = failure(given=context(store), text="x", receive_id=["Team", "Other"])
    assert "1 of 2 receivers did not get the message, the first of them Other" in told
    execute(context(store), text="x", receive_id=["Team", "Other"])
    assert [each.chat_id for each in emulator.messages] == [team.chat_id, other]


@pytest.mark.parametrize(
    "other",
    [{"run_id": "manual__2"}, {"task_id": "tell_2"}, {"map_index": 3}],
    ids=["another run", "another task", "another mapped one"],
)
def test_another_task_sends_its_own(team, emulator, other):
    execute(context(StateStore()), text="x")
    execute(context(StateStore(), **other), text="x")
    assert len(emulator.messages) == 2


def test_other_content_of_the_same_task_is_another_message(team, emulator, tmp_path):
    store, file = StateStore(), tmp_path / "a.csv"
    file.write_text("1")
    for parameters in ({"text": "x"}, {"text": "y"}, {"file": str(file)}, {"file": str(file)}):
        execute(context(store), **parameters)
    file.write_text("2")
    execute(context(store), file=str(file))
    # the second sending of the same bytes, under a key of its own, is the same message
    assert [each.msg_type for each in emulator.messages] == ["text", "text", "file", "file"]


def test_state_store_that_fails_is_told_and_stops_nothing(team, emulator, caplog):
    class Broken:
        def get(self, key, default=None):
            raise RuntimeError("api-server is down, canary")

        def set(self, key, value, *, retention=None):
            raise RuntimeError("api-server is down, canary")

    assert execute(context(Broken()), text="x")["message_id"]
    assert "cannot read the task state store (RuntimeError)" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("https://open.feishu.cn", "https://applink.feishu.cn/client/chat/open?openChatId=oc_1"),
        ("https://open.larksuite.com", "https://applink.larksuite.com/client/chat/open?openChatId=oc_1"),
        ("http://127.0.0.1:8787", ""),
        ("", ""),
    ],
)
def test_link_opens_the_chat(host, link):
    operator = LarkSendMessageOperator(task_id="tell", receive_id="Team", text="x")
    (button,) = operator.operator_extra_links
    operator.sent_chat_id, operator.lark_host = "oc_1", host
    assert (button.name, button.get_link(operator, ti_key=None)) == ("Open message in Lark", link)
    operator.sent_chat_id = ""
    assert button.get_link(operator, ti_key=None) == ""


def test_task_sends_in_a_process_of_its_own_and_keeps_the_id(team, emulator, monkeypatch, tmp_path):
    source = dedent("""
        from airflow.sdk import DAG

        from airflow_provider_lark.operators.message import LarkSendMessageOperator

        with DAG("made_in_a_test", schedule=None):
            LarkSendMessageOperator(task_id="tell", receive_id="Team", text="{{ run_id }}")
    """)
    lark = {"host": emulator.url, "login": emulator.app_id, "password": "emulator-secret"}
    run = run_task(monkeypatch, tmp_path, source, "tell", {"lark_default": lark})
    (message,) = emulator.messages
    assert (run.state, message.text) == ("success", "manual__1")
    assert message.message_id in run.everything
    assert "emulator-secret" not in run.everything
