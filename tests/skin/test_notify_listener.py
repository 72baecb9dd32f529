"""Notifications for a whole installation: what the listener tells, and that it holds up nobody."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from airflow_provider_lark.plugins import quiet_notifier
from airflow_provider_lark.plugins.lark import make_listeners
from airflow_provider_lark.plugins.notify_settings import NotifySettings, read_settings
from airflow_provider_lark.plugins.outbox import Outbox
from tests.clocks import JumpingClock
from tests.databases import open_sqlite
from tests.skin.alerts import open_chat
from tests.skin.occasions import STARTED, raised, task_context

RUNNING = "running"


@pytest.fixture
def configure(monkeypatch):
    """Set options of ``[lark]``."""

    def set_(**options):
        for name, value in options.items():
            monkeypatch.setenv(f"AIRFLOW__LARK__{name.upper()}", value)

    return set_


@pytest.fixture
def chat(emulator, monkeypatch, configure):
    """A chat that the configuration names."""
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setattr(quiet_notifier.QuietNotifier, "_shared", quiet_notifier.Told())
    configure(notify_conn_id="lark_default", notify_receive_id="Data alerts", notify_dedupe="none")
    return emulator.state.add_chat("Data alerts")


def wait_for(listening):
    """Wait until all that was handed over is told; a busy machine takes long to import what that needs."""
    assert listening._outbox.drain(60)


def listener():
    (only,) = make_listeners()
    return only


def in_task(**parts):
    """A task instance as its own process has it."""
    ti = task_context(**parts)["ti"]
    ti.run_id = "manual__1"
    kind = type("RuntimeTaskInstance", (SimpleNamespace,), {"__module__": "airflow.sdk.execution_time.task_runner"})
    return kind(**vars(ti))


def run(state="failed", run_id="manual__1", dag_id="orders"):
    """A run as the scheduler has it."""
    times = {"start_date": STARTED, "end_date": STARTED + timedelta(minutes=5)}
    return SimpleNamespace(dag_id=dag_id, run_id=run_id, state=state, clear_number=0, dag=None, **times)


def titles(emulator):
    return [json.loads(each.content)["header"]["title"]["content"] for each in emulator.messages]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"notify_conn_id": "lark_default"}, id="a connection only"),
        pytest.param({"notify_receive_id": "Data alerts"}, id="a receiver only"),
        pytest.param(
            {"notify_conn_id": "lark_default", "notify_receive_id": "x", "notify_on": "none"}, id="nothing to tell"
        ),
    ],
)
def test_nothing_listens_unless_connection_and_receiver_are_set(configure, options):
    configure(**options)
    assert make_listeners() == []


def test_airflow_finds_the_plugin_and_it_costs_nothing_while_it_is_off():
    code = (
        "import json, sys, airflow.sdk.plugins_manager as manager; before = set(sys.modules)\n"
        "plugins, errors = manager._get_plugins(); new = set(sys.modules) - before\n"
        "found = [each.listeners for each in plugins if each.name == 'lark']\n"
        "print(json.dumps([found, errors, sorted(each for each in new if 'lark' in each)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, errors, modules = json.loads(done.stdout.splitlines()[-1])
    assert (found, errors) == ([[]], {})
    assert set(modules) <= {f"airflow_provider_lark{part}" for part in ("", ".plugins", ".plugins.lark")}


def test_task_that_fails_twice_and_then_makes_it_is_not_told_by_default(chat, emulator):
    """5.05."""
    listening = listener()
    for try_number in (1, 2):
        ti = in_task(state="up_for_retry", try_number=try_number, max_tries=2)
        listening.on_task_instance_failed(RUNNING, ti, raised(ValueError("a hiccup")))
    listening.on_task_instance_success(RUNNING, in_task(state="success", try_number=3))
    assert titles(emulator) == []


def test_last_try_that_fails_is_told_and_each_try_where_that_is_wanted(chat, emulator, configure):
    configure(notify_locale="en_us")
    listener().on_task_instance_failed(RUNNING, in_task(), raised(ValueError("no table")))
    configure(notify_on="task_retrying")
    listener().on_task_instance_failed(RUNNING, in_task(), raised(ValueError("no table")))
    listener().on_task_instance_failed(RUNNING, in_task(state="up_for_retry", try_number=1), "lost")
    assert titles(emulator) == ["orders.load failed", "orders.load failed, will retry"]


@pytest.mark.parametrize(
    ("allow", "deny", "expected"),
    [
        pytest.param("", "", ["orders", "orders.load", "sales.load"], id="all"),
        pytest.param("orders", "", ["orders", "orders.load"], id="a DAG with its tasks"),
        pytest.param("*.load", "orders*", ["sales.load"], id="a task of any DAG but some"),
        pytest.param("orders.load", "", ["orders.load"], id="a task without its DAG"),
        pytest.param("", "sales.*\n, nothing", ["orders", "orders.load"], id="lines"),
    ],
)
def test_globs_say_of_which_dags_and_tasks_is_told(configure, allow, deny, expected):
    configure(notify_allow=allow, notify_deny=deny)
    settings = read_settings()
    names = [("orders", None), ("orders", "load"), ("sales", "load")]
    assert [".".join(filter(None, each)) for each in names if settings.includes(*each)] == expected


def test_wrong_words_of_the_settings_are_told_and_left_out(configure, caplog):
    configure(notify_on="task_fail, run_failed", notify_dedupe="dag", notify_locale="en", notify_mention_owner="no")
    assert read_settings() == NotifySettings(frozenset({"run_failed"}))
    assert (
        "[lark] notify_on: ignoring unknown value 'task_fail'; expected one of task_failed, task_retrying, run_failed"
        in caplog.text
    )
    assert "[lark] notify_dedupe: unknown value 'dag'; expected one of run, task or none. Using 'run'" in caplog.text
    assert "[lark] notify_locale: unknown value 'en'; expected one of en_us, zh_cn" in caplog.text


def test_run_that_fails_in_the_scheduler_is_told_by_a_thread(chat, emulator, configure):
    configure(notify_locale="en_us")
    listening = listener()
    listening.on_dag_run_failed(run(), "task_failure")
    wait_for(listening)
    assert titles(emulator) == ["orders run failed"]


def test_scheduler_is_never_held_and_told_once_what_hinders(chat, emulator, configure, told):
    """5.06: a connection that is not there."""
    configure(notify_conn_id="lark_missing")
    listening, began = listener(), time.monotonic()
    for number in range(20):
        listening.on_dag_run_failed(run(run_id=f"manual__{number}"), "task_failure")
    assert time.monotonic() - began < 1
    wait_for(listening)
    (line,) = [each for each in told().splitlines() if "lark_missing" in each]
    assert "warning" in line
    assert "settings: [lark] notify_conn_id, notify_receive_id" in line
    assert "connection 'lark_missing': does not exist" in line


def test_server_that_never_answers_holds_neither_the_scheduler_nor_its_end(chat, monkeypatch, caplog):
    """5.06: a server that accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        host = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        lark = {"conn_type": "lark", "login": "cli_1", "password": "secret", "host": host}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        listening, began = listener(), time.monotonic()
        for number in range(20):
            listening.on_dag_run_failed(run(run_id=f"manual__{number}"), "task_failure")
        assert time.monotonic() - began < 1
        listening.before_stopping(None)
        assert time.monotonic() - began < 7
        # what waits must not come to another test's Lark
        while listening._outbox._jobs.qsize():
            listening._outbox._jobs.get_nowait()
    assert "notifications not sent before the process ended: 20" in caplog.text


