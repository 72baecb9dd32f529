"""LarkEventTrigger on a real inbox: what waits wakes, whoever died before, and nothing is taken."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from airflow.sdk import AssetWatcher
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.comms import AssetEventDagRunReferenceResult
from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
from cryptography.fernet import Fernet

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.connection import LEASE_SECONDS, ConnectionLease, find_holder
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.envelope import read_delivery
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger
from tests.clocks import RecordedClock, wait_until
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
    gap = occasion({"waiting": 0, "connections": 2})
    for other in (occasion({"waiting": 1}, from_trigger=False), occasion({"rows": 1}), gap):
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

    trigger = LarkEventTrigger(lark_conn_id="other", table="MyDB:users", event_types=["a"], long_connection=True)
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


# -- the long connection


class QuickClock(SystemClock):
    """The real time, in which nobody pauses for long."""

    async def sleep_async(self, seconds):
        await asyncio.sleep(min(seconds, 0.02))


def follow(scenes, **given):
    """Run a trigger for each of *scenes*, which ask for their payloads until they end."""

    async def play(scene):
        told = LarkEventTrigger(clock=QuickClock(), **given).run()
        try:
            await scene(lambda: asyncio.wait_for(anext(told), 120))
        finally:
            await told.aclose()

    async def run():
        await asyncio.gather(*map(play, scenes))

    asyncio.run(run())


async def until(is_so):
    async with asyncio.timeout(120):
        while not is_so():
            await asyncio.sleep(0.02)


@pytest.fixture
def connected(inbox, emulator):
    """Return how many connections the app has now."""
    emulator.state.set_long_connection(emulator.app_id)
    return lambda: len(emulator.sockets.devices(emulator.app_id))


def test_trigger_receives_over_the_long_connection_without_another_process(inbox, shop, emulator, connected):
    async def scene(payload):
        # what happened before there was a connection, no event tells
        first = await payload()
        assert first.payload == {"waiting": 0, "connections": 1}
        await asyncio.to_thread(emulator.person.add_record, shop.app_token, shop.table_id, {"code": "1"})
        assert (await payload()).payload == {"waiting": 1}
        assert connected() == 1

    follow([scene], table="MyDB:areas", long_connection=True)
    assert inbox.count().pending == 1
    # the next one takes over at once
    assert find_holder(inbox._database.engine, emulator.app_id) is None
    wait_until(lambda: connected() == 0)


def test_triggers_of_one_connection_hold_one_long_connection(inbox, connected):
    left = asyncio.Event()

    async def goes_first(payload):
        await payload()
        assert connected() == 1
        left.set()

    async def stays(payload):
        await payload()
        await left.wait()
        await until(lambda: connected() == 1)

    follow([goes_first, stays, goes_first], long_connection=True)
    wait_until(lambda: connected() == 0)


def test_trigger_stands_by_while_another_process_has_the_connection(inbox, emulator, connected, monkeypatch, caplog):
    """Input 7.31: a receiver and triggers for one app."""

    class Impatient(SystemClock):
        async def sleep_async(self, seconds):
            # between two tries to get the lease; a ping that is not answered at once is none that is lost
            await asyncio.sleep(0.02 if seconds == LEASE_SECONDS / 3 else seconds)

    monkeypatch.setattr(CallingHook, "clock", Impatient())
    receiver = ConnectionLease(inbox._database.engine, emulator.app_id)
    assert receiver.acquire() is None

    async def scene(payload):
        put(inbox, 1)
        assert (await payload()).payload == {"waiting": 1}
        await until(lambda: "another receiver" in caplog.text)
        assert connected() == 0
        await asyncio.to_thread(receiver.release)
        assert (await payload()).payload == {"waiting": 1, "connections": 1}
        assert connected() == 1

    follow([scene], long_connection=True)


def test_new_connection_of_another_process_wakes_for_what_may_have_been_lost(inbox, emulator):
    lease = ConnectionLease(inbox._database.engine, emulator.app_id)
    lease.acquire()

    def during(pause):
        if pause in (3, 5):
            lease.note_connected()

    assert fire(8, during) == [(3, {"waiting": 0, "connections": 1}), (5, {"waiting": 0, "connections": 2})]
    # who is to hold it itself, and comes to a connection of another, does not know what was before
    assert fire(1, long_connection=True)[0] == (0, {"waiting": 0, "connections": 2})


def test_refused_secret_is_said_once_and_the_inbox_is_looked_at_until_it_is_mended(
    inbox, emulator, connected, monkeypatch, caplog
):
    right = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(right | {"password": "wrong"}))

    async def scene(payload):
        put(inbox, 1)
        assert (await payload()).payload == {"waiting": 1}
        await until(lambda: "there is no long connection" in caplog.text)
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(right))
        while "connections" not in (await payload()).payload:
            pass
        assert connected() == 1

    follow([scene], long_connection=True)
    assert caplog.text.count("there is no long connection") == 1
    assert "wrong" not in caplog.text
