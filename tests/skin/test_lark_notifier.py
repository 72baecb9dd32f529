"""The notifier of apps, called with the contexts of each process that calls it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk import DAG, AsyncCallback
from airflow.sdk.log import mask_secret

from airflow_provider_lark.notifications.exceptions import KEPT, describe
from airflow_provider_lark.notifications.lark import LarkNotifier, send_lark_notification
from airflow_provider_lark.provider_info import get_provider_info
from tests.skin.occasions import DEADLINE, STARTED, raised, task_context

ROOT = Path(__file__).parents[2]
RUN = {"dag": DAG("orders"), "run_id": "manual__2026-11-01T00:00:00+00:00", "reason": "task_failure"}


def connect(monkeypatch, emulator, **parts):
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | parts))


@pytest.fixture
def chat(emulator, monkeypatch):
    """The chat_id of a chat called "Data alerts"."""
    connect(monkeypatch, emulator)
    return emulator.state.add_chat("Data alerts")


def notify(context, **given):
    LarkNotifier(**{"receive_id": "Data alerts", **given})(context)


def sent(emulator):
    """The one message that was sent, as JSON text without escapes."""
    (message,) = emulator.messages
    return message.content


def walk(value):
    """Every object in a card."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(each)


def color(emulator):
    return json.loads(sent(emulator))["header"]["template"]


def test_failed_task_becomes_a_red_card(chat, emulator):
    notify(
        task_context(exception=raised(ValueError("no such table: orders")), map_index=3),
        runbook_url="https://wiki.example/orders",
        note="ask Lin",
    )
    assert [each.chat_id for each in emulator.messages] == [chat]
    told = sent(emulator)
    assert color(emulator) == "red"
    for part in ("orders.load[3]", "manual__1", "no such table: orders", "try 4 of 4", "lin", "ask Lin"):
        assert part in told
    links = (
        "tasks/load?try_number=1",
        "https://airflow.example/dags/orders/runs/manual__1",
        "https://wiki.example/orders",
    )
    assert [link for link in links if link not in told] == []


def test_task_that_is_retried_says_which_try_it_was_and_when_the_next_is(chat, emulator):
    # a lost process: called in the DAG processor, without an exception
    notify(task_context(state="up_for_retry", try_number=1), locale="en_us")
    told = sent(emulator)
    assert color(emulator) == "orange"
    assert "try 1 of 4" in told
    assert "the task process was lost" in told
    assert str(int((STARTED + timedelta(seconds=390)).timestamp())) in told
    assert "None" not in told


@pytest.mark.parametrize(("try_number", "expected"), [(1, "orange"), (4, "red")])
def test_lost_task_of_which_no_state_is_told_is_retried_while_tries_are_left(chat, emulator, try_number, expected):
    # what the DAG processor really gives: a task instance without a state
    notify(task_context(state=None, try_number=try_number), locale="en_us")
    assert (color(emulator), "the task process was lost" in sent(emulator)) == (expected, True)


def test_task_that_made_it_becomes_a_green_card(chat, emulator):
    send_lark_notification(receive_id=chat)(task_context(state="success"))
    assert color(emulator) == "green"


def test_context_of_three_keys_becomes_a_card_without_empty_rows(chat, emulator):
    notify(dict(RUN), locale="en_us")
    told = sent(emulator)
    for part in ("orders run failed", "manual__2026-11-01T00:00:00+00:00", "task_failure"):
        assert part in told
    assert "None" not in told
    assert '"button"' not in told


def test_run_and_deadline_have_a_button_to_the_run_where_airflow_knows_its_address(chat, emulator, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    notify(dict(RUN))
    notify(dict(DEADLINE))
    pages = ("manual__2026-11-01T00:00:00+00:00", "manual__1")
    for message, run_id in zip(emulator.messages, pages, strict=True):
        assert f"https://airflow.example/dags/orders/runs/{run_id}" in message.content


def test_name_that_is_not_there_costs_the_text_and_not_the_message(chat, emulator, told):
    notify(dict(RUN), text="{{ ti.task_id }} failed: {{ exception }}")
    assert color(emulator) == "red"
    (line,) = [each for each in told().splitlines() if "template" in each]
    assert "LarkNotifier: the template of text cannot be rendered: 'ti' is undefined" in line


def test_link_of_doc_md_that_speaks_of_a_runbook_makes_a_button(chat, emulator):
    notify(task_context(doc_md="See [data](https://data.example).\n\n[Runbook](https://wiki.example/orders)."))
    told = sent(emulator)
    assert '"https://wiki.example/orders"' in told
    assert "data.example" not in told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"text": "42 {{ run_id }}"}, {"text": "42 manual__1"}, id="text"),
        pytest.param({"text": "42", "mentions": ["all"]}, {"text": "@_all 42"}, id="text that calls everybody"),
        pytest.param(
            {"card": {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ exception }}"}]}}},
            {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": 'KeyError: "a\\"b"\nC:\\new'}]}},
            id="card",
        ),
    ],
)
def test_words_of_the_author_arrive(chat, emulator, given, expected):
    notify(task_context(exception='KeyError: "a\\"b"\nC:\\new'), **given)
    assert json.loads(sent(emulator)) == expected


