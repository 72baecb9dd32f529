"""RabbitMQ before the inbox, on a real broker: what is confirmed arrives, once, whatever fails in between.

Inputs 7.32 to 7.37 of the issue.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import amqp
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.doors.intake import Intake
from airflow_provider_lark.core.errors import ConfigError, LarkError, Unreachable
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, BrokerAddress, QueueNames
from airflow_provider_lark.core.inbox.rabbitmq.publisher import IDLE_SECONDS, RabbitMQInbox
from airflow_provider_lark.core.inbox.rabbitmq.pump import TRIES_MAX, Pump
from airflow_provider_lark.core.inbox.rabbitmq.queues import AppQueues
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.envelope import Delivery, read_delivery
from tests.certificates import write_own_certificate
from tests.clocks import wait_until
from tests.core.receiving.sealing import click, event, old_click
from tests.rabbitmq import DISK_BYTES, Node
from tests.tap import Tap, tapped

KEY, NEXT_KEY = "A" * 43 + "=", "B" * 43 + "="
RING = Keyring.from_text(KEY)
PATIENCE_SECONDS = 30.0
_apps = count(1)


def address(port: int, **changes: Any) -> BrokerAddress:
    given = {"host": "127.0.0.1", "port": port, "user": "guest", "password": Secret("guest"), **changes}
    return BrokerAddress(**given)


@pytest.fixture
def broker(rabbitmq: Node) -> Broker:
    return Broker(address(rabbitmq.port))


@pytest.fixture
def app_id() -> str:
    """An app, and so a queue, that no other test has."""
    return f"cli_rabbit{next(_apps)}"


@pytest.fixture
def queue(broker, app_id) -> Iterator[RabbitMQInbox]:
    made = RabbitMQInbox(broker, RING, app_id, put_seconds=PATIENCE_SECONDS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgres(new_database):
    engine = new_database("postgresql")
    upgrade(engine)
    return engine


@pytest.fixture
def inbox(postgres, app_id) -> SqlInbox:
    return SqlInbox(postgres, RING, app_id)


@pytest.fixture
def told(app_id):
    def make(number: int = 1, body: dict[str, Any] | None = None) -> Delivery:
        return read_delivery(body or event(event_id=f"e{number}", app_id=app_id), now_ms=1_608_725_989_000)

    return make


@contextmanager
def pumping(broker: Broker, app_id: str, target: SqlInbox, ring: Keyring = RING) -> Iterator[Pump]:
    pump = Pump(broker, ring, app_id, target, longest_wait_seconds=0.5)
    pump.start()
    try:
        yield pump
    finally:
        pump.stop()


def event_ids(inbox: SqlInbox) -> list[str]:
    return sorted(entry.event_id for entry in inbox.claim(limit=1000, token="test", lease_seconds=600))


def is_taken(queue: RabbitMQInbox, delivery: Delivery) -> bool:
    try:
        queue.put(delivery)
    except Unreachable:
        return False
    return True


@contextmanager
def limits(node: Node, **milliseconds: int) -> Iterator[None]:
    """Let the node use other limits for the channels that are opened meanwhile."""
    before = {name: node.ask(f"element(2, application:get_env(rabbit, {name}))") for name in milliseconds}
    try:
        for name, value in milliseconds.items():
            node.ask(f"application:set_env(rabbit, {name}, {value})")
        yield
    finally:
        for name, told in before.items():
            node.ask(f"application:set_env(rabbit, {name}, {told.removeprefix('{ok,').strip().rstrip('}')})")


def is_rested(broker: Broker, app_id: str) -> bool:
    return AppQueues(broker, app_id).count()[0] == 0


def test_delivery_goes_through_the_queue_as_it_came(broker, queue, inbox, told, app_id):
    body = event(app_id=app_id, event_id="e😀")
    body["event"] = {"text": "中文 😀 \u0000 ' \" \\", "n": 1.5, "deep": [{"a": None}]}
    old = told(body={**old_click({"a": 1}), "open_message_id": f"om_{app_id}"})
    assert queue.put(told(body=body)).is_new
    queue.put(old)
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["moved"] == 2)
    first, second = inbox.claim(limit=10, token="me", lease_seconds=60)
    assert (first.body, first.kind, first.event_id) == (body, "event", "e😀")
    assert (second.body, second.kind) == (old.body, "card")
    assert not inbox.put(old).is_new, "its identities came along, which depend on when it came"


def test_what_lark_delivers_twice_is_stored_once(broker, queue, inbox, told, app_id):
    for _ in range(3):
        for number in range(5):
            queue.put(told(number))
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["moved"] == 15)
    assert event_ids(inbox) == [f"e{number}" for number in range(5)]


def test_message_is_sealed_persistent_and_says_only_its_type(broker, queue, told, app_id):
    body = event(app_id=app_id)
    body["event"] = {"text": "nobody may read this"}
    queue.put(told(body=body))
    connection = broker.connect(seconds=PATIENCE_SECONDS)
    message = connection.channel().basic_get(QueueNames(app_id).main)
    connection.collect()
    assert isinstance(message.body, str)
    assert "nobody" not in message.body
    assert RING.decrypt(message.body)
    assert (message.properties["delivery_mode"], message.properties["app_id"]) == (2, app_id)
    assert message.properties["type"] == "drive.file.bitable_record_changed_v1"


def store(queue: RabbitMQInbox, *deliveries: Delivery) -> list[Any]:
    """Return what Lark is told about each, as the doors do it."""

    async def run() -> list[Any]:
        intake, commits = Intake(), GroupCommit(queue)
        return await asyncio.gather(*(intake.store(commits, each) for each in deliveries))

    return asyncio.run(run())


def test_broker_that_is_down_is_said_to_lark_and_to_whoever_clicked(app_id, told):
    queue = RabbitMQInbox(Broker(address(1)), RING, app_id)
    with pytest.raises(Unreachable, match=r"RabbitMQ at 127\.0\.0\.1:1.*check that it is running"):
        queue.put(told())
    of_event, of_click = store(queue, told(), told(body=click({"a": 1})))
    assert (of_event.is_stored, of_event.body) == (False, None)
    assert "press again" in of_click.body["toast"]["content"]


def test_broker_that_accepts_and_says_nothing_is_waited_for_no_longer_than_allowed(app_id, told):
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        queue = RabbitMQInbox(Broker(address(silent.getsockname()[1])), RING, app_id, put_seconds=0.2)
        with pytest.raises(Unreachable):
            queue.put(told())


def test_restart_of_the_broker_loses_nothing_and_the_pump_comes_back(rabbitmq, broker, queue, inbox, told, app_id):
    """Input 7.33."""
    for number in range(20):
        queue.put(told(number))
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["moved"] == 20)
        rabbitmq.stop()
        with pytest.raises(LarkError):
            queue.put(told(20))
        rabbitmq.start()
        for number in range(20, 30):
            queue.put(told(number))
        wait_until(lambda: inbox.count().pending == 30)
        assert pump.counts["gaps"] >= 1
    assert event_ids(inbox) == sorted(f"e{number}" for number in range(30))


def test_message_survives_a_restart_before_it_was_moved(rabbitmq, broker, queue, inbox, told, app_id):
    queue.put(told())
    rabbitmq.stop()
    rabbitmq.start()
    with pumping(broker, app_id, inbox):
        wait_until(lambda: inbox.count().pending == 1)


@pytest.mark.parametrize("short_of", ["memory", "disk"])
def test_alarm_is_told_to_lark_and_all_redeliveries_land_once(rabbitmq, broker, inbox, told, app_id, short_of):
    """Input 7.35."""
    alarm = {"memory": lambda: rabbitmq.set_memory_limit(0.0), "disk": lambda: rabbitmq.set_disk_limit(1 << 60)}
    end = {"memory": lambda: rabbitmq.set_memory_limit(0.4), "disk": lambda: rabbitmq.set_disk_limit(DISK_BYTES)}
    queue = RabbitMQInbox(broker, RING, app_id, put_seconds=0.5)
    queue.prepare()
    events = [told(number) for number in range(50)]
    clicks = [told(body=click({"n": number}, at_us=1_608_725_989_000_000 + number)) for number in range(5)]
    alarm[short_of]()
    try:
        with pytest.raises(Unreachable, match="short of memory or disk"):
            queue.put(events[0])
        replies = store(queue, *events, *clicks)
        assert [reply.is_stored for reply in replies] == [False] * 55
        assert all("press again" in reply.body["toast"]["content"] for reply in replies[50:])
    finally:
        end[short_of]()
    patient = RabbitMQInbox(broker, RING, app_id, put_seconds=PATIENCE_SECONDS)
    for each in events:
        patient.put(each)
    with pumping(broker, app_id, inbox):
        wait_until(lambda: inbox.count().pending >= 50 and is_rested(broker, app_id))
    kinds = [entry.event_id for entry in inbox.claim(limit=1000, token="x", lease_seconds=60, kind="event")]
    assert sorted(kinds) == sorted(each.event_id for each in events)
    patient.close()


def test_queue_that_is_full_refuses_and_what_was_refused_is_not_there(rabbitmq, broker, queue, told, app_id):
    queue.prepare()
    rabbitmq.limit_queue(QueueNames(app_id).main, 2)
    refused = []
    for number in range(10):
        try:
            queue.put(told(number))
        except Unreachable as exc:
            refused.append(exc.message)
    assert refused
    assert all("refused a message" in message for message in refused)
    assert AppQueues(broker, app_id).count()[0] == 10 - len(refused)


def test_queue_that_somebody_deleted_is_declared_again(broker, queue, inbox, told, app_id):
    queue.prepare()
    with pumping(broker, app_id, inbox) as pump:
        queue.put(told(1))
        wait_until(lambda: pump.counts["moved"] == 1)
        connection = broker.connect(seconds=PATIENCE_SECONDS)
        connection.channel().queue_delete(QueueNames(app_id).main)
        connection.collect()
        # what comes while a queue is being deleted goes with it, and RabbitMQ confirms it all the same
        wait_until(lambda: pump.counts["gaps"] >= 1)
        queue.put(told(2))
        wait_until(lambda: inbox.count().pending == 2)


def test_queue_with_other_arguments_is_said_in_one_message_by_both_ends(broker, queue, inbox, told, app_id):
    """Input 7.32."""
    connection = broker.connect(seconds=PATIENCE_SECONDS)
    name = QueueNames(app_id).main
    connection.channel().queue_declare(name, durable=True, auto_delete=False)
    with pytest.raises(ConfigError) as refused:
        queue.put(told())
    for word in (name, "'x-dead-letter-exchange'", "'lark.inbox.dead'", "current is none", "rabbitmqctl delete_queue"):
        assert word in refused.value.message
    (reply,) = store(queue, told())
    assert not reply.is_stored
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["gaps"] >= 2)
        connection.channel().queue_delete(name)
        queue.put(told())
        wait_until(lambda: inbox.count().pending == 1)
    connection.collect()


def test_connection_that_died_while_it_rested_is_no_failure(rabbitmq, app_id, told):
    with tapped("127.0.0.1", rabbitmq.port) as tap:
        queue = RabbitMQInbox(Broker(address(tap.port)), RING, app_id, put_seconds=PATIENCE_SECONDS)
        queue.put(told(1))
        tap.shut()
        with pytest.raises(Unreachable):
            queue.put(told(2))
        tap.open()
        queue.put(told(2))
        queue.close()


class LeapingClock(SystemClock):
    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_connection_that_rested_long_is_opened_anew(rabbitmq, broker, app_id, told):
    clock = LeapingClock()
    queue = RabbitMQInbox(broker, RING, app_id, put_seconds=PATIENCE_SECONDS, clock=clock)

    def connections() -> set[str]:
        return set(rabbitmq.ask("rabbit_networking:connections()").split("<"))

    queue.put(told(1))
    queue.put(told(2))
    before = connections()
    clock.ahead = IDLE_SECONDS
    queue.put(told(3))
    assert connections() - before, "a new one"
    queue.close()


def test_wrong_password_and_missing_virtual_host_are_said_without_the_password(rabbitmq, app_id, told):
    wrong = Broker(address(rabbitmq.port, password=Secret("canary")))
    with pytest.raises(ConfigError, match="refuses the user 'guest'") as refused:
        RabbitMQInbox(wrong, RING, app_id, put_seconds=PATIENCE_SECONDS).put(told())
    assert "canary" not in str(refused.value) + repr(wrong.address)
    nowhere = Broker(address(rabbitmq.port, vhost="nowhere"))
    with pytest.raises(ConfigError, match="nowhere"):
        RabbitMQInbox(nowhere, RING, app_id, put_seconds=PATIENCE_SECONDS).put(told())


def test_message_that_is_none_of_ours_becomes_a_dead_letter_and_the_others_pass(broker, queue, inbox, told, app_id):
    """Input 7.36 on the way to the database."""
    queue.prepare()
    names = QueueNames(app_id)
    connection = broker.connect(seconds=PATIENCE_SECONDS)
    channel = connection.channel()
    strangers = [
        amqp.Message("no ciphertext"),
        amqp.Message(b"\xff\xfe\x00", application_headers={"key_id": 7}),
        amqp.Message(RING.encrypt(Secret('{"app_id": 1}'))),
        amqp.Message(RING.encrypt(Secret("no JSON"))),
        amqp.Message(b""),
    ]
    for stranger in strangers:
        channel.basic_publish(stranger, routing_key=names.main)
    for number in range(99):
        queue.put(told(number))
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: inbox.count().pending == 99 and pump.counts["dead"] == len(strangers))
        wait_until(lambda: AppQueues(broker, app_id).count() == (0, len(strangers)))
    connection.collect()


def test_message_of_another_app_is_not_taken(broker, queue, inbox, told, app_id):
    other = RabbitMQInbox(broker, RING, "cli_other", put_seconds=PATIENCE_SECONDS)
    other.put(told())
    connection = broker.connect(seconds=PATIENCE_SECONDS)
    channel = connection.channel()
    message = channel.basic_get(QueueNames("cli_other").main, no_ack=True)
    queue.prepare()
    channel.basic_publish(amqp.Message(message.body), routing_key=QueueNames(app_id).main)
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["dead"] == 1)
    assert inbox.count().pending == 0
    connection.collect()
    other.close()


def test_dead_letter_comes_back_with_the_key_that_was_missing(broker, inbox, told, app_id):
    newer = RabbitMQInbox(broker, Keyring.from_text(NEXT_KEY), app_id, put_seconds=PATIENCE_SECONDS)
    newer.put(told())
    with pumping(broker, app_id, inbox):
        wait_until(lambda: AppQueues(broker, app_id).count() == (0, 1))
    assert AppQueues(broker, app_id).replay() == 1
    assert AppQueues(broker, app_id).count() == (1, 0)
    assert AppQueues(broker, app_id).replay() == 0
    with pumping(broker, app_id, inbox, Keyring.from_text(f"{KEY},{NEXT_KEY}")):
        wait_until(lambda: inbox.count().pending == 1)
    newer.close()


@pytest.fixture
def tapped_inbox(postgres, app_id) -> Iterator[tuple[Tap, SqlInbox]]:
    """The inbox in a database that this test can take down."""
    url = postgres.url
    with tapped(url.host or "127.0.0.1", url.port or 5432) as tap:
        engine = create_engine(url.set(host="127.0.0.1", port=tap.port), poolclass=NullPool)
        yield tap, SqlInbox(engine, RING, app_id)
        engine.dispose()


def test_events_wait_in_the_queue_while_the_database_is_down(broker, queue, inbox, tapped_inbox, told, app_id):
    """Input 7.37: they are not handed out again and again."""
    tap, through_tap = tapped_inbox
    queue.put(told(0))
    with pumping(broker, app_id, through_tap) as pump:
        wait_until(lambda: pump.counts["moved"] == 1)
        tap.shut()
        for number in range(1, 200):
            queue.put(told(number))
        wait_until(lambda: pump.counts["failures"] + pump.counts["gaps"] >= 3)
        tap.open()
        # counted after the commit that the inbox shows
        wait_until(lambda: inbox.count().pending == 200 and pump.counts["moved"] >= 200)
        assert pump.counts["dead"] == 0
        # the connection to the broker lived on: messages that were held are stored, not handed out again
        assert pump.counts["moved"] == 200
    assert len(set(event_ids(inbox))) == 200


def test_broker_that_waits_no_longer_for_an_acknowledgement_gets_the_event_handled_once(
    rabbitmq, broker, queue, inbox, postgres, told, app_id
):
    """Input 7.34: an event is acknowledged once it is stored, before any sync; here storing takes too long."""
    queue.put(told(0))
    with limits(rabbitmq, consumer_timeout=200, channel_tick_interval=100), postgres.connect() as blocker:
        with pumping(broker, app_id, inbox) as pump:
            wait_until(lambda: pump.counts["moved"] == 1)
            with blocker.begin():
                blocker.execute(text("LOCK TABLE lark_inbox IN ACCESS EXCLUSIVE MODE"))
                queue.put(told(1))
                wait_until(lambda: is_rested(broker, app_id))
                # 406: the channel is closed, and the broker hands out again what it had
                wait_until(lambda: not is_rested(broker, app_id))
            wait_until(lambda: pump.counts["moved"] >= 2 and is_rested(broker, app_id))
            queue.put(told(2))
            wait_until(lambda: inbox.count().pending == 3)
        assert (pump.counts["gaps"] > 0, pump.counts["dead"]) == (True, 0)
    assert event_ids(inbox) == ["e0", "e1", "e2"]


def test_database_that_is_down_at_the_start_is_waited_for(broker, queue, inbox, tapped_inbox, told, app_id):
    tap, through_tap = tapped_inbox
    tap.shut()
    queue.put(told())
    with pumping(broker, app_id, through_tap) as pump:
        wait_until(lambda: pump.counts["gaps"] >= 2)
        tap.open()
        wait_until(lambda: inbox.count().pending == 1)


def test_what_was_stored_but_not_acknowledged_is_stored_once(broker, queue, inbox, told, app_id):
    """A pump that is killed between the commit and its acknowledgement."""
    for number in range(10):
        queue.put(told(number))
    inbox.put_all([told(number) for number in range(5)])
    with pumping(broker, app_id, inbox) as pump:
        wait_until(lambda: pump.counts["moved"] == 10)
    assert len(event_ids(inbox)) == 10


def test_several_pumps_store_everything_once(broker, queue, inbox, postgres, told, app_id):
    def deliver() -> None:
        for number in range(100):
            # as Lark does it: a queue whose leader is being chosen on a slow machine refuses for a moment
            wait_until(lambda number=number: is_taken(queue, told(number)))

    putters = [threading.Thread(target=deliver, daemon=True) for _ in "ab"]
    with pumping(broker, app_id, inbox), pumping(broker, app_id, SqlInbox(postgres, RING, app_id)):
        for putter in putters:
            putter.start()
        for putter in putters:
            putter.join()
        wait_until(lambda: inbox.count().pending == 100 and is_rested(broker, app_id))
    assert len(event_ids(inbox)) == 100


def test_delivery_that_the_database_refuses_becomes_a_dead_letter_and_the_others_pass(
    broker, queue, inbox, postgres, told, app_id
):
    body = event(app_id=app_id, event_id="refused")
    queue.put(told(body=body))
    for number in range(20):
        queue.put(told(number))
    with postgres.begin() as conn:
        conn.execute(text(f"ALTER TABLE lark_inbox ADD CONSTRAINT {app_id} CHECK (event_id <> 'refused')"))
    try:
        pump = Pump(broker, RING, app_id, inbox, longest_wait_seconds=0.02)
        pump.start()
        wait_until(lambda: pump.counts["dead"] == 1)
        wait_until(lambda: inbox.count().pending == 20)
        assert pump.counts["failures"] >= TRIES_MAX - 1
        pump.stop()
    finally:
        with postgres.begin() as conn:
            conn.execute(text(f"ALTER TABLE lark_inbox DROP CONSTRAINT {app_id}"))


def test_tls_is_spoken_and_a_stranger_s_certificate_is_refused(tmp_path, rabbitmq, app_id, told):
    """A plain broker behind a port that speaks TLS, as a load balancer offers it."""
    pem = write_own_certificate(tmp_path / "own.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    with tapped("127.0.0.1", rabbitmq.port, context) as tap:
        trusting = Broker(address(tap.port, uses_tls=True, ca_bundle=str(pem)))
        queue = RabbitMQInbox(trusting, RING, app_id, put_seconds=PATIENCE_SECONDS)
        queue.put(told())
        queue.close()
        stranger = Broker(address(tap.port, uses_tls=True))
        with pytest.raises(Unreachable, match="SSLCertVerificationError"):
            RabbitMQInbox(stranger, RING, app_id, put_seconds=PATIENCE_SECONDS).put(told())
