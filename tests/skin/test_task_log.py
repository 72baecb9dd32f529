"""What Airflow's log shows of a task that fails: one ERROR line with the whole message, above one short traceback."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tests.skin.task_process import run_task

DAG = dedent("""
    from airflow.sdk import DAG
    from airflow_provider_lark.operators.api import LarkApiOperator
    from airflow_provider_lark.operators.sync import BitableFullSyncOperator
    from airflow_provider_lark.sensors.sync_queue import SyncQueueBacklogSensor

    with DAG("made_in_a_test", schedule=None):
        LarkApiOperator(task_id="mistyped", path="/open-apis/bitable/v1/apps/x/tabels")
        BitableFullSyncOperator(task_id="no_database", mapping={"MyDB:areas": "areas"}, sql_conn_id="shop_db")
        SyncQueueBacklogSensor(task_id="no_limit", sql_conn_id="shop_db", pending_below="many")
""")


@pytest.fixture
def connections(emulator, tmp_path):
    base = emulator.state.create_base("Shop").app_token
    lark = {"login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    return {
        "lark_default": lark | {"extra": json.dumps({"bases": {"MyDB": base}})},
        "shop_db": {"conn_type": "sqlite", "host": str(tmp_path / "nowhere" / "shop.db")},
    }


@pytest.mark.parametrize(
    ("task_id", "words", "kind"),
    [
        ("mistyped", "did you mean GET /open-apis/bitable/v1/apps/:app_token/tables?", "UnexpectedAnswer"),
        ("no_database", "connection 'shop_db': database error: unable to open database file", "OperationalError"),
        ("no_limit", "pending_below: expected a number of 0 or more", "ConfigError"),
    ],
)
def test_error_is_one_line_above_one_traceback(monkeypatch, tmp_path, connections, task_id, words, kind):
    run = run_task(monkeypatch, tmp_path, DAG, task_id, connections, level="INFO")
    ours, airflows = [line for line in run.lines if line["level"] == "error"]
    assert ours["event"].startswith(f"{kind}: ")
    assert words in ours["event"]
    assert airflows["event"] == "Task failed with exception"
    (shown,) = airflows["error_detail"]
    assert shown["exc_value"] == ours["event"]
    assert len([frame for frame in shown["frames"] if "airflow_provider_lark" in frame["filename"]]) <= 4
