"""LarkEventTrigger on a real inbox: what waits wakes, whoever died before, and nothing is taken."""

from __future__ import annotations

import asyncio
import json

import pytest
from airflow.sdk import AssetWatcher
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.comms import AssetEventDagRunReferenceResult
from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
from cryptography.fernet import Fernet

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.envelope import read_delivery
from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger
from tests.clocks import RecordedClock
from tests.core.receiving.sealing import event
from tests.databases import open_sqlite
from tests.skin.test_operators import context


@pytest.fixture
def inbox(shop, emulator, tmp_path, monkeypatch):
    """The shop's inbox, behind its connection."""
    engine = open_sqlite(tmp_path / "store.db")
    monkeypatch.setenv(
        "AIRFLOW_CONN_LARK_STORE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "store.db")})
    )
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    lark["extra"] = {"bases": {"MyDB": shop.app_token}, "store_conn_id": "lark_store"}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", ring := Fernet.generate_key().decode())
    yield SqlInbox(engine, Keyring.from_text(ring), emulator.app_id)
    engine.dispose()


def put(inbox, number, *, table=None, type_="drive.file.bitable_record_changed_v1"):
    body = event(event_id=f"e{number}", event_type=type_, app_id="")
    app_token, table_id = table or ("bas1", "tbl1")
    body["event"] = {"file_type": "bitable", "file_token": app_token, "table_id": table_id, "action_list": []}
    inbox.put(read_delivery(body, now_ms=0))


class Enough(Exception):
    pass


def fire(pauses, during=lambda _: None, **given):
    """Run the trigger over so many pauses, and return its payloads by the pause before which they came."""
    told = []

    def pause(number):
        during(number)
        if number >= pauses:
            raise Enough

    clock = RecordedClock(pause)

    async def run():
        async for each in LarkEventTrigger(clock=clock, **given).run():
            told.append((len(clock.pauses), each.payload))  # noqa: PERF401 - what came before the end is wanted

    with pytest.raises(Enough):
        asyncio.run(run())
    return told


def test_one_event_type_may_stand_alone(inbox):
    put(inbox, 1, type_="im.message.receive_v1")
    assert fire(2, event_types="im.message.receive_v1") == [(0, {"waiting": 1})]
    assert LarkEventTrigger(event_types="a.b_v1").serialize()[1]["event_types"] == ["a.b_v1"]


def test_what_waits_wakes_and_is_not_taken(inbox):
    put(inbox, 1)
    assert fire(5) == [(0, {"waiting": 1})]
    # a triggerer that takes over after a crash wakes anew: the first may have been lost
    assert fire(5) == [(0, {"waiting": 1})]
    assert inbox.count().pending == 1


def test_events_that_come_close_together_are_one_wake_up(inbox):
    def during(pause):
        if pause in (3, 4, 5):
            for number in range(20):
                put(inbox, pause * 100 + number)

    told = fire(15, during)
    assert told[0] == (3, {"waiting": 20})
    assert (len(told), told[1][1]) == (2, {"waiting": 60})


def test_only_the_table_and_the_types_that_are_wanted_wake(inbox, shop):
    table = (shop.app_token, shop.table_id)
    put(inbox, 1, table=(shop.app_token, "tblother"))
    put(inbox, 2, type_="im.message.receive_v1")

    def during(pause):
        if pause == 2:
            put(inbox, 3, table=table, type_="drive.file.bitable_field_changed_v1")

    assert fire(5, during, table="MyDB:areas") == [(2, {"waiting": 1})]
    assert fire(3, event_types=["im.message.receive_v1"]) == [(0, {"waiting": 1})]


def test_post_of_a_feed_wakes_as_an_event_does(inbox, shop):
    from airflow_provider_lark.core.receiving.feed_door import FEED_CHANGED

    put(inbox, 1, table=(shop.app_token, shop.table_id), type_=FEED_CHANGED)
    assert fire(3, table="MyDB:areas") == [(0, {"waiting": 1})]


def occasion(payload, *, from_trigger=True):
    """An asset event as a task gets it; *extra* as Airflow's triggerer writes it."""
    asset = {"name": "changed", "uri": "changed", "extra": {}}
    source = dict.fromkeys(("source_task_id", "source_dag_id", "source_run_id", "source_map_index"))
    extra = {"from_trigger": from_trigger, "payload": payload}
    given = {"asset": asset, "extra": extra, "source_aliases": [], "timestamp": "2026-11-27T12:00:00Z", **source}
    return AssetEventDagRunReferenceResult.model_validate(given)


