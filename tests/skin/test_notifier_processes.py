"""Notifier and listener in a task's own process, as a worker runs it."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from airflow.sdk import listener as sdk_listener
from airflow.sdk import plugins_manager

from airflow_provider_lark.core.accounts import migrate
from airflow_provider_lark.plugins.lark import LarkPlugin, make_listeners
from tests.databases import open_sqlite
from tests.skin.alerts import open_chat, run_forked
from tests.skin.task_process import run_task

MAPPED = dedent("""
    from airflow.sdk import DAG, task

    from airflow_provider_lark.notifications.lark import LarkNotifier

    tell = LarkNotifier(receive_id="Data alerts", dedupe="run", locale="en_us")

    with DAG("made_in_a_test", schedule=None, default_args={"on_failure_callback": tell}):

        @task
        def download(number):
            raise ValueError(f"no file {number}")

        download.expand(number=list(range(284)))
""")

SOURCE = dedent("""
    from pathlib import Path

    from airflow.sdk import DAG, task

    from airflow_provider_lark.notifications.lark import LarkNotifier

    tell = LarkNotifier(receive_id="Data alerts", dedupe="run", locale="en_us")
    callbacks = {"on_failure_callback": tell, "on_retry_callback": tell, "on_success_callback": tell}

    with DAG("made_in_a_test", schedule=None, default_args=callbacks):

        @task
        def load():
            if not (Path(__file__).parent / "fixed").exists():
                raise ValueError("no such table: orders")

        @task(on_failure_callback=None)
        def check():
            raise ValueError("of which the DAG tells nobody")

        load(), check()
""")


@pytest.fixture
def chat(emulator, monkeypatch, tmp_path):
    """A chat, also of the configuration, so that the listener is on in the processes that come from this one."""
    chat = open_chat(emulator, open_sqlite(tmp_path / "alerts.db"), monkeypatch)
    # in a task's process connections come over the Execution API
    monkeypatch.delenv("AIRFLOW_CONN_LARK_DEFAULT")
    monkeypatch.delenv("AIRFLOW_CONN_ALERTS_DB")
    for name, value in {"CONN_ID": "lark_default", "RECEIVE_ID": "Data alerts", "LOCALE": "en_us"}.items():
        monkeypatch.setenv(f"AIRFLOW__LARK__NOTIFY_{name}", value)
    monkeypatch.setattr(LarkPlugin, "listeners", make_listeners())
    forget_plugins()
    yield chat
    forget_plugins()


def forget_plugins():
    plugins_manager._get_plugins.cache_clear()
    sdk_listener.get_listener_manager.cache_clear()


@pytest.fixture
def connections(emulator, tmp_path):
    """What the Execution API knows."""
    return {
        "lark_default": {
            "host": emulator.url,
            "login": emulator.app_id,
            "password": emulator.app_secret,
            "extra": json.dumps({"store_conn_id": "alerts_db"}),
        },
        "alerts_db": {"conn_type": "sqlite", "host": str(tmp_path / "alerts.db")},
    }


def test_failure_retry_and_recovery_of_a_task_process_are_one_card(chat, connections, monkeypatch, tmp_path):
    def run(task_id, try_number, retries):
        done = run_task(
            monkeypatch, tmp_path, SOURCE, task_id, connections, level="INFO", try_number=try_number, retries=retries
        )
        told = [each for each in done.events("warning") + done.events("error") if "Notifier" in each]
        # the address of this Airflow
        assert [each for each in told if "set [api] base_url" not in each] == []
        return done

    assert run("load", 1, retries=1).state == "up_for_retry"
    assert (chat.shown.color, chat.shown.title) == ("orange", "made_in_a_test.load failed, will retry")
    run("load", 2, retries=0)
    assert (chat.shown.color, "no such table: orders" in chat.shown.text) == ("red", True)
    # by the listener alone, on the same card
    run("check", 1, retries=0)
    assert (chat.shown.color, chat.shown.title) == ("red", "made_in_a_test: 2 tasks failed")
    (tmp_path / "fixed").touch()
    run("load", 3, retries=0)
    assert (chat.shown.color, chat.shown.title) == ("red", "made_in_a_test.check failed")


def test_mapped_tasks_that_fail_in_four_processes_at_once_say_of_how_many(
    chat, connections, emulator, monkeypatch, tmp_path
):
    """5.10: of how many each process asks Airflow, over its own supervisor."""
    emulator.switches.rate_limits = True
    migrate.upgrade(chat.engine)
    states = {f"download_{number}": "failed" if number % 72 == 0 else "running" for number in range(284)}

    def work(worker):
        folder = tmp_path / f"worker {worker}"
        folder.mkdir()
        done = run_task(
            monkeypatch, folder, MAPPED, "download", connections, level="INFO", map_index=worker * 72, states=states
        )
        assert done.state == "failed"
        assert [each for each in done.events("warning") if "cannot" in each or "could not" in each] == []

    run_forked(4, work)
    assert (chat.shown.color, chat.shown.title) == ("red", "made_in_a_test: 4 of 284 failed")
    assert "[0], [72], [144], and 1 more" in chat.shown.text
    assert [each.code for each in emulator.log if each.code] == []
