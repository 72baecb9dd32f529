"""The operator that tells people when a sync is not well; what it tells is tried in tests/sync/test_sync_health.py."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.sync import BitableFullSyncOperator
from airflow_provider_lark.operators.sync_health import BitableSyncHealthOperator
from tests.skin.test_operators import context


@pytest.fixture
def shop(open_shop, new_database):
    return open_shop(new_database("sqlite"))


def health(shop, **given):
    return BitableSyncHealthOperator(task_id="health", mapping=shop.mapping, **given)


def test_mapping_is_watched_by_the_ledger_alone_and_told_on_one_card(shop):
    BitableFullSyncOperator(task_id="sync", mapping=shop.mapping).execute(context())
    chat = shop.emulator.state.add_chat("Data alerts", [])
    assert health(shop, chat="Data alerts").execute(context())["is_well"]
    shop.execute("INSERT INTO areas VALUES ('1', 'Ann'), ('2', 'Bob')")
    report = health(shop, chat="Data alerts", max_pending=1).execute(context())
    assert (report["is_well"], report["troubles"]) == (False, ["changes waiting: 2 (limit 1)"])
    json.dumps(report)
    (message,) = [each for each in shop.emulator.messages if each.chat_id == chat]
    assert "Sync of areas is not well" in message.content
    assert shop.lark_names() == {}


def test_task_that_is_to_fail_keeps_its_report(shop):
    BitableFullSyncOperator(task_id="sync", mapping=shop.mapping).execute(context())
    shop.execute("INSERT INTO areas VALUES ('1', 'Ann'), ('2', 'Bob')")
    kept = context()
    pushed = {}
    kept["ti"].xcom_push = lambda key, value: pushed.update({key: value})
    with pytest.raises(AirflowFailException, match=r"mapping 'areas': changes waiting: 2 \(limit 1\)"):
        health(shop, max_pending=1, fail_on_trouble=True).execute(kept)
    assert pushed["return_value"]["troubles"] == ["changes waiting: 2 (limit 1)"]


def test_mapping_that_was_never_set_up_is_told_so(shop):
    with pytest.raises(AirflowException, match="has no ledger"):
        health(shop).execute(context())


def test_alarm_that_lark_did_not_take_is_told_by_the_failed_task(shop, time_flies):
    BitableFullSyncOperator(task_id="sync", mapping=shop.mapping).execute(context())
    chat = shop.emulator.state.add_chat("Data alerts", [])
    shop.execute("INSERT INTO areas VALUES ('1', 'Ann'), ('2', 'Bob')")
    shop.emulator.faults.add("POST /open-apis/im/v1/messages", action="drop_before", times=None)
    with pytest.raises(AirflowException, match=r"not told of mapping 'areas': changes waiting: 2 \(limit 1\)") as told:
        health(shop, chat=chat, max_pending=1).execute(context())
    # the task's retries bring the card
    assert not isinstance(told.value, AirflowFailException)
    with pytest.raises(AirflowFailException, match="No such chat"):
        health(shop, chat="No such chat", max_pending=1).execute(context())


def test_ledger_that_cannot_be_read_fails_the_look_for_its_retries_and_names_the_connection(shop, monkeypatch):
    BitableFullSyncOperator(task_id="sync", mapping=shop.mapping).execute(context())
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", "postgres://nobody@127.0.0.1:1/shop")
    with pytest.raises(AirflowException, match="shop_db") as told:
        health(shop).execute(context())
    assert not isinstance(told.value, AirflowFailException)


def test_mapping_that_was_taken_out_of_the_file_is_named(shop, tmp_path):
    file = tmp_path / "lark_sync.yaml"
    file.write_text(json.dumps({"mappings": [shop.mapping]}))
    with pytest.raises(AirflowFailException, match="unknown mapping 'streets'; known: areas"):
        BitableSyncHealthOperator(task_id="health", mapping=str(file), mapping_name="streets").execute(context())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_pending": -1}, "max_pending: expected a number of 0 or more, found -1"),
        ({"max_delay_seconds": "soon"}, "max_delay_seconds: expected a number"),
        ({"max_held": True}, "max_held: expected a number"),
        ({"max_loops": float("nan")}, "max_loops: expected a number"),
        ({"max_failure_rate": 10}, "expected a share, such as 0.1 for 10 %"),
        ({"good_checks": 0}, "good_checks: expected a whole number of 1 or more"),
        ({"min_entries": "None"}, "min_entries: expected a whole number of 1 or more"),
        (
            dict.fromkeys(("max_pending", "max_failure_rate", "max_delay_seconds", "max_held", "max_loops"), "None"),
            "every limit is None",
        ),
    ],
)
def test_limits_that_mean_nothing_are_refused(shop, given, told):
    with pytest.raises(AirflowFailException, match=told):
        health(shop, **given).execute(context())


def test_limits_may_come_from_templates(shop):
    BitableFullSyncOperator(task_id="sync", mapping=shop.mapping).execute(context())
    shop.execute("INSERT INTO areas VALUES ('1', 'Ann'), ('2', 'Bob')")
    told = health(shop, max_pending="1.0", max_held="None", good_checks="2").execute(context())["troubles"]
    assert told == ["changes waiting: 2 (limit 1)"]
