"""The sensor deferred and resumed by Airflow."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from airflow_provider_lark.core.ledger import Ledger, migrate
from tests.clocks import RecordedClock
from tests.databases import open_sqlite


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    engine = open_sqlite(path)
    migrate.upgrade(engine)
    return engine


def test_deferred_sensor_goes_on_when_the_queue_empties(ledger, run_tasks, monkeypatch):
    from airflow_provider_lark.hooks.calls.calling import CallingHook
    from airflow_provider_lark.sensors.sync_queue import SyncQueueBacklogSensor

    with ledger.begin() as conn:
        Ledger(conn, "areas").queue.enqueue(["1101", "3101"])

    def pause(number):
        if number == 2:
            with ledger.begin() as conn:
                conn.execute(text("UPDATE sync_queue SET status = 'completed'"))

    clock = RecordedClock(pause)
    monkeypatch.setattr(CallingHook, "clock", clock)
    state, states, values = run_tasks(
        lambda: SyncQueueBacklogSensor(
            task_id="drained", sql_conn_id="shop_db", table_name="areas", pending_below=1, deferrable=True
        )
    )
    assert (state, states["drained", -1], clock.pauses) == ("success", "success", [60.0, 60.0])
    assert values["drained", -1]["pending"] == 0
