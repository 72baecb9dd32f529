"""One card for all failures of a run or a task: what people see, and that no crash loses or doubles it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_provider_lark.core.accounts import database as accounts_database
from airflow_provider_lark.core.accounts import migrate
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.notifications import alert_delivery, alerting
from airflow_provider_lark.notifications.lark import LarkNotifier
from tests.databases import open_sqlite
from tests.skin.alerts import ended, failed, open_chat, run_forked
from tests.skin.message_tasks import Killed, Reaper
from tests.skin.occasions import raised


@pytest.fixture
def chat(emulator, monkeypatch, tmp_path):
    """A chat whose cards are kept in SQLite."""
    emulator.switches.rate_limits = True
    return open_chat(emulator, open_sqlite(tmp_path / "alerts.db"), monkeypatch)


@pytest.fixture
def states(monkeypatch):
    """What Airflow answers about the run's task instances, as its supervisor does; nobody is there otherwise."""
    known = {}

    class Comms:
        def send(self, request):
            keys = known if request.task_ids is None else {k: v for k, v in known.items() if k[:4] in request.task_ids}
            return SimpleNamespace(task_states=dict.fromkeys(request.run_ids, keys))

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
    return known


# --- what people see


def test_tries_of_a_task_update_one_card_which_turns_green_and_says_how_long_it_was_red(chat):
    chat.tell(failed(state="up_for_retry", try_number=1, exception=raised(ValueError("no table"))), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("orange", "orders.load failed, will retry")
    assert "try 1 of 4" in chat.shown.text
    chat.tell(failed(state="failed", try_number=4, exception=raised(ValueError("still none"))), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("red", "orders.load failed")
    assert "still none" in chat.shown.text
    chat.sql("UPDATE alert_cards SET red_since_ms = red_since_ms - 3725000")
    chat.tell(failed(state="success", try_number=5), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("green", "orders.load recovered")
    assert "Failing for" in chat.shown.text
    assert "1 h 2 min" in chat.shown.text
    assert len(chat.calls("POST")) == 1


@pytest.mark.parametrize("dedupe", ["run", "task"])
def test_success_of_what_never_failed_is_not_told_and_costs_no_call(chat, dedupe):
    chat.tell(failed(state="success", try_number=1), dedupe)
    chat.tell(failed(state="success", try_number=2), dedupe)
    chat.tell(ended("success"), dedupe)
    assert chat.cards == []
    assert list(chat.emulator.log) == []


def test_failed_run_names_the_task_that_failed_and_not_the_one_that_ended_last(chat):
    # 5.02: the same notifier on the tasks and on the DAG, whose context holds the ti of `cleanup`
    chat.tell(failed("extract", exception=raised(ValueError("no file"))), locale="en_us")
    chat.tell(ended("task_failure"), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("red", "orders run failed")
    assert "extract: ValueError: no file" in chat.shown.text
    assert "cleanup" not in chat.shown.text


def test_run_that_fails_without_callbacks_of_its_tasks_names_them_by_what_airflow_says(chat, states):
    states.update({"load_1": "success", "load_3": "failed", "load_20": "failed", "extract": "upstream_failed"})
    chat.tell(ended("task_failure"), locale="en_us")
    assert "load: 2 of 3 failed ([3], [20])" in chat.shown.text
    assert "extract" not in chat.shown.text


def test_run_names_its_failed_tasks_on_a_card_of_its_own_too(chat, states):
    states.update({"extract": "failed", "cleanup": "success"})
    chat.tell(ended("task_failure"), dedupe=None, locale="en_us")
    assert "extract" in chat.shown.text
    assert "cleanup" not in chat.shown.text


def test_run_that_succeeds_after_it_was_cleared_turns_its_card_green(chat, states):
    states["extract"] = "failed"
    chat.tell(ended("task_failure"), locale="en_us")
    states["extract"] = "success"
    chat.tell(ended("success"), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("green", "orders recovered")
    assert "task_failure" not in chat.shown.text


def test_run_that_failed_for_an_unknown_reason_stays_red_until_it_succeeds(chat):
    chat.tell(ended("timed_out"), locale="en_us")
    chat.tell(failed(state="success", try_number=2), locale="en_us")
    assert (chat.shown.color, "timed_out" in chat.shown.text) == ("red", True)
    chat.tell(ended("success"), locale="en_us")
    assert chat.shown.color == "green"


def test_card_lists_every_task_while_it_fails_and_shrinks_as_they_recover(chat):
    for task_id in ("load", "check"):
        chat.tell(failed(task_id), locale="en_us")
    chat.tell(failed("send", state="up_for_retry", try_number=1), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("red", "orders: 2 tasks failed")
    assert all(f"• {task_id}" in chat.shown.text for task_id in ("load", "check", "send"))
    for task_id in ("load", "check"):
        chat.tell(failed(task_id, state="success", try_number=5), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("orange", "orders.send failed, will retry")
    chat.tell(failed("send", state="success", try_number=2), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("green", "orders recovered")


def test_each_task_has_a_card_of_its_own_for_all_its_instances(chat):
    for index in (3, 5):
        chat.tell(failed(map_index=index), "task", locale="en_us")
    chat.tell(failed("check"), "task", locale="en_us")
    titles = [each["header"]["title"]["content"] for each in chat.cards]
    assert titles == ["orders.load: 2 failed", "orders.check failed"]
    assert "[3], [5]" in json.dumps(chat.cards[0])


def test_other_run_and_other_receiver_have_cards_of_their_own(chat):
    chat.emulator.state.add_chat("Others")
    chat.tell(failed(), locale="en_us")
    chat.tell(failed(run_id="manual__2"), locale="en_us")
    LarkNotifier(receive_id="Others", dedupe="run")(failed())
    assert len(chat.cards) == 3


def test_lost_task_that_is_found_twice_is_told_once_and_then_turns_green(chat):
    # 5.03, 5.04: called in the DAG processor with no state and no exception, and again ten seconds later
    for _ in range(2):
        chat.tell(failed(state=None, try_number=1), locale="en_us")
    assert (chat.shown.color, "try 1 of 4" in chat.shown.text) == ("orange", True)
    assert "the task process was lost" in chat.shown.text
    assert len(chat.calls("PATCH")) == 0
    chat.tell(failed(state="success", try_number=2), locale="en_us")
    assert (chat.shown.color, "Failing for" in chat.shown.text) == ("green", True)


def test_lost_try_that_is_told_after_the_next_one_made_it_says_nothing(chat):
    chat.tell(failed(state="success", try_number=2))
    chat.tell(failed(state=None, try_number=1))
    assert chat.cards == []


def test_owner_and_mentions_are_notified_by_the_red_card_only(chat):
    lin = chat.emulator.state.add_user("Lin", "lin@example.com")
    owner = {"owner": "lin@example.com"}
    chat.tell(failed(state="up_for_retry", try_number=1, **owner))
    assert "<at " not in chat.shown.text
    chat.tell(failed(try_number=2, max_tries=1, **owner))
    assert f"<at id={lin.open_id}>" in chat.shown.text
    chat.tell(failed(state="success", try_number=3, **owner))
    assert "<at " not in chat.shown.text


def test_markdown_of_the_author_is_what_the_card_says_in_the_colour_of_the_state(chat):
    chat.tell(failed(), markdown="**{{ ti.task_id }}** {{ ti.state }}", title="Orders")
    chat.tell(failed(state="success", try_number=5), markdown="**{{ ti.task_id }}** {{ ti.state }}", title="Orders")
    assert (chat.shown.color, chat.shown.title) == ("green", "Orders")
    assert chat.card["body"]["elements"][0]["content"] == "**load** success"


@pytest.mark.parametrize(
    "card",
    [
        pytest.param({"elements": [{"tag": "hr"}]}, id="JSON 1.0"),
        pytest.param({"schema": "2.0", "body": {"elements": [{"tag": "note"}]}}, id="refused"),
        pytest.param({"schema": "2.0", "config": {"update_multi": False}, "body": {"elements": []}}, id="not shared"),
    ],
)
def test_card_of_the_author_that_cannot_be_updated_gives_way_to_ours(chat, told, card):
    chat.tell(failed(), card=card)
    assert chat.shown.color == "red"
    assert "cannot send the custom message, sending the default card instead" in told()


def test_text_cannot_be_kept_up_to_date_and_is_refused_where_it_is_written():
    with pytest.raises(ConfigError, match="use markdown or card"):
        LarkNotifier(receive_id="x", dedupe="run", text="failed")
    with pytest.raises(ConfigError, match="expected 'run', 'task' or None, found 'dag'"):
        LarkNotifier(receive_id="x", dedupe="dag")


# --- what goes wrong


def test_words_that_lark_refuses_cost_the_exception_and_not_the_card(chat, told):
    chat.emulator.faults.add("POST /open-apis/im/v1/messages", code=230028, times=1)
    chat.tell(failed(exception=raised(ValueError("secret plan"))))
    assert ("secret plan" in chat.shown.text, "orders.load" in chat.shown.text) == (False, True)
    assert "cannot send the default card, sending the default card without the exception instead" in told()


def test_card_that_was_recalled_or_is_too_old_is_followed_by_a_new_one(chat):
    chat.tell(failed(state="up_for_retry", try_number=1))
    chat.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230011, times=1)
    chat.tell(failed(state="up_for_retry", try_number=2))
    assert len(chat.cards) == 2
    # 14 days minus an hour
    chat.sql("UPDATE alert_cards SET sent_at_ms = sent_at_ms - 1206001000")
    chat.tell(failed(try_number=4))
    assert [each["header"]["template"] for each in chat.cards] == ["orange", "orange", "red"]
    assert len(chat.calls("PATCH")) == 1


def test_update_that_lark_throttles_is_made_a_little_later(chat, told):
    chat.tell(failed(state="up_for_retry", try_number=1))
    chat.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230020, times=2)
    chat.tell(failed(try_number=4))
    assert chat.shown.color == "red"
    assert "LarkNotifier" not in told()


def test_without_a_database_each_failure_is_told_and_the_log_says_once_why(emulator, monkeypatch, told):
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setattr(alert_delivery, "_told", set())
    emulator.state.add_chat("Data alerts")
    notifier = LarkNotifier(receive_id="Data alerts", dedupe="run")
    notifier(failed(state="success", try_number=2))
    assert "dedupe" not in told()
    for context in (failed("extract"), failed("load"), failed(state="success", try_number=2), ended("success")):
        notifier(context)
    assert len(emulator.messages) == 2
    (line,) = [each for each in told().splitlines() if "dedupe" in each]
    assert "connection 'lark_default' has no store_conn_id; set it" in line


def test_database_that_does_not_answer_costs_the_card_and_not_the_message(chat, monkeypatch, told):
    nowhere = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "pw-canary"}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_DB", json.dumps(nowhere))
    chat.tell(failed())
    assert chat.shown.color == "red"
    shown = told()
    assert "dedupe='run' has no effect; each failure is reported in a separate message, and recoveries are not" in shown
    assert "canary" not in shown


# --- crashes, and many at once


def boundaries(chat, monkeypatch, reaper):
    """Let the reaper in before and after each request to Lark and each transaction."""
    import httpx

    monkeypatch.setattr(httpx.Client, "send", reaper.around(httpx.Client.send))
    monkeypatch.setattr(accounts_database, "transact", reaper.around(accounts_database.transact))
    # in this thread, so that what ends it ends the whole
    for module in ("base", "quick_accounts"):
        place = f"airflow_provider_lark.notifications.{module}.run_within"
        monkeypatch.setattr(place, lambda _, function: function())


def test_process_that_dies_at_any_point_leaves_neither_a_lost_nor_a_second_card(chat, monkeypatch):
    migrate.upgrade(chat.engine)
    reaper = Reaper()
    boundaries(chat, monkeypatch, reaper)
    monkeypatch.setattr(alerting, "GAP_SECONDS", 0.01)
    chat.emulator.switches.rate_limits = False
    for kill_at in range(1, 100):
        run_id = f"manual__{kill_at}"
        reaper.arm(kill_at)
        try:
            chat.tell(failed("extract", run_id=run_id, state="up_for_retry", try_number=1), locale="en_us")
            chat.tell(failed("extract", run_id=run_id, try_number=4), locale="en_us")
        except Killed:
            is_over = False
        else:
            is_over = True
        reaper.arm(None)
        # the claim of the dead runs out
        chat.sql("UPDATE alert_cards SET claim_until_ms = 0 WHERE claim_until_ms IS NOT NULL")
        chat.tell(failed("load", run_id=run_id), locale="en_us")
        (of_run,) = [each for each in chat.emulator.messages if f'"{run_id}"' in each.content]
        assert "load" in of_run.content
        assert json.loads(of_run.content)["header"]["template"] == "red"
        if is_over:
            break
    # each of at least eleven steps, before and after
    assert 22 <= kill_at < 60


def test_failure_that_could_not_be_told_is_told_with_the_next_of_the_app(chat, told):
    chat.emulator.faults.add("POST /open-apis/im/v1/messages", code=230027, times=1)
    chat.tell(failed("extract"), locale="en_us")
    assert chat.cards == []
    assert "could not notify 'Data alerts' about orders.extract (task failed)" in told()
    chat.tell(failed("load", run_id="manual__2"), locale="en_us")
    assert sorted(each["header"]["title"]["content"] for each in chat.cards) == [
        "orders.extract failed",
        "orders.load failed",
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_forty_failures_of_eight_processes_at_once_make_one_card(kind, emulator, new_database, monkeypatch, tmp_path):
    """5.10: 40 of 284."""
    emulator.switches.rate_limits = True
    engine = open_sqlite(tmp_path / "alerts.db") if kind == "sqlite" else new_database(kind)
    chat = open_chat(emulator, engine, monkeypatch)
    migrate.upgrade(engine)
    run_forked(8, lambda worker: [chat.tell(failed("download", map_index=worker * 5 + n)) for n in range(5)])
    engine.dispose()
    chat.tell(ended("task_failure"), locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("red", "orders run failed")
    assert "download: 40 failed ([0], [1], [2], and 37 more)" in chat.shown.text
    assert [each.code for each in emulator.log if each.code] == []
    times = [each.at_ms for each in chat.calls("PATCH")]
    assert all(later - first >= 1000 for first, later in zip(times, times[5:], strict=False))
    assert chat.sql("SELECT COUNT(*) FROM alert_cards WHERE claim_token IS NOT NULL") == [(0,)]
