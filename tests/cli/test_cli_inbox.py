"""``airflow lark inbox …``: what stands in the inbox, what failed, and how it is tried again."""

from __future__ import annotations

import json
import os

import pytest
import yaml
from cryptography.fernet import Fernet
from sqlalchemy import text

from tests.clocks import wait_until
from tests.core.receiving.sealing import click, event
from tests.databases import open_sqlite

TYPE = "drive.file.bitable_record_changed_v1"


@pytest.fixture
def store(emulator, tmp_path, monkeypatch):
    """A Lark connection whose inbox is empty."""
    database = tmp_path / "accounts.db"
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    lark["extra"] = {"store_conn_id": "accounts"}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNTS", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", Fernet.generate_key().decode())
    engine = open_sqlite(database)
    yield engine
    engine.dispose()


@pytest.fixture
def inbox(store, emulator):
    """Two events that failed, one that waits, and a click that waits."""
    from airflow_provider_lark.core.receiving.envelope import read_delivery
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    inbox = open_inbox(LarkHook())
    bodies = [event(event_id=f"e{number}", app_id=emulator.app_id) for number in range(3)]
    bodies[0]["event"] = {"file_type": "bitable", "file_token": "bas1", "table_id": "tbl1", "text": "nobody reads this"}
    bodies.append({**click({"a": 1}), "header": {**click({"a": 1})["header"], "app_id": emulator.app_id}})
    for body in bodies:
        inbox.put(read_delivery(body, now_ms=1_608_725_989_000))
    for number, entry in enumerate(inbox.claim(limit=2, token="me", lease_seconds=60)):
        inbox.give_up(entry.id, token="me", error=f"[red]no handler[/red] {number}")
    return inbox


def ids(airflow):
    return [row["Id"] for row in airflow("inbox", "failed", "--output", "json").json]


def test_status_of_an_empty_inbox_is_fine(airflow, store):
    done = airflow("inbox", "status")
    assert (done.status, done.out.strip()) == (0, "No data found")


def test_status_counts_by_type_and_says_by_its_exit_status_that_some_failed(airflow, inbox):
    done = airflow("inbox", "status", "--output", "json")
    assert [(row["Status"], row["Kind"], row["Type"], row["Entries"]) for row in done.json] == [
        ("failed", "event", TYPE, 2),
        ("pending", "card", "card.action.trigger", 1),
        ("pending", "event", TYPE, 1),
    ]
    assert done.status == 2
    assert "Oldest" in airflow("inbox", "status").out


@pytest.mark.parametrize("output", ["table", "json", "yaml", "plain"])
def test_failed_shows_reasons_and_no_body(airflow, inbox, output):
    done = airflow("inbox", "failed", "--output", output)
    assert done.status == 0
    assert "nobody reads this" not in done.text
    if output in ("json", "yaml"):
        rows = {"json": json.loads, "yaml": yaml.safe_load}[output](done.out)
        assert [row["Error"] for row in rows] == ["[red]no handler[/red] 0", "[red]no handler[/red] 1"]
        assert [row["Subject"] for row in rows] == ["bas1/tbl1", ""]
        assert [str(row["Attempts"]) for row in rows] == ["1", "1"]
    assert len(airflow("inbox", "failed", "--limit", "1", "--output", "json").json) == 1


def test_replay_by_id_and_all(airflow, inbox):
    first, second = ids(airflow)
    done = airflow("inbox", "replay", str(first), str(first))
    assert (done.status, done.out.strip()) == (0, "Replayed 1 entry")
    assert ids(airflow) == [second]
    done = airflow("inbox", "replay", "--all")
    assert (done.status, done.out.strip()) == (0, "Replayed 1 entry")
    assert airflow("inbox", "status").status == 0
    assert inbox.count().pending == 4


def test_replay_says_which_id_has_not_failed(airflow, inbox):
    first, _ = ids(airflow)
    done = airflow("inbox", "replay", str(first), "4711")
    assert done.status == 2
    assert done.out.splitlines() == ["Replayed 1 entry", "Not failed, or not of this app: 4711"]


@pytest.mark.parametrize("given", [(), ("1", "--all")])
def test_replay_wants_ids_or_all(airflow, inbox, given):
    done = airflow("inbox", "replay", *given)
    assert (done.status, "give the ids of the entries to replay, or --all" in done.err) == (1, True)
    assert inbox.count().failed == 2