AWKWARD = 'KeyError: "a\\"b"\nC:\\new\\table <at id=all></at>'


@pytest.fixture
def card_file(tmp_path):
    """A card of a file whose text is the exception."""
    path = tmp_path / "failed.json"
    path.write_text('{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ exception }}"}]}}')
    return path


@pytest.mark.parametrize("way", ["absolute", "from the DAG's folder"])
def test_card_of_a_file_says_exactly_what_the_exception_says(chat, emulator, card_file, way):
    context = task_context(exception=raised(ValueError(AWKWARD)))
    context["dag"].fileloc = str(card_file.parent / "dag.py")
    notify(context, card=str(card_file) if way == "absolute" else "failed.json")
    told = json.loads(sent(emulator))["body"]["elements"][0]["content"]
    # an invisible joiner keeps the mention from being one
    assert (told.replace("\u200d", ""), "<at" in told) == (AWKWARD, False)


def test_card_of_a_file_that_is_not_there_gives_way_to_ours(chat, emulator, told):
    notify(task_context(), card="nowhere.json")
    assert color(emulator) == "red"
    shown = told()
    assert "the template of card cannot be rendered: nowhere.json: file not found in the DAG's folder" in shown


def test_card_of_a_file_without_a_dag_has_to_be_named_by_its_path(chat, emulator, told):
    notify(dict(DEADLINE), card="failed.json")
    assert "orders" in sent(emulator)
    assert "give an absolute path" in told()


def test_secret_and_mention_of_a_real_exception_in_a_text_do_no_harm(chat, emulator, card_file):
    mask_secret("canary-password")
    error = raised(ValueError('<at user_id="all">all</at> canary-password'))
    notify(task_context(exception=error), text="failed: {{ exception }}")
    notify(task_context(exception=error, map_index=1), card=str(card_file))
    text, card = emulator.messages
    assert text.content.count("@_all") == 0
    assert text.mentions == card.mentions == ()
    assert "canary" not in text.content + card.content


def test_markdown_arrives_as_a_card_below_its_title(chat, emulator):
    notify(task_context(), markdown="**42**", title="Orders")
    card = json.loads(sent(emulator))
    assert card["header"]["title"]["content"] == "Orders"
    assert card["body"]["elements"][0]["content"] == "**42**"


def test_card_of_the_author_that_lark_would_refuse_gives_way_to_ours(chat, emulator, told):
    notify(task_context(), card={"schema": "2.0", "body": {"elements": [{"tag": "note"}]}})
    assert color(emulator) == "red"
    shown = told()
    assert "cannot send the custom message, sending the default card instead" in shown
    assert "body.elements[0]" in shown


def test_each_of_a_list_gets_it_and_a_wrong_name_keeps_it_from_nobody(chat, emulator, told):
    ann = emulator.state.add_user("Ann", "ann@example.com")
    notify(task_context(), receive_id=["ann@example.com", "Data alert", " Data alerts ", chat])
    assert sorted(each.receive_id for each in emulator.messages) == sorted([ann.email, chat])
    (line,) = [each for each in told().splitlines() if "could not notify" in each]
    assert "could not notify 'Data alert' about orders.load (task failed)" in line
    assert "similar names: 'Data alerts'" in line


def test_name_of_two_chats_is_told_once_with_both(chat, emulator, told):
    other = emulator.state.add_chat("Data alerts")
    notify(task_context())
    assert emulator.messages == []
    (line,) = [each for each in told().splitlines() if "LarkNotifier" in each]
    assert chat in line
    assert other in line