def test_scheduler_imports_what_sends_before_its_loop_begins(configure):
    configure(notify_conn_id="lark_default", notify_receive_id="Data alerts")
    # a worker that is forked while a thread imports a module would wait for ever for the same
    code = (
        "import sys\n"
        "from types import SimpleNamespace as Job\n"
        "from airflow_provider_lark.plugins.lark import make_listeners; (listening,) = make_listeners()\n"
        "listening.on_starting(object()); print('airflow_provider_lark.hooks.lark' in sys.modules)\n"
        "listening.on_starting(Job(job_type='SchedulerJob'))\n"
        "names = ['notifications.alert_delivery', 'core.api.client', 'core.alerts.claims', 'hooks.lark']\n"
        "print([f'airflow_provider_lark.{name}' in sys.modules for name in names])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["False", str([True] * 4)]


def test_outbox_that_is_full_drops_and_says_how_many(caplog):
    box, begun, gate, done = Outbox(room=2), threading.Event(), threading.Event(), []
    box.put(lambda: (begun.set(), gate.wait()))
    begun.wait(5)
    assert [box.put(lambda: done.append(1)) for _ in range(5)] == [True, True, False, False, False]
    gate.set()
    assert box.drain(5)
    assert box.put(lambda: done.append(1))
    assert box.drain(5)
    assert len(done) == 3
    assert "2 notifications are already waiting" in caplog.text
    assert "notifications dropped because the queue was full: 3" in caplog.text


def test_outbox_goes_on_after_an_error(caplog):
    box, done = Outbox(), []
    box.put(lambda: 1 / 0)
    box.put(lambda: done.append(1))
    assert box.drain(5)
    assert done == [1]
    assert "could not be sent: ZeroDivisionError" in caplog.text


def test_error_of_its_own_never_leaves_the_hook(chat, caplog):
    listening = listener()
    listening.on_task_instance_failed(RUNNING, object(), None)
    listening.on_dag_run_failed(object(), "task_failure")
    assert caplog.text.count("a notification could not be prepared: AttributeError") == 2


def test_same_hindrance_is_told_again_after_ten_minutes_and_another_at_once():
    clock = JumpingClock()
    told = quiet_notifier.Told(clock)
    assert [told.is_due("a"), told.is_due("a"), told.is_due("b")] == [True, False, True]
    clock.sleep(601)
    assert told.is_due("a")


@pytest.fixture
def kept(emulator, monkeypatch, configure, tmp_path):
    """A chat that the configuration names, with a database in which its cards are kept."""
    configure(notify_conn_id="lark_default", notify_receive_id="Data alerts", notify_locale="en_us")
    return open_chat(emulator, open_sqlite(tmp_path / "alerts.db"), monkeypatch)


def test_failure_run_and_recovery_are_one_card_which_turns_green(kept):
    listening = listener()
    listening.on_task_instance_failed(RUNNING, in_task(), raised(ValueError("no table")))
    listening.on_dag_run_failed(run(), "task_failure")
    wait_for(listening)
    assert (kept.shown.color, kept.shown.title) == ("red", "orders run failed")
    assert "load: ValueError: no table" in kept.shown.text
    listening.on_task_instance_success(RUNNING, in_task(state="success", try_number=5))
    assert (kept.shown.color, kept.shown.title) == ("green", "orders.load recovered")


def test_success_that_somebody_marks_turns_the_card_green_though_it_is_the_first_try(kept):
    listening = listener()
    listening.on_task_instance_failed(RUNNING, in_task(try_number=1, max_tries=0), raised(ValueError("no table")))
    listening.on_task_instance_success(None, in_task(state="success", try_number=1, max_tries=0))
    assert kept.shown.color == "green"


def test_success_of_a_first_try_asks_nobody(kept):
    listening = listener()
    listening.on_task_instance_success(RUNNING, in_task(state="success", try_number=1))
    listening.on_dag_run_success(run("success"), "success")
    listening.before_stopping(None)
    assert list(kept.emulator.log) == []
    assert listening._outbox is None
