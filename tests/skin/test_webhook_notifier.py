"""The notifier of webhook bots, called with the contexts of each process that calls it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from datetime import timedelta

import pytest
from airflow.sdk import DAG, AsyncCallback
from airflow.sdk.log import mask_secret

from airflow_provider_lark.notifications.webhook import LarkWebhookNotifier, send_lark_webhook_notification
from airflow_provider_lark.provider_info import get_provider_info
from tests.skin.occasions import DEADLINE, STARTED, raised, task_context


@pytest.fixture
def bot(emulator, monkeypatch):
    hook = emulator.state.add_webhook()
    monkeypatch.setenv(
        "AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps({"conn_type": "lark_webhook", "password": hook.url})
    )
    return hook


def sent(emulator):
    """The one message that was sent, as JSON text without escapes."""
    (message,) = emulator.messages
    return message.content


def test_failed_task_becomes_a_red_card(bot, emulator):
    LarkWebhookNotifier(runbook_url="https://wiki.example/orders", mentions=["ou_lin"], note="ask Lin")(
        task_context(exception=raised(ValueError("no such table: orders")), map_index=3)
    )
    told = sent(emulator)
    card = json.loads(told)
    assert card["header"]["template"] == "red"
    for part in (
        "orders.load[3]",
        "manual__1",
        "no such table: orders",
        "try 4 of 4",
        "lin",
        "<at id=ou_lin>",
        "ask Lin",
    ):
        assert part in told
    links = (
        "tasks/load?try_number=1",
        "https://airflow.example/dags/orders/runs/manual__1",
        "https://wiki.example/orders",
    )
    assert [link for link in links if link not in told] == []


def test_task_that_is_retried_says_which_try_it_was_and_when_the_next_is(bot, emulator):
    # a lost process: called in the DAG processor, without an exception
    LarkWebhookNotifier(locale="en_us")(task_context(state="up_for_retry", try_number=1))
    told = sent(emulator)
    assert json.loads(told)["header"]["template"] == "orange"
    assert "try 1 of 4" in told
    assert "the task process was lost" in told
    assert str(int((STARTED + timedelta(seconds=390)).timestamp())) in told
    assert "None" not in told


def test_task_that_made_it_becomes_a_green_card(bot, emulator):
    send_lark_webhook_notification()(task_context(state="success"))
    assert json.loads(sent(emulator))["header"]["template"] == "green"


@pytest.mark.parametrize(("state", "word"), [("skipped", "skipped"), ("running", "started"), ("removed", "removed")])
def test_state_without_colour_is_told_on_a_grey_card_with_buttons(bot, emulator, state, word):
    LarkWebhookNotifier(locale="en_us")(task_context(state=state, map_index=3))
    told = sent(emulator)
    assert json.loads(told)["header"]["title"]["content"] == f"orders.load[3] {word}"
    assert "tasks/load?try_number=1" in told


def test_failed_run_is_told_of_the_run_and_not_of_the_last_task(bot, emulator):
    # the context of a DAG's callback carries the task instance that ended last
    context = task_context(state="success") | {"reason": "task_failure"}
    LarkWebhookNotifier(locale="en_us")(context)
    told = sent(emulator)
    assert json.loads(told)["header"]["template"] == "red"
    assert "orders run failed" in told
    assert "task_failure" in told
    assert "load" not in told


def test_context_of_three_keys_becomes_a_card_without_empty_rows(bot, emulator):
    context = {"dag": DAG("orders"), "run_id": "manual__2026-11-01T00:00:00+00:00", "reason": "task_failure"}
    LarkWebhookNotifier(locale="en_us")(context)
    told = sent(emulator)
    for part in ("orders run failed", "manual__2026-11-01T00:00:00+00:00", "task_failure"):
        assert part in told
    assert "None" not in told
    assert '"button"' not in told


def test_name_that_is_not_there_costs_the_text_and_not_the_message(bot, emulator, told):
    context = {"dag": DAG("orders"), "run_id": "manual__1", "reason": "task_failure"}
    LarkWebhookNotifier(text="{{ ti.task_id }} failed: {{ exception }}")(context)
    assert json.loads(sent(emulator))["header"]["template"] == "red"
    (line,) = [each for each in told().splitlines() if "template" in each]
    assert "LarkWebhookNotifier: the template of text cannot be rendered: 'ti' is undefined" in line


def test_one_notifier_serves_one_task_after_the_other(bot, emulator):
    notifier = LarkWebhookNotifier(text="{{ exception }} at try {{ ti.try_number }}")
    notifier(task_context(exception="first", try_number=1))
    notifier({"dag": DAG("orders"), "run_id": "manual__1", "reason": "task_failure"})
    notifier(task_context(exception="second", try_number=2))
    first, card, second = (json.loads(each.content) for each in emulator.messages)
    assert (first["text"], second["text"]) == ("first at try 1", "second at try 2")
    assert card["header"]["template"] == "red"


def test_success_of_a_run_is_green(bot, emulator):
    LarkWebhookNotifier()({"dag": DAG("orders"), "run_id": "manual__1", "reason": "success"})
    assert json.loads(sent(emulator))["header"]["template"] == "green"


def test_deadline_is_told_by_the_triggerer(bot, emulator):
    # the dag_run of this context is a plain dictionary
    async def call():
        await LarkWebhookNotifier(context=dict(DEADLINE), locale="en_us")

    asyncio.run(call())
    told = sent(emulator)
    assert "orders missed its deadline" in told
    assert "manual__1" in told


def test_text_of_a_deadline_gets_the_names_that_follow_from_its_run(bot, emulator):
    text = "{{ dag.dag_id }} is late, run {{ run_id }}, due {{ deadline.deadline_time }}"

    async def call():
        await LarkWebhookNotifier(context=dict(DEADLINE), text=text)

    asyncio.run(call())
    assert json.loads(sent(emulator)) == {"text": "orders is late, run manual__1, due 2026-11-01T03:00:00+00:00"}


def test_notifier_can_be_the_callback_of_a_deadline():
    callback = AsyncCallback(LarkWebhookNotifier, kwargs={"text": "late"})
    assert callback.path == "airflow_provider_lark.notifications.webhook.LarkWebhookNotifier"


def test_long_exception_arrives_at_the_first_try_with_both_ends(bot, emulator):
    LarkWebhookNotifier()(
        task_context(exception=raised(ValueError("first line\n" + "错" * 40_000 + "\nthe last line")))
    )
    told = sent(emulator)
    assert "the last line" in told
    assert len(told.encode()) < 20_480
    assert [each.code for each in emulator.log] == [0]
    assert "\ufffd" not in told


def test_exception_of_one_endless_line_arrives_cut_and_says_so(bot, emulator):
    LarkWebhookNotifier(locale="en_us")(task_context(exception=raised(ValueError("错" * 40_000))))
    told = sent(emulator)
    assert "ValueError: 错错" in told
    assert "characters omitted" in told
    assert len(told.encode()) < 20_480
    assert [each.code for each in emulator.log] == [0]


def test_long_text_arrives_with_both_ends(bot, emulator):
    text = "first line\n" + '"错"\n' * 40_000 + "the last line"
    LarkWebhookNotifier(text="{{ exception }}")(task_context(exception=text))
    said = json.loads(sent(emulator))["text"]
    assert said.startswith("first line")
    assert said.endswith("the last line")
    assert "[… " in said


def test_secret_in_an_exception_is_masked_before_it_is_cut(bot, emulator):
    mask_secret("canary-password")
    LarkWebhookNotifier()(task_context(exception=raised(ValueError("x" * 30_000 + "canary-password"))))
    assert "canary" not in sent(emulator)


def test_mention_in_an_exception_rings_nobody(bot, emulator):
    LarkWebhookNotifier(text='<at user_id="ou_lin">Lin</at> {{ exception }}')(
        task_context(exception='<at user_id="all">all</at>')
    )
    said = json.loads(sent(emulator))["text"]
    assert said.startswith('<at user_id="ou_lin">')
    assert '<at user_id="all">' not in said


def test_values_in_a_card_arrive_letter_for_letter(bot, emulator):
    error = 'KeyError: "a\\"b"\nC:\\new\\table'
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{ exception }}"}]}}
    LarkWebhookNotifier(card=card)(task_context(exception=error))
    assert json.loads(sent(emulator))["body"]["elements"][0]["content"] == error
    assert card["body"]["elements"][0]["content"] == "{{ exception }}"


def test_card_of_the_author_that_lark_would_refuse_gives_way_to_ours(bot, emulator, told):
    card = {"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}
    LarkWebhookNotifier(card=card)(task_context())
    assert json.loads(sent(emulator))["header"]["template"] == "red"
    shown = told()
    assert "cannot send the custom message, sending the default card instead" in shown
    assert "body.elements[0]" in shown


def test_address_of_this_machine_makes_no_button_and_is_warned_of(bot, emulator, told):
    LarkWebhookNotifier()(task_context(log_url="http://localhost:8080/dags/orders/runs/1/tasks/load"))
    assert "localhost" not in sent(emulator)
    assert "set [api] base_url" in told()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        pytest.param(
            lambda emulator, hook: emulator.state.remove_webhook(hook.hook_id), "does not know a bot", id="revoked"
        ),
        pytest.param(lambda emulator, _: emulator.stop(), "refused the connection", id="Lark is down"),
        pytest.param(
            lambda emulator, _: emulator.faults.add("hook", action="drop_after"),
            "may have been delivered",
            id="no answer",
        ),
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_what_cannot_be_sent_is_said_in_the_log_and_fails_nothing(bot, emulator, told, time_flies, prepare, words, way):
    prepare(emulator, bot)

    async def call():
        await LarkWebhookNotifier(context=task_context())

    if way == "sync":
        LarkWebhookNotifier()(task_context())
    else:
        asyncio.run(call())
    shown = told()
    (line,) = [each for each in shown.splitlines() if "could not notify" in each]
    assert "group of 'lark_webhook_default' about orders.load (task failed)" in line
    assert words in line
    assert bot.hook_id not in shown


def test_connection_that_is_not_there_is_said_once_and_fails_nothing(emulator, told):
    LarkWebhookNotifier(lark_webhook_conn_id="lark_missing")(task_context())
    lines = [each for each in told().splitlines() if "lark_missing" in each]
    assert len(lines) == 1
    assert "connection 'lark_missing': does not exist" in lines[0]


@pytest.fixture
def mute_server():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/open-apis/bot/v2/hook/canary-mute"


def test_server_that_never_answers_holds_nobody_for_longer_than_the_budget(
    mute_server, monkeypatch, short_budget, told
):
    monkeypatch.setenv(
        "AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps({"conn_type": "lark_webhook", "password": mute_server})
    )
    began = time.monotonic()
    LarkWebhookNotifier()(task_context())
    # a second and what a busy machine adds; without the bound it would be for ever
    assert time.monotonic() - began < 60
    shown = told()
    assert "may have been delivered" in shown
    assert "canary" not in shown


def test_errand_that_takes_too_long_is_left(monkeypatch):
    from airflow_provider_lark.core.errors import OutcomeUnknown
    from airflow_provider_lark.notifications.within import run_within

    done = threading.Event()
    try:
        with pytest.raises(OutcomeUnknown, match=r"timed out after 0\.05 s"):
            run_within(0.05, done.wait)
    finally:
        done.set()


def test_notifier_is_listed_in_the_provider_info():
    assert f"{LarkWebhookNotifier.__module__}.{LarkWebhookNotifier.__name__}" in get_provider_info()["notifications"]