def test_owner_is_notified_by_their_address(chat, emulator):
    lin = emulator.state.add_user("Lin", "lin@example.com")
    notify(task_context(owner="data, lin@example.com"))
    assert f"<at id={lin.open_id}>" in sent(emulator)


def test_person_is_notified_by_their_number(chat, emulator):
    lin = emulator.state.add_user("Lin", mobile="13800000000")
    notify(task_context(), mentions=["+86 138 0000 0000"])
    assert f"<at id={lin.open_id}>" in sent(emulator)


@pytest.mark.parametrize(
    ("given", "context"),
    [
        pytest.param({"mention_owner": False}, {}, id="not wanted"),
        pytest.param({}, {"state": "up_for_retry", "try_number": 1}, id="another try follows"),
        pytest.param({}, {"state": "success"}, id="success"),
    ],
)
def test_owner_is_left_alone(chat, emulator, given, context):
    emulator.state.add_user("Lin", "lin@example.com")
    notify(task_context(owner="lin@example.com", **context), **given)
    assert "<at " not in sent(emulator)
    assert "lin" in sent(emulator)


def test_owner_who_is_unknown_stands_there_as_text_and_in_one_log_line(chat, emulator, told):
    notify(task_context(owner="nobody@example.com"))
    shown = sent(emulator)
    assert "nobody@example.com" in shown
    assert "<at " not in shown
    (line,) = [each for each in told().splitlines() if "LarkNotifier" in each]
    assert "cannot mention nobody@example.com: no user with this e-mail address" in line


def test_people_who_cannot_be_looked_up_do_not_hold_up_the_card(chat, emulator, told):
    emulator.state.add_user("Lin", "lin@example.com")
    emulator.faults.add("contact", code=99991672, times=10)
    notify(task_context(owner="lin@example.com"))
    assert color(emulator) == "red"
    assert "cannot look up the users to mention" in told()


def test_failed_run_is_told_of_the_run_and_not_of_the_last_task(chat, emulator):
    # the context of a DAG's callback carries the task instance that ended last
    notify(task_context(state="success") | {"reason": "task_failure"}, locale="en_us")
    told = sent(emulator)
    assert "orders run failed" in told
    assert "load" not in told


# a process as the DAG processor is one, told of the task ten seconds later than another
FOUND = """
import json, sys
from datetime import timedelta

from airflow_provider_lark.notifications.lark import LarkNotifier
from tests.skin.occasions import task_context

seconds = float(sys.argv[1])
for given in json.loads(sys.argv[2]):
    context = task_context(state="up_for_retry", try_number=1)
    context["ti"].end_date += timedelta(seconds=seconds)
    context["ti"].hostname = f"worker {seconds}"
    LarkNotifier(receive_id="Data alerts", **given)(context)
"""


def test_lost_task_that_is_found_by_two_processes_ten_seconds_apart_is_told_once(chat, emulator):
    # 5.04
    moving = "{{ ti.task_id }} on {{ ti.hostname }} at {{ ti.end_date }}"
    given = [{}, {"text": moving}, {"note": moving, "timeout_seconds": 8}]
    for seconds in (0, 10):
        # each with hashes of its own: what stands in a set has another order
        env = {**os.environ, "PYTHONHASHSEED": str(seconds + 1)}
        command = [sys.executable, "-c", FOUND, str(seconds), json.dumps(given)]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=600)
        assert (done.returncode, "could not notify" in done.stdout) == (0, False), done.stdout + done.stderr
    sends = [each for each in emulator.log if each.method == "POST" and "/im/v1/messages" in each.path]
    assert [each.code for each in sends] == [0] * 6
    assert len(emulator.messages) == len(given)


def test_next_try_and_another_map_index_are_told_on_their_own(chat, emulator):
    for more in ({"try_number": 1}, {"try_number": 2}, {"try_number": 2, "map_index": 1}):
        notify(task_context(state="up_for_retry", **more))
    assert len(emulator.messages) == 3


def test_run_that_fails_again_after_it_was_cleared_is_told_again(chat, emulator):
    for start in ("2026-11-01T02:00:00+00:00", "2026-11-01T02:20:00+00:00"):
        notify(RUN | {"dag_run": {"start_date": start}})
    assert len(emulator.messages) == 2


def test_deadline_is_told_by_the_triggerer(chat, emulator):
    # the dag_run of this context is a plain dictionary
    async def call():
        await LarkNotifier(context=dict(DEADLINE), receive_id=chat, locale="en_us")

    asyncio.run(call())
    told = sent(emulator)
    assert "orders missed its deadline" in told
    assert "manual__1" in told


