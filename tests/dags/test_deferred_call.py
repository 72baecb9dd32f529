"""A call deferred and resumed by Airflow."""

from __future__ import annotations

import json

import pytest

from airflow_provider_lark.emulator import Emulator


@pytest.fixture
def emulator(monkeypatch):
    with Emulator() as running:
        parts = {"conn_type": "lark", "login": running.app_id, "password": running.app_secret, "host": running.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(parts))
        yield running


def test_deferred_call_brings_its_answer_and_shows_it_in_no_log(emulator, run_tasks, capfd):
    from airflow_provider_lark.operators.api import LarkApiOperator

    emulator.state.apps[emulator.app_id].name = "canary of the answer"
    state, states, values = run_tasks(
        lambda: LarkApiOperator(task_id="ask", path="/open-apis/bot/v3/info", deferrable=True)
    )
    assert (state, states["ask", -1]) == ("success", "success")
    assert values["ask", -1]["bot"]["app_name"] == "canary of the answer"
    assert len([each for each in emulator.log if each.path == "/open-apis/bot/v3/info"]) == 1
    shown = "".join(capfd.readouterr())
    assert "canary" not in shown


def test_deferred_call_that_is_refused_fails_the_task(emulator, run_tasks):
    from airflow_provider_lark.operators.api import LarkApiOperator

    emulator.faults.add("bot/v3", code=99991672, status=400)
    state, states, _ = run_tasks(lambda: LarkApiOperator(task_id="ask", path="/open-apis/bot/v3/info", deferrable=True))
    assert (state, states["ask", -1]) == ("failed", "failed")
