"""The backlog sensor and its trigger on a real ledger in SQLite."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from sqlalchemy import text

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.hooks.backlog import BacklogCondition
from airflow_provider_lark.sensors.sync_queue import SyncQueueBacklogSensor
from airflow_provider_lark.triggers.sync_queue import SyncQueueBacklogTrigger
from tests.clocks import RecordedClock
from tests.databases import open_sqlite
from tests.skin.polls import events_of


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    engine = open_sqlite(path)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(database):
    migrate.upgrade(database)
    return database


def enqueue(engine, *keys, table="areas"):
    with engine.begin() as conn:
        Ledger(conn, table).queue.enqueue(keys)


class Waiting:
    def __init__(self, pending, oldest_seconds):
        self.pending = pending
        self.oldest_seconds = oldest_seconds


@pytest.mark.parametrize(
    ("limits", "pending", "oldest", "met"),
    [
        pytest.param({"pending_below": 1}, 0, None, True, id="0 < 1"),
        pytest.param({"pending_below": 1}, 1, 5.0, False, id="not 1 < 1"),
        pytest.param({"pending_above": "10"}, 11, 5.0, True, id="11 > 10, from a template"),
        pytest.param({"pending_above": 10}, 10, 5.0, False, id="not 10 > 10"),
        pytest.param({"oldest_below_seconds": 60}, 0, None, True, id="an empty queue is young"),
        pytest.param({"oldest_below_seconds": 60}, 3, 60.0, False, id="not 60 < 60"),
        pytest.param({"oldest_above_seconds": 60}, 0, None, False, id="an empty queue is not old"),
        pytest.param({"oldest_above_seconds": 60}, 3, 61.0, True, id="61 > 60"),
        pytest.param({"pending_below": 5, "oldest_below_seconds": 60}, 3, 61.0, False, id="all must hold"),
        pytest.param({"pending_above": 0, "pending_below": ""}, 1, 1.0, True, id="an empty text is no limit"),
    ],
)
def test_condition_holds_when_every_limit_does(limits, pending, oldest, met):
    assert BacklogCondition.read(**limits).is_met(Waiting(pending, oldest)) is met


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        pytest.param({}, "no condition given; set at least one of pending_below", id="none"),
        pytest.param({"pending_below": "many"}, "pending_below: expected a number", id="no number"),
        pytest.param({"pending_above": -1}, "pending_above: expected a number of 0 or more", id="negative"),
        pytest.param({"pending_above": True}, "pending_above: expected a number", id="bool"),
        pytest.param({"oldest_above_seconds": "nan"}, "oldest_above_seconds: expected a number", id="nan"),
    ],
)
def test_condition_that_is_impossible_is_named(limits, words):
    with pytest.raises(ConfigError, match=words):
        BacklogCondition.read(**limits)


def test_sensor_with_an_empty_queue_returns_the_backlog(ledger):
    sensor = SyncQueueBacklogSensor(task_id="drained", sql_conn_id="shop_db", pending_below=1)
    assert sensor.execute({})["pending"] == 0


def test_sensor_logs_an_age_only_where_something_waits(ledger, capsys):
    sensor = SyncQueueBacklogSensor(task_id="s", sql_conn_id="shop_db", pending_below=1)
    sensor.poke({})
    assert "backlog of all tables: 0 pending, 0 failed" in capsys.readouterr().out
    enqueue(ledger, "1")
    sensor.poke({})
    assert "backlog of all tables: 1 pending, oldest 0 s, 0 failed" in capsys.readouterr().out


def test_sensor_counts_one_table_when_asked(ledger):
    enqueue(ledger, "1", "2", table="areas")
    enqueue(ledger, "1", table="cities")
    seen = SyncQueueBacklogSensor(task_id="s", sql_conn_id="shop_db", table_name="cities", pending_above=0).poke({})
    assert (bool(seen), seen.xcom_value["pending"]) == (True, 1)


def test_sensor_that_waits_says_no(ledger):
    enqueue(ledger, "1")
    sensor = SyncQueueBacklogSensor(task_id="drained", sql_conn_id="shop_db", pending_below=1)
    assert not sensor.poke({})


def test_sensor_of_a_database_without_ledger_says_what_to_run(database):
    sensor = SyncQueueBacklogSensor(task_id="drained", sql_conn_id="shop_db", pending_below=1)
    with pytest.raises(AirflowFailException, match=r"sync_queue.*run .*setup"):
        sensor.poke({})


def test_sensor_without_a_condition_fails_by_name(ledger):
    with pytest.raises(AirflowFailException, match="pending_below, pending_above"):
        SyncQueueBacklogSensor(task_id="drained", sql_conn_id="shop_db").poke({})


def test_sensor_renders_its_templates(ledger):
    with DAG("templated", schedule=None):
        sensor = SyncQueueBacklogSensor(
            task_id="s", sql_conn_id="{{ conn }}", table_name="{{ table }}", pending_below="{{ limit }}"
        )
    sensor.render_template_fields({"conn": "shop_db", "table": "", "limit": 3})
    assert sensor.execute({})["pending"] == 0


def test_deferrable_sensor_that_need_not_wait_does_not_defer(ledger):
    sensor = SyncQueueBacklogSensor(task_id="s", sql_conn_id="shop_db", pending_below=1, deferrable=True)
    assert sensor.execute({})["pending"] == 0


def test_deferrable_sensor_hands_every_setting_to_the_trigger(ledger):
    enqueue(ledger, "1")
    sensor = SyncQueueBacklogSensor(
        task_id="s",
        sql_conn_id="shop_db",
        table_name="areas",
        pending_below=1,
        oldest_below_seconds="60",
        deferrable=True,
        poke_interval=7,
        timeout=90,
        exponential_backoff=True,
        max_wait=timedelta(minutes=2),
        max_failures=3,
    )
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute({})
    assert caught.value.timeout == timedelta(seconds=90)
    assert caught.value.trigger.serialize()[1] == {
        "sql_conn_id": "shop_db",
        "condition": {"pending_below": 1.0, "oldest_below_seconds": 60.0},
        "table_name": "areas",
        "poll_interval_seconds": 7.0,
        "exponential_backoff": True,
        "max_wait_seconds": 120.0,
        "max_failures": 3,
    }


@pytest.mark.parametrize("setting", ["soft_fail", "never_fail"])
def test_deferrable_sensor_skips_on_failure_when_told_to(database, setting):
    sensor = SyncQueueBacklogSensor(
        task_id="s", sql_conn_id="shop_db", pending_below=1, deferrable=True, **{setting: True}
    )
    with pytest.raises(AirflowSkipException):
        sensor.execute({})


def test_trigger_survives_serialisation():
    from airflow.sdk.module_loading import import_string
    from airflow.sdk.serde import deserialize, serialize

    trigger = SyncQueueBacklogTrigger(sql_conn_id="shop_db", condition={"pending_below": 1.0}, max_failures=None)
    path, arguments = trigger.serialize()
    again = import_string(path)(**deserialize(json.loads(json.dumps(serialize(arguments)))))
    assert again.serialize() == trigger.serialize()


def test_trigger_fires_once_when_the_queue_empties(ledger):
    enqueue(ledger, "1")

    def empty(pause):
        if pause == 3:
            with ledger.begin() as conn:
                conn.execute(text("UPDATE sync_queue SET status = 'completed'"))

    clock = RecordedClock(empty)
    trigger = SyncQueueBacklogTrigger(
        sql_conn_id="shop_db", condition={"pending_below": 1}, poll_interval_seconds=7, clock=clock
    )
    events = events_of(trigger)
    assert [(e["status"], e["backlog"]["pending"]) for e in events] == [("success", 0)]
    assert clock.pauses == [7, 7, 7]


def test_trigger_backs_off_up_to_the_longest_wait(ledger):
    enqueue(ledger, "1")
    clock = RecordedClock(lambda pause: enqueue(ledger, "2", "3") if pause == 4 else None)
    trigger = SyncQueueBacklogTrigger(
        sql_conn_id="shop_db",
        condition={"pending_above": 2},
        poll_interval_seconds=10,
        exponential_backoff=True,
        max_wait_seconds=35,
        clock=clock,
    )
    assert [event["status"] for event in events_of(trigger)] == ["success"]
    assert clock.pauses == [10, 20, 35, 35]


def test_trigger_gives_up_after_failures_in_a_row(database, monkeypatch, tmp_path):
    # a folder where the database should be: every poll fails, and none for ever
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "folder")}))
    clock = RecordedClock()
    trigger = SyncQueueBacklogTrigger(
        sql_conn_id="shop_db", condition={"pending_below": 1}, max_failures=3, clock=clock
    )
    (event,) = events_of(trigger)
    assert (event["status"], event["permanent"], len(clock.pauses)) == ("error", False, 2)
    assert event["message"].startswith("3 consecutive polls failed; last error: ")
    assert "unable to open database file" in event["message"]


def test_trigger_gives_up_at_once_on_what_a_person_must_change(ledger):
    clock = RecordedClock()
    trigger = SyncQueueBacklogTrigger(sql_conn_id="nowhere_db", condition={"pending_below": 1}, clock=clock)
    (event,) = events_of(trigger)
    assert (event["permanent"], clock.pauses) == (True, [])
    assert "'nowhere_db': does not exist" in event["message"]


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        pytest.param(
            {"status": "error", "permanent": True, "message": "m1"}, AirflowFailException, "m1", id="permanent"
        ),
        pytest.param({"status": "error", "permanent": False, "message": "m2"}, AirflowException, "m2", id="passing"),
        pytest.param(None, AirflowException, "without a result", id="nothing"),
    ],
)
def test_sensor_fails_as_the_trigger_tells(event, kind, words):
    sensor = SyncQueueBacklogSensor(task_id="s", sql_conn_id="shop_db", pending_below=1)
    with pytest.raises(AirflowException, match=words) as caught:
        sensor.execute_complete({}, event)
    assert type(caught.value) is kind


def test_sensor_returns_what_the_trigger_saw():
    sensor = SyncQueueBacklogSensor(task_id="s", sql_conn_id="shop_db", pending_below=1)
    seen = {"pending": 0, "oldest_seconds": None, "failed": 0, "processing": 0, "blacklisted": 0, "held": 0}
    assert sensor.execute_complete({}, {"status": "success", "backlog": seen}) == seen