def test_text_of_a_deadline_gets_the_names_that_follow_from_its_run(chat, emulator):
    text = "{{ dag.dag_id }} is late, run {{ run_id }}, due {{ deadline.deadline_time }}"

    async def call():
        await LarkNotifier(context=dict(DEADLINE), receive_id=chat, text=text)

    asyncio.run(call())
    assert json.loads(sent(emulator)) == {"text": "orders is late, run manual__1, due 2026-11-01T03:00:00+00:00"}


def test_name_that_a_deadline_does_not_have_costs_the_text_and_not_the_message(chat, emulator, told):
    async def call():
        await LarkNotifier(context=dict(DEADLINE), receive_id=chat, text="{{ ti.task_id }} is late", locale="en_us")

    asyncio.run(call())
    assert "orders missed its deadline" in sent(emulator)
    assert "LarkNotifier: the template of text cannot be rendered: 'ti' is undefined" in told()


def test_notifier_can_be_the_callback_of_a_deadline():
    callback = AsyncCallback(LarkNotifier, kwargs={"receive_id": "Data alerts"})
    assert callback.path == "airflow_provider_lark.notifications.lark.LarkNotifier"


def test_long_exception_arrives_at_the_first_try_with_both_ends(chat, emulator):
    notify(
        task_context(exception=raised(ValueError("first line\n" + "错" * 40_000 + "\nthe last line"))), receive_id=chat
    )
    told = sent(emulator)
    assert "first line" in told
    assert "the last line" in told
    assert [each.code for each in emulator.log if "/im/v1/messages" in each.path] == [0]
    assert "\ufffd" not in told


def test_exception_of_one_endless_line_arrives_cut_and_says_so(chat, emulator):
    notify(task_context(exception=raised(ValueError("错" * 40_000))), receive_id=chat, locale="en_us")
    told = sent(emulator)
    assert "ValueError: 错错" in told
    assert "characters omitted" in told
    assert len(told.encode()) <= 30_720
    assert [each.code for each in emulator.log if "/im/v1/messages" in each.path] == [0]


@pytest.mark.parametrize("own", [{}, {"text": "failed: {{ exception }}"}], ids=["card", "own words"])
def test_exception_of_ten_megabytes_arrives_with_both_ends(chat, emulator, own):
    error = raised(ValueError("first line\n" + "x\n" * 5_000_000 + "the last line"))
    notify(task_context(exception=error), receive_id=chat, **own)
    told = sent(emulator)
    assert "first line" in told
    assert "the last line" in told


def test_secret_at_the_place_where_a_long_exception_is_cut_is_not_shown_in_part():
    mask_secret("canary-password")
    for before in range(KEPT - 40, KEPT + 20):
        told = describe("x" * (before - 1) + " canary-password " + "y " * KEPT)
        assert "canary" not in told


def test_long_causes_and_notes_and_groups_are_cut_too():
    error = ExceptionGroup("group", [raised(ValueError("z\n" * 5_000_000)), KeyError("inner")])
    error.add_note("n\n" * 5_000_000)
    error.__cause__ = raised(ValueError("cause\n" + "c\n" * 5_000_000))
    told = describe(raised(error))
    assert len(told) < 4 * KEPT
    assert "characters omitted" in told
    assert "KeyError: 'inner'" in told
    assert "cause" in told


@pytest.mark.parametrize("kind", ["text", "markdown"])
@pytest.mark.parametrize(
    "error",
    ["half a character \ud800 and a NUL \x00", 'y"' * 300_000, "\\n\n" * 200_000],
    ids=["odd", "quotes", "lines"],
)
def test_odd_and_long_words_of_the_author_arrive(chat, emulator, told, kind, error):
    notify(task_context(exception=raised(ValueError(error))), receive_id=chat, **{kind: "failed: {{ exception }}"})
    assert "failed: " in sent(emulator)
    assert "LarkNotifier" not in told()


def test_secret_in_an_exception_is_masked_before_it_is_cut(chat, emulator):
    mask_secret("canary-password")
    notify(task_context(exception=raised(ValueError("x" * 30_000 + "canary-password"))))
    assert "canary" not in sent(emulator)


def test_mention_in_an_exception_rings_nobody(chat, emulator):
    notify(task_context(exception=raised(ValueError("<at id=all></at>"))))
    shown = json.dumps([each for each in walk(json.loads(sent(emulator))) if each.get("tag") == "markdown"])
    assert "id=all" in shown
    assert "<at id=all>" not in shown