def test_purge_deletes_what_is_old_and_no_click(airflow, inbox, store):
    with store.begin() as conn:
        conn.execute(text("UPDATE lark_inbox SET received_at = '2020-01-01', finished_at = '2020-01-01'"))
    done = airflow("inbox", "purge", "--waiting-days", "36600")
    assert done.out.strip() == (
        "Deleted 0 entries completed over 7 days ago, 2 entries failed over 30 days ago, "
        "and 0 events that nothing handled for 36,600 days"
    )
    assert "1 event that nothing handled for 14 days" in airflow("inbox", "purge").out
    assert [row["Kind"] for row in airflow("inbox", "status", "--output", "json").json] == ["card"]


@pytest.mark.parametrize("command", ["status", "failed", "purge", ("replay", "--all")])
def test_commands_need_no_encryption_key_but_a_store(airflow, store, emulator, monkeypatch, command):
    words = (command,) if isinstance(command, str) else command
    monkeypatch.delenv("LARK_CONFIG_ENCRYPTION_KEY")
    assert airflow("inbox", *words).status == 0
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    done = airflow("inbox", *words)
    assert (done.status, "has no token store" in done.err) == (1, True)


def test_database_that_is_down_is_one_line_without_its_password(airflow, store, monkeypatch):
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "canary-password"}
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNTS", json.dumps(down))
    done = airflow("inbox", "status")
    assert (done.status, "check that it is running" in done.err) == (1, True)
    assert "canary" not in done.text


@pytest.fixture
def with_queue(store, emulator, queue, monkeypatch):
    """The same connection with RabbitMQ, where an event and a message of a stranger wait."""
    import amqp

    from airflow_provider_lark.core.inbox.rabbitmq.broker import QueueNames
    from airflow_provider_lark.core.inbox.rabbitmq.publisher import RabbitMQInbox
    from airflow_provider_lark.core.receiving.envelope import read_delivery
    from airflow_provider_lark.hooks.accounts import read_keyring
    from airflow_provider_lark.hooks.connections.rabbitmq import open_broker

    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    lark["extra"]["rabbitmq_conn_id"] = "broker"
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    publisher = RabbitMQInbox(open_broker("broker"), read_keyring(), emulator.app_id, put_seconds=60)
    publisher.put(read_delivery(event(app_id=emulator.app_id), now_ms=1_608_725_989_000))
    connection = open_broker("broker").connect(seconds=60)
    connection.channel().basic_publish(amqp.Message("from a stranger"), routing_key=QueueNames(emulator.app_id).main)
    connection.close()
    publisher.close()
    return queue


def test_status_counts_what_waits_in_rabbitmq_and_its_dead_letters_and_replay_moves_those(
    airflow, with_queue, emulator
):
    from airflow_provider_lark.core.inbox.rabbitmq.pump import Pump
    from airflow_provider_lark.hooks.accounts import read_keyring
    from airflow_provider_lark.hooks.connections.rabbitmq import open_broker
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    def status():
        done = airflow("inbox", "status", "--output", "json")
        return done.status, [(row["Status"], row["Entries"]) for row in done.json]

    wait_until(lambda: with_queue.count()[0] == 2)
    assert status() == (0, [("in RabbitMQ", 2)])
    pump = Pump(open_broker("broker"), read_keyring(), emulator.app_id, open_inbox(LarkHook()))
    pump.start()
    try:
        wait_until(lambda: with_queue.count() == (0, 1) and pump.counts["moved"] == 1)
    finally:
        pump.stop()
    assert status() == (2, [("pending", 1), ("dead letter", 1)])
    done = airflow("inbox", "replay", "--all")
    assert done.out.splitlines() == [
        "Replayed 0 entries",
        "Moved 1 dead letter of RabbitMQ back to the queue",
    ]
    assert status() == (0, [("pending", 1), ("in RabbitMQ", 1)])


def test_status_shows_the_database_also_while_rabbitmq_is_down(airflow, inbox, monkeypatch):
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    lark["extra"]["rabbitmq_conn_id"] = "broker"
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_BROKER", "amqp://u:canary@127.0.0.1:1")
    done = airflow("inbox", "status", "--output", "json")
    assert (done.status, len(done.json)) == (1, 3)
    assert "RabbitMQ at 127.0.0.1:1" in done.err
    assert "canary" not in done.text
