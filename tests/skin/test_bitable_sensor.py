"""The record sensor and its trigger on the emulator over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_provider_lark.sensors.bitable import BitableRecordSensor
from airflow_provider_lark.triggers.bitable import BitableRecordTrigger
from tests.clocks import RecordedClock
from tests.skin.orders import TABLE
from tests.skin.polls import events_of

DONE = {"conjunction": "and", "conditions": [{"field_name": "status", "operator": "is", "value": ["done"]}]}
SEARCH = f"POST {TABLE}/records/search"


def sensor(**parameters):
    return BitableRecordSensor(**{"task_id": "s", "table": "MyDB:orders", "filter": {"status": "done"}} | parameters)


def trigger(orders, **changes):
    settings = {"lark_conn_id": "lark_default", **orders.ids, "filter": DONE, "field_names": ["code", "status"]}
    settings |= {"condition": {"min_records": 1, "max_records": None}}
    return BitableRecordTrigger(**settings | changes)


def test_sensor_returns_the_records_that_it_waited_for(orders):
    ids = orders.add({"code": "A1", "status": "done", "qty": 2}, {"code": "A2", "status": "open"})
    found = sensor().execute({})
    assert (found["total"], found["app_token"], found["table_id"]) == (1, orders.base, orders.table_id)
    (record,) = found["records"]
    assert (record["record_id"], record["fields"]["code"], record["fields"]["qty"]) == (ids[0], "A1", 2)
    assert json.loads(json.dumps(found)) == found
    assert sensor(field_names=["code"]).execute({})["records"][0]["fields"] == {"code": "A1"}


@pytest.mark.parametrize(
    ("limits", "met"),
    [
        pytest.param({}, True, id="3 >= 1"),
        pytest.param({"min_records": "4"}, False, id="not 3 >= 4, from a template"),
        pytest.param({"min_records": 3, "max_records": 3}, True, id="3 <= 3 <= 3"),
        pytest.param({"min_records": 0, "max_records": 2}, False, id="not 3 <= 2"),
    ],
)
def test_sensor_counts_what_meets_the_filter(orders, limits, met):
    orders.add(*({"status": "done"} for _ in range(3)), {"status": "open"})
    seen = sensor(limit=2, **limits).poke({})
    assert (bool(seen), seen.xcom_value["total"], len(seen.xcom_value["records"])) == (met, 3, 2)


def test_sensor_may_wait_until_none_is_left(orders):
    ids = orders.add({"status": "done"})
    waiting = sensor(min_records=0, max_records=0)
    assert not waiting.poke({})
    orders.emulator.person.delete_record(*orders.ids.values(), ids[0])
    seen = waiting.poke({})
    assert (bool(seen), seen.xcom_value["records"]) == (True, [])


def test_every_further_look_costs_one_call(orders):
    waiting = sensor()
    for _ in range(4):
        assert not waiting.poke({})
    counters = orders.emulator.counters()
    assert (counters[SEARCH], sum(counters.values()) - counters[SEARCH]) == (4, 3)  # token, tables, fields


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"filter": {"statsu": "done"}}, "did you mean 'status'", id="field"),
        pytest.param({"min_records": "some"}, "min_records: expected a whole number", id="count"),
        pytest.param({"min_records": 2, "max_records": 1}, "can never be met", id="counts"),
        pytest.param({"limit": -1}, "limit: expected a whole number", id="limit"),
        pytest.param({"limit": 501, "deferrable": True}, "500 records one poke can return", id="limit of a page"),
        pytest.param({"table": "MyDB:nowhere"}, "no table named 'nowhere'", id="table"),
        pytest.param({"lark_conn_id": "nowhere"}, "'nowhere': does not exist", id="connection"),
    ],
)
def test_bad_parameters_of_a_sensor_are_named(orders, parameters, words):
    with pytest.raises(AirflowFailException, match=words):
        sensor(**parameters).poke({})


@pytest.mark.parametrize("way", ["poke", "trigger"])
def test_field_that_is_renamed_while_waiting_is_an_error(orders, way):
    # Lark may answer a filter by an unknown field with no records and no error
    orders.emulator.switches.unknown_filter_field = "empty"
    waiting = sensor()
    assert not waiting.poke({})
    orders.emulator.person.rename_field(*orders.ids.values(), "status", "state")
    if way == "poke":
        with pytest.raises(AirflowFailException, match="FieldNotFound"):
            waiting.poke({})
    else:
        (event,) = events_of(trigger(orders, clock=RecordedClock()))
        assert (event["permanent"], "FieldNotFound" in event["message"]) == (True, True)


def test_sensor_renders_its_templates(orders):
    orders.add({"code": "A1", "status": "done"})
    with DAG("templated", schedule=None):
        waiting = sensor(
            base="{{ base }}", table="{{ table }}", filter={"status": "{{ status }}"}, min_records="{{ n }}", limit="1"
        )
    waiting.render_template_fields({"base": "MyDB", "table": "orders", "status": "done", "n": 1})
    assert waiting.execute({})["total"] == 1


@pytest.mark.parametrize("names", ["code", '["code"]', ["code"]])
def test_sensor_returns_the_fields_that_are_named(orders, names):
    orders.add({"code": "A1", "status": "done"})
    (record,) = sensor(field_names=names).execute({})["records"]
    assert record["fields"] == {"code": "A1"}


def test_deferrable_sensor_that_need_not_wait_does_not_defer(orders):
    orders.add({"status": "done"})
    assert sensor(deferrable=True).execute({})["total"] == 1


def test_deferrable_sensor_hands_every_setting_to_the_trigger(orders):
    waiting = sensor(
        deferrable=True,
        min_records="2",
        max_records=5,
        limit="3",
        poke_interval=7,
        timeout=90,
        exponential_backoff=True,
        max_wait=timedelta(minutes=2),
        max_failures=3,
    )
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute({})
    assert (caught.value.timeout, caught.value.method_name) == (timedelta(seconds=90), "execute_complete")
    assert caught.value.trigger.serialize()[1] == {
        "lark_conn_id": "lark_default",
        **orders.ids,
        "filter": DONE,
        "condition": {"min_records": 2, "max_records": 5},
        "field_names": ["code", "status"],
        "limit": 3,
        "calls": {"timeout_seconds": None, "proxy": None, "call_retry": None},
        "poll_interval_seconds": 7.0,
        "exponential_backoff": True,
        "max_wait_seconds": 120.0,
        "max_failures": 3,
    }


@pytest.mark.parametrize("setting", ["soft_fail", "never_fail"])
def test_deferrable_sensor_skips_on_failure_when_told_to(orders, setting):
    with pytest.raises(AirflowSkipException):
        sensor(table="MyDB:nowhere", deferrable=True, **{setting: True}).execute({})


def test_trigger_survives_serialisation(orders):
    from airflow.sdk.module_loading import import_string
    from airflow.sdk.serde import deserialize, serialize

    path, arguments = trigger(orders, max_failures=None).serialize()
    again = import_string(path)(**deserialize(json.loads(json.dumps(serialize(arguments)))))
    assert again.serialize() == (path, arguments)


def test_trigger_fires_once_when_a_record_fits_and_tells_no_cell(orders):
    clock = RecordedClock(lambda pause: orders.add({"code": "canary", "status": "done"}) if pause == 3 else None)
    (event,) = events_of(trigger(orders, poll_interval_seconds=7, clock=clock))
    assert (event["status"], event["total"], len(event["record_ids"])) == ("success", 1, 1)
    assert "canary" not in str(event)
    assert clock.pauses == [7, 7, 7]
    # the task reads the record that the trigger found: fields and batch_get, nothing else
    before = sum(orders.emulator.counters().values())
    resumed = sensor(field_names=["code"])
    assert resumed.execute_complete({}, event)["records"] == [
        {"record_id": event["record_ids"][0], "fields": {"code": "canary"}}
    ]
    assert sum(orders.emulator.counters().values()) - before == 2
    (link,) = resumed.operator_extra_links
    assert link.get_link(resumed, ti_key=None).endswith(f"/base/{orders.base}?table={orders.table_id}")


def test_trigger_asks_lark_once_a_poll(orders):
    def finish(pause):
        if pause == 5:
            orders.add({"status": "done"})

    clock = RecordedClock(finish)
    events_of(trigger(orders, clock=clock))
    counters = orders.emulator.counters()
    assert (counters[SEARCH], sum(counters.values())) == (6, 7)  # and a token


def test_trigger_bears_passing_trouble_and_gives_up_after_failures_in_a_row(orders, time_flies):
    # 1254002 is tried three times by the client; then the poll has failed
    clock = RecordedClock()
    orders.emulator.faults.add("records/search", code=1254607, times=None)
    (event,) = events_of(trigger(orders, max_failures=3, clock=clock))
    assert (event["status"], event["permanent"], len(clock.pauses)) == ("error", False, 2)
    assert "ServerBusy" in event["message"]


def test_trigger_gives_up_at_once_on_what_a_person_must_change(orders):
    clock = RecordedClock()
    (event,) = events_of(trigger(orders, lark_conn_id="nowhere", clock=clock))
    assert (event["permanent"], clock.pauses) == (True, [])
    assert "'nowhere': does not exist" in event["message"]


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        pytest.param({"status": "error", "permanent": True, "message": "m1"}, AirflowFailException, "m1", id="fail"),
        pytest.param({"status": "error", "permanent": False, "message": "m2"}, AirflowException, "m2", id="passing"),
        pytest.param(None, AirflowException, "without a result", id="nothing"),
    ],
)
def test_sensor_fails_as_the_trigger_tells(orders, event, kind, words):
    with pytest.raises(AirflowException, match=words) as caught:
        sensor().execute_complete({}, event)
    assert type(caught.value) is kind