def test_words_that_lark_refuses_cost_the_exception_and_not_the_message(chat, emulator, told):
    emulator.faults.add("POST /open-apis/im/v1/messages", code=230028, times=1)
    notify(task_context(exception=raised(ValueError("secret plan"))))
    shown = sent(emulator)
    assert "orders.load" in shown
    assert "secret plan" not in shown
    assert "cannot send the default card, sending the default card without the exception instead" in told()


def test_address_of_this_machine_makes_no_button_and_is_warned_of(chat, emulator, told):
    notify(task_context(log_url="http://localhost:8080/dags/orders/runs/1/tasks/load"))
    assert "localhost" not in sent(emulator)
    assert told().count("[api] base_url") == 1


def test_receiver_of_the_configuration_is_told_where_none_is_given(chat, emulator, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LARK__NOTIFY_RECEIVE_ID", "Data alerts")
    LarkNotifier()(task_context())
    assert color(emulator) == "red"


def test_nobody_to_tell_is_said_in_the_log(chat, emulator, told):
    LarkNotifier()(task_context())
    assert "no receiver: give receive_id, or set [lark] notify_receive_id" in told()


def test_receiver_that_cannot_be_rendered_is_not_replaced_by_another(chat, emulator, monkeypatch, told):
    monkeypatch.setenv("AIRFLOW__LARK__NOTIFY_RECEIVE_ID", "Data alerts")
    LarkNotifier(receive_id="{{ params.chat }}")(dict(RUN))
    assert emulator.messages == []
    shown = told()
    assert "the template of receive_id cannot be rendered: 'params' is undefined" in shown
    assert "no receiver: give receive_id" in shown


def test_connection_that_is_not_there_is_said_once_and_fails_nothing(emulator, told):
    # as in a process that may read no connection
    notify(task_context(), lark_conn_id="lark_missing")
    (line,) = [each for each in told().splitlines() if "lark_missing" in each]
    assert (
        "could not notify 'Data alerts' about orders.load (task failed): connection 'lark_missing': does not exist"
        in line
    )
    assert "AIRFLOW_CONN_LARK_MISSING" in line


def test_token_store_that_is_not_there_does_not_hold_up_the_card(chat, emulator, monkeypatch, told):
    connect(monkeypatch, emulator, extra={"store_conn_id": "missing_db"})
    notify(task_context(owner="nobody@example.com"))
    assert color(emulator) == "red"
    assert "continuing without the token store: " in told()


def test_lark_that_is_down_is_said_in_the_log_and_fails_nothing(chat, emulator, told, time_flies):
    emulator.stop()
    notify(task_context())
    (line,) = [each for each in told().splitlines() if "could not notify" in each]
    assert "'Data alerts' about orders.load (task failed)" in line


def test_server_that_never_answers_holds_nobody_for_longer_than_the_budget(emulator, monkeypatch, short_budget, told):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connect(monkeypatch, emulator, host=f"http://127.0.0.1:{listener.getsockname()[1]}")
        began = time.monotonic()
        notify(task_context())
        # a second and what a busy machine adds; without the bound it would be for ever
        assert time.monotonic() - began < 60
    assert "could not notify 'Data alerts' about orders.load (task failed)" in told()


def test_server_that_is_mute_only_for_the_message_is_left_as_well(chat, emulator, monkeypatch, told):
    monkeypatch.setattr("airflow_provider_lark.notifications.base.BUDGET_SECONDS", 1.0)
    emulator.faults.add("POST /open-apis/im/v1/messages", action="delay", delay_seconds=2.0, times=None)
    notify(task_context(), receive_id=chat)
    line = told()
    assert f"could not notify '{chat}' about orders.load (task failed)" in line
    assert "timed out after 1 s; the message may have been delivered" in line


def test_notifier_is_listed_in_the_provider_info():
    assert f"{LarkNotifier.__module__}.{LarkNotifier.__name__}" in get_provider_info()["notifications"]


def test_importing_the_notifier_loads_nothing_heavy():
    code = (
        "import sys; import airflow.sdk, airflow.sdk.bases.notifier; before = set(sys.modules)\n"
        "import airflow_provider_lark.notifications.lark; new = set(sys.modules) - before\n"
        "print(sorted({name.partition('.')[0] for name in new}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['airflow_provider_lark']"