def sync(shop, *events, **given):
    task = BitableIncrementalSyncOperator(task_id="sync", mapping=shop.mapping, **{"events": True} | given)
    return task.execute({**context(), "triggering_asset_events": TriggeringAssetEventsAccessor.build(events)})


def test_run_that_was_woken_for_events_which_another_has_taken_is_skipped_without_a_call(inbox, shop, emulator):
    """Input 7.39: two hundred wake-ups piled up while there was no scheduler."""
    woken = occasion({"waiting": 200})
    sync(shop, woken, events=False)
    for number in range(200):
        put(inbox, number, table=(shop.app_token, shop.table_id))
    assert sync(shop, woken)["status"] == "ok"
    assert inbox.count().completed == 200
    calls = dict(emulator.counters())
    for _ in range(3):
        with pytest.raises(AirflowSkipException, match="an earlier run has taken"):
            sync(shop, woken)
    assert dict(emulator.counters()) == calls
    # what else started it may have changed something that no event tells of
    for other in (occasion({"waiting": 1}, from_trigger=False), occasion({"rows": 1})):
        assert sync(shop, woken, other)["status"] == "ok"
    assert sync(shop)["status"] == "ok"
    assert sync(shop, woken, run_for=0.001)["status"] == "ok"
    # nor is a new edit kept waiting, also one whose taker has died
    put(inbox, 200, table=(shop.app_token, shop.table_id))
    assert inbox.claim(limit=1, token="died", lease_seconds=600)
    assert sync(shop, woken)["status"] == "ok"


def test_table_is_subscribed_to(inbox, shop, emulator):
    emulator.state.set_event_url(emulator.app_id, "http://127.0.0.1:1/", verification_token="t", verify=False)
    fire(1, table="MyDB:areas")
    emulator.person.add_record(shop.app_token, shop.table_id, {"code": "1"})
    assert [each.event_type for each in emulator.events.log()] == ["drive.file.bitable_record_changed_v1"]


def test_what_is_not_taken_wakes_again_and_is_said(inbox, caplog):
    put(inbox, 1)
    told = fire(300)
    assert [pause for pause, _ in told] == sorted({pause for pause, _ in told})
    assert len(told) == 4
    assert "no run takes them" in caplog.text


def test_inbox_that_is_away_for_a_while_ends_nothing(inbox, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv(
        "AIRFLOW_CONN_LARK_STORE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "no" / "x.db")})
    )
    put(inbox, 1)

    def during(pause):
        if pause == 4:
            monkeypatch.setenv(
                "AIRFLOW_CONN_LARK_STORE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "store.db")})
            )

    assert fire(6, during) == [(4, {"waiting": 1})]
    assert caplog.text.count("the inbox cannot be read") == 1


def test_triggers_of_one_connection_share_their_look(inbox, shop):
    """What Airflow's manager does from 3.3 on: one stream, and each trigger's own filter on it."""
    both = [LarkEventTrigger(table="MyDB:areas"), LarkEventTrigger()]
    assert both[0].shared_stream_key() == both[1].shared_stream_key()
    assert LarkEventTrigger(lark_conn_id="other").shared_stream_key() != both[0].shared_stream_key()
    put(inbox, 1)

    async def run():
        stream = LarkEventTrigger.open_shared_stream(both[1].serialize()[1])
        look = await anext(stream)
        await stream.aclose()

        async def looks():
            yield look

        return [[each.payload async for each in trigger.filter_shared_stream(looks())] for trigger in both]

    assert asyncio.run(run()) == [[], [{"waiting": 1}]]


def test_trigger_survives_serialisation_and_suits_a_watcher():
    from airflow.triggers.base import BaseEventTrigger

    trigger = LarkEventTrigger(lark_conn_id="other", table="MyDB:users", event_types=["a"])
    path, given = trigger.serialize()
    assert path == "airflow_provider_lark.triggers.event.LarkEventTrigger"
    assert json.loads(json.dumps(given)) == given
    assert LarkEventTrigger(**given).serialize() == (path, given)
    assert isinstance(BaseEventTrigger.hash(path, given), int)
    assert AssetWatcher(name="w", trigger=trigger).trigger is not None


def test_misspelt_parameter_is_refused():
    # Airflow's own classes take any
    with pytest.raises(TypeError, match="tables"):
        LarkEventTrigger(tables="MyDB:users")
