"""What becomes of a task where the callback is not told: lost processes, triggers, skips, runs that are made again."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_provider_lark.plugins.quiet_notifier import QuietNotifier
from tests.databases import open_sqlite
from tests.skin.alerts import failed, open_chat
from tests.skin.occasions import raised


@pytest.fixture
def chat(emulator, monkeypatch, tmp_path):
    """A chat whose cards are kept in SQLite."""
    return open_chat(emulator, open_sqlite(tmp_path / "alerts.db"), monkeypatch)


@pytest.fixture
def states(monkeypatch):
    """What Airflow's supervisor answers about task instances."""
    known = {}

    class Comms:
        def send(self, request):
            return SimpleNamespace(task_states=dict.fromkeys(request.run_ids, known))

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
    return known


def by_trigger(**parts):
    """The context of a task that its trigger ended: without state, run, and number of tries."""
    context = failed(state=None, max_tries=0, **parts)
    del context["dag_run"]
    return context


@pytest.mark.parametrize(
    ("state", "index", "color"),
    [
        pytest.param("failed", -1, "red", id="stuck in the queue, fails for good though tries are left"),
        pytest.param("failed", 3, "red", id="mapped"),
        pytest.param("up_for_retry", -1, "orange", id="retried"),
        pytest.param("queued", -1, "orange", id="the next try is on its way"),
        pytest.param("running", -1, "orange", id="the scheduler has not come to it: by the tries"),
    ],
)
def test_lost_task_is_what_airflow_made_of_it(chat, states, state, index, color):
    states["load" if index < 0 else f"load_{index}"] = state
    chat.tell(failed(state=None, try_number=1, map_index=index), None, locale="en_us")
    assert chat.shown.color == color
    assert "try 1 of 4" in chat.shown.text


def test_task_that_its_trigger_ended_is_retried_where_airflow_says_so_and_no_process_was_lost(chat, states):
    states["load"] = "up_for_retry"
    chat.tell(by_trigger(try_number=2), locale="en_us")
    assert (chat.shown.color, "failed by its trigger" in chat.shown.text) == ("orange", True)
    # of how many, nobody says
    assert '"content":"try 2"' in chat.shown.text.replace(": ", ":")
    assert "lost" not in chat.shown.text
    states["load"] = "failed"
    chat.tell(by_trigger(try_number=3), locale="en_us")
    assert chat.shown.color == "red"


def test_next_try_is_not_named_where_a_policy_decides_on_it(chat):
    context = failed(state="up_for_retry", try_number=1, exception=raised(ValueError("busy")))
    context["task"].retry_policy = object()
    chat.tell(context, locale="en_us")
    assert "Next try" not in chat.shown.text


def test_task_that_is_skipped_after_it_failed_turns_its_card_green(chat):
    chat.tell(failed(state="up_for_retry", try_number=1), "task", locale="en_us")
    chat.tell(failed(state="skipped", try_number=2), "task", locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("green", "orders.load recovered")


@pytest.mark.parametrize("try_number", [1, 2])
def test_skipped_task_that_never_failed_is_told_on_its_own(chat, try_number):
    chat.tell(failed(state="skipped", try_number=try_number), "task", locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("grey", "orders.load skipped")


def test_listener_tells_of_no_skips_but_those_that_end_a_trouble(chat):
    quiet = QuietNotifier(receive_id="Data alerts", dedupe="run")
    quiet(failed("send", state="skipped", try_number=2))
    assert chat.cards == []
    quiet(failed(state="failed", try_number=1))
    quiet(failed(state="skipped", try_number=2))
    assert chat.shown.color == "green"


def test_run_that_was_deleted_and_made_again_is_told_though_it_counts_its_tries_anew(chat):
    chat.tell(failed(try_number=1), locale="en_us")
    chat.tell(failed(state="success", try_number=2), locale="en_us")
    assert chat.shown.color == "green"
    again = failed(try_number=1, exception=raised(ValueError("again")))
    again["ti"].start_date += timedelta(hours=1)
    chat.tell(again, locale="en_us")
    assert (chat.shown.color, "again" in chat.shown.text) == ("red", True)


def test_same_try_of_another_instance_is_a_message_of_its_own(chat):
    for instance in ("0190", "0190", "0191"):
        context = failed(try_number=1)
        context["ti"].id = instance
        chat.tell(context, None)
    assert len(chat.cards) == 2


def test_operator_that_asks_people_shows_its_question(chat):
    context = failed(state="running", try_number=1)
    context["task"] = SimpleNamespace(subject="Load it?", options=["Yes", "No"], notifiers=[1], owner="lin")
    chat.tell(context, None, locale="en_us")
    assert (chat.shown.color, chat.shown.title) == ("grey", "orders.load is waiting for a response")
    assert "Load it?" in chat.shown.text
