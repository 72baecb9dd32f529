"""The long connection in front of an emulator, over real sockets (issue inputs 7.27 to 7.31, 7.41)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.errors import AccessDenied, ConfigError, LimitReached, NotAuthorized, UnexpectedAnswer
from airflow_provider_lark.core.inbox.connection import ConnectionLease
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.emulator import Emulator
from tests.core.doors.long_connection.stage import RING, DrivenClock, Stage, StandingClock, wait_until
from tests.core.receiving.sealing import click

ENDPOINT = "POST /callback/ws/endpoint"


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def stage(clock: DrivenClock, new_database: Callable[[str], Any]) -> Iterator[Stage]:
    database = new_database("sqlite")
    upgrade(database)
    with Emulator(clock=clock) as emu:
        yield Stage(emu, database, StandingClock(clock))


def test_edit_stands_in_the_inbox_before_lark_has_its_answer(stage: Stage) -> None:
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected"))
        record_id = stage.edit()
        stage.emu.events.settle(60)
        assert stage.states() == ["delivered"]
    (entry,) = stage.inbox.claim(limit=10, token="me", lease_seconds=60)
    assert (entry.event["table_id"], entry.event["action_list"][0]["record_id"]) == (stage.table_id, record_id)
    assert listening.receiver.counts.by_outcome["stored"] == 1


def test_fragments_in_any_order_and_copies_are_stored_once(stage: Stage) -> None:
    stage.emu.switches.update({"fragment_bytes": 40, "fragments_out_of_order": True, "event_copies": 3})
    with stage.listening() as listening:
        wait_until(lambda: stage.devices)
        for name in "abcde":
            stage.edit(name * 300)
        stage.emu.events.settle(60)
        assert set(stage.states()) == {"delivered"}
        assert (listening.count("stored"), listening.count("known")) == (5, 10)
    assert stage.inbox.count().pending == 5


def test_three_hundred_events_at_once_are_all_stored(stage: Stage, new_database: Callable[[str], Any]) -> None:
    inbox = SqlInbox(new_database("postgresql"), Keyring.from_text(RING), stage.emu.app_id)
    with stage.listening(inbox=GroupCommit(inbox)):
        wait_until(lambda: stage.devices)
        for number in range(300):
            stage.edit(str(number))
        stage.emu.events.settle(120)
        assert set(stage.states()) == {"delivered"}
    assert inbox.count().pending == 300


def test_old_envelope_is_stored_once_and_acknowledged_as_an_unknown_type(stage: Stage) -> None:
    # 7.41
    body = {
        "uuid": "u1",
        "token": "vtoken",
        "ts": "1599360473.5",
        "type": "event_callback",
        "event": {"type": "approval_instance", "approval_code": "A", "instance_code": "I", "status": "APPROVED"},
    }
    with stage.listening() as listening:
        wait_until(lambda: stage.devices)
        answers = [stage.emu.sockets.ask(stage.emu.app_id, body, timeout_seconds=60) for _ in range(2)]
        assert answers == [(200, b""), (200, b"")]
        assert (listening.count("stored"), listening.count("known")) == (1, 1)
    (entry,) = stage.inbox.claim(limit=10, token="me", lease_seconds=60)
    assert (entry.type, entry.event_id) == ("approval_instance", "u1")


def test_click_is_answered_with_a_toast_that_is_true(stage: Stage) -> None:
    body = click({"approve": True})
    body["header"]["app_id"] = stage.emu.app_id
    with stage.listening():
        wait_until(lambda: stage.devices)
        told = [stage.emu.sockets.ask(stage.emu.app_id, body, timeout_seconds=60) for _ in range(2)]
    first, again = (json.loads(each[1])["toast"]["content"] for each in told if each is not None)
    assert first == "Received"
    assert again.startswith("Already recorded at ")


def test_inbox_that_is_down_is_not_acknowledged_and_the_redelivery_is_kept(stage: Stage) -> None:
    down = create_engine("postgresql+psycopg://root@127.0.0.1:1/none")
    inbox = SqlInbox(down, Keyring.from_text(RING), stage.emu.app_id)
    body = click({"a": 1})
    body["header"]["app_id"] = stage.emu.app_id
    with stage.listening(inbox=GroupCommit(inbox), answer_seconds=0.5) as listening:
        wait_until(lambda: stage.devices)
        stage.edit()
        stage.emu.events.settle(60)
        assert stage.states() == ["waiting"]
        answer = stage.emu.sockets.ask(stage.emu.app_id, body, timeout_seconds=60)
        assert answer is not None
        assert (answer[0], json.loads(answer[1])["toast"]["type"]) == (200, "error")
        assert listening.count("not_stored") == 2
    with stage.listening() as listening:
        wait_until(lambda: stage.devices)
        stage.pass_until(lambda: stage.states() == ["delivered"])
        assert listening.count("stored") == 1


def test_address_with_a_port_that_is_none_is_refused_as_such(stage: Stage) -> None:
    stage.emu.state.origin = "http://127.0.0.1:123456"
    with stage.listening() as listening:
        listening.thread.join(60)
    assert isinstance(listening.error, UnexpectedAnswer)


def test_delivery_for_another_app_is_not_acknowledged(stage: Stage) -> None:
    with stage.listening() as listening:
        wait_until(lambda: stage.devices)
        told = stage.emu.sockets.ask(stage.emu.app_id, click({"a": 1}), timeout_seconds=60)
        assert told == (500, b"")
        assert listening.count("other_app") == 1
        assert stage.emu.sockets.ask(stage.emu.app_id, {}, timeout_seconds=60) == (500, b"")


def test_half_open_connection_is_left_within_ping_interval_and_grace(stage: Stage, clock: DrivenClock) -> None:
    # 7.27
    stage.emu.switches.ping_seconds = 120
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        stage.edit()
        stage.emu.events.settle(60)
        wait_until(lambda: listening.count("stored") == 1)
        last_event_at = listening.receiver.figures.last_event_at
        stage.emu.sockets.silence()
        silent_at = clock.now()
        stage.edit()
        while not listening.count("lost_silent") and clock.now() < silent_at + 149:
            clock.advance(1)
            listening.settle()
        assert listening.count("lost_silent") == 0
        clock.advance(2)
        wait_until(lambda: listening.count("lost_silent") == 1)
        stage.pass_until(lambda: listening.count("connected") == 2)
        figures = listening.receiver.figures
        assert figures.last_frame_at is not None
        assert figures.last_frame_at > silent_at
        # sent into the void, the event comes with a later try
        stage.pass_until(lambda: stage.states() == ["delivered", "delivered"])
        assert figures.last_event_at is not None
        assert last_event_at is not None
        assert figures.last_event_at > last_event_at


def test_pongs_alone_do_not_pass_for_events(stage: Stage, clock: DrivenClock) -> None:
    stage.emu.switches.ping_seconds = 120
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        for _ in range(5):
            pings = stage.emu.sockets.tally.pings
            clock.advance(120)
            wait_until(lambda before=pings: stage.emu.sockets.tally.pings > before)
        wait_until(lambda: (listening.receiver.figures.last_frame_at or 0) >= clock.now() - 120)
        assert listening.receiver.figures.last_event_at is None
        assert listening.count("lost_silent") == 0


def test_pong_with_other_timings_counts_at_once(stage: Stage, clock: DrivenClock) -> None:
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        stage.emu.switches.update({"ping_seconds": 10, "reconnect_jitter_seconds": 0})
        clock.advance(1)
        stage.emu.sockets.send_config()
        wait_until(lambda: listening.receiver.figures.last_frame_at == clock.now())
        listening.settle()
        pings = stage.emu.sockets.tally.pings
        clock.advance(10)
        wait_until(lambda: stage.emu.sockets.tally.pings > pings)
        stage.emu.sockets.drop()
        wait_until(lambda: listening.count("lost_closed") == 1)
        listening.settle()
        clock.advance(1)
        wait_until(lambda: listening.count("connected") == 2)


def test_dropped_connection_is_made_again_and_nothing_is_missing(stage: Stage, clock: DrivenClock) -> None:
    with stage.listening() as listening:
        for number in range(1, 4):
            wait_until(lambda n=number: listening.count("connected") == n)
            stage.edit(str(number))
            stage.emu.sockets.drop()
            wait_until(lambda n=number: listening.count("lost_closed") == n)
            listening.settle()
            # half the jitter of 30 s
            clock.advance(16)
            wait_until(lambda n=number: listening.count("connected") == n + 1)
        stage.pass_until(lambda: set(stage.states()) == {"delivered"}, step=60)
    assert stage.inbox.count().pending == 3


def test_every_new_connection_raises_the_generation(stage: Stage) -> None:
    lease = stage.lease()
    assert lease.generation() == 0
    with stage.listening():
        wait_until(lambda: lease.generation() == 1)
        stage.emu.sockets.drop()
        stage.pass_until(lambda: lease.generation() == 2)


def test_hours_without_a_network_end_with_a_connection(stage: Stage, clock: DrivenClock) -> None:
    # 7.29: none is given up, never more than an attempt a second, and connected one wait after the network is back
    stage.emu.switches.update({"reconnect_count": 3, "reconnect_seconds": 1200})
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        stage.emu.faults.add(ENDPOINT, action="drop_before", times=None)
        stage.emu.sockets.drop()
        began = clock.now()
        stage.pass_until(lambda: clock.now() - began >= 8 * 3600, step=60)
        assert 3 < listening.count("not_connected") <= 8 * 3600 / 1200 + 1
        stage.emu.faults.clear()
        stage.pass_until(lambda: listening.count("connected") == 2)
        wait_until(lambda: stage.lease().generation() >= 2)
        stage.emu.faults.add(ENDPOINT, action="drop_before", times=None)
        stage.emu.sockets.drop()
        wait_until(lambda: listening.count("lost_closed") == 2)
    # stopped in the middle of a wait, it has ended


def test_busy_lark_is_asked_again(stage: Stage) -> None:
    stage.emu.faults.add(ENDPOINT, code=1, status=200, msg="system busy")
    stage.emu.faults.add(ENDPOINT, code=2200, status=500)
    with stage.listening() as listening:
        stage.pass_until(lambda: listening.count("connected") == 1)
        assert listening.count("not_connected") == 2


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        pytest.param({"code": 403, "status": 200}, AccessDenied, "self-built app", id="403"),
        pytest.param({"code": 514, "status": 200}, NotAuthorized, "App Secret", id="514"),
        pytest.param({"code": 1000040344}, NotAuthorized, "App Secret", id="no-credential"),
        pytest.param({"code": 1000040350}, LimitReached, "50 long connections", id="too-many"),
        # 7.30
        pytest.param({"code": 1000040351}, ConfigError, "set the host of the connection", id="domain"),
    ],
)
def test_fatal_refusal_ends_it_and_says_what_to_do(stage: Stage, fault: Any, error: type, words: str) -> None:
    stage.emu.faults.add(ENDPOINT, times=None, **fault)
    with stage.listening() as listening:
        listening.thread.join(60)
        assert isinstance(listening.error, error)
        assert words in str(listening.error)
        assert stage.emu.app_secret not in str(listening.error)
    assert stage.emu.counters()[ENDPOINT] == 1
    # others need not wait for its lease
    assert stage.lease().acquire() is None


@pytest.mark.parametrize(("fault", "error"), [("forbidden", AccessDenied), ("too_many", LimitReached)])
def test_handshake_that_is_refused_for_good_ends_it(stage: Stage, fault: str, error: type) -> None:
    stage.emu.sockets.set_faults(handshake=fault)
    with stage.listening() as listening:
        listening.thread.join(60)
        assert isinstance(listening.error, error)


@pytest.mark.parametrize("fault", ["auth", "busy"])
def test_handshake_that_is_refused_for_now_is_tried_again(stage: Stage, fault: str) -> None:
    stage.emu.sockets.set_faults(handshake=fault)
    with stage.listening() as listening:
        wait_until(lambda: listening.count("not_connected") == 1)
        stage.emu.sockets.set_faults(handshake="")
        stage.pass_until(lambda: listening.count("connected") == 1)


def test_connection_that_ends_at_once_is_not_tried_again_at_once(stage: Stage, clock: DrivenClock) -> None:
    stage.emu.sockets.set_faults(ends_at_once=True)
    stage.emu.switches.reconnect_jitter_seconds = 0
    with stage.listening() as listening:
        for number in range(1, 4):
            wait_until(lambda n=number: listening.count("lost_at_once") == n)
            listening.settle()
            clock.advance(119)
            listening.settle()
            assert listening.count("lost_at_once") == number
            clock.advance(1)


def test_secret_that_was_rotated_is_waited_for_and_lark_is_not_asked_meanwhile(
    stage: Stage, clock: DrivenClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = stage.emu.state.apps[stage.emu.app_id]
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        app.app_secret = "another"
        stage.edit()
        stage.emu.events.settle(60)
        # the running connection goes on
        assert stage.states() == ["delivered"]
        with caplog.at_level(logging.ERROR):
            stage.emu.sockets.drop()
            stage.pass_until(lambda: listening.count("not_connected") == 1)
            asked, refused_at = stage.emu.counters()[ENDPOINT], clock.now()
            stage.pass_until(lambda: clock.now() > refused_at + 1800, step=30)
        assert stage.emu.counters()[ENDPOINT] == asked
        assert [each.levelname for each in caplog.records].count("ERROR") == 1
        stage.secret = "another"
        stage.pass_until(lambda: listening.count("connected") == 2)


def test_second_receiver_waits_and_takes_over(
    stage: Stage, clock: DrivenClock, caplog: pytest.LogCaptureFixture
) -> None:
    # 7.31
    leases = [stage.lease(owner="the first"), stage.lease(owner="the second", seconds=300)]
    with caplog.at_level(logging.WARNING), stage.listening(lease=leases[0]) as first:
        wait_until(lambda: first.count("connected") == 1)
        with stage.listening(lease=leases[1]) as second:
            wait_until(lambda: any("the first" in each.message for each in caplog.records))
            for _ in range(10):
                clock.advance(100)
                second.settle()
                assert len(stage.devices) == 1
            assert second.count("connected") == 0
            first.stop()
            wait_until(lambda: not stage.devices)
            stage.pass_until(lambda: second.count("connected") == 1, step=20)
            wait_until(lambda: stage.lease().generation() >= 2)


def test_holder_whose_lease_was_taken_disconnects_and_waits(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), stage.listening(lease=stage.lease(seconds=300)) as listening:
        wait_until(lambda: listening.count("connected") == 1)
        # as if it had slept for a minute, and another one had taken over
        with stage.database.begin() as conn:
            conn.execute(text("UPDATE lark_connections SET owner = 'the other'"))
        stage.pass_until(lambda: not stage.devices, step=100)
        stage.pass_until(lambda: any("(the other)" in each.message for each in caplog.records))
        assert listening.thread.is_alive()


def test_database_that_is_down_at_the_start_is_waited_for(stage: Stage) -> None:
    down = create_engine("postgresql+psycopg://root@127.0.0.1:1/none")
    with stage.listening(lease=ConnectionLease(down, stage.emu.app_id), answer_seconds=1) as listening:
        stage.pass_until(lambda: listening.count("no_lease") >= 3)
        assert not stage.devices


def test_noise_is_counted_and_the_connection_goes_on(stage: Stage) -> None:
    with stage.listening() as listening:
        wait_until(lambda: listening.count("connected") == 1)
        (connection,) = stage.emu.sockets._open
        assert connection.link is not None
        for noise in (b"", b"\x08", b"\xff" * 50):
            connection.link.send(noise)
        wait_until(lambda: listening.count("odd_frame") == 3)
        stage.edit()
        stage.emu.events.settle(60)
        assert stage.states() == ["delivered"]


def test_stop_answers_what_is_under_way(stage: Stage, new_database: Callable[[str], Any]) -> None:
    database = new_database("postgresql")
    upgrade(database)
    inbox = SqlInbox(database, Keyring.from_text(RING), stage.emu.app_id)
    with stage.listening(inbox=GroupCommit(inbox)) as listening:
        wait_until(lambda: stage.devices)
        with database.connect() as blocker, blocker.begin():
            blocker.execute(text("LOCK TABLE lark_inbox IN ACCESS EXCLUSIVE MODE"))
            stage.edit()
            wait_until(lambda: stage.emu.sockets.tally.sent == 1)
            wait_until(lambda: listening.receiver.figures.last_event_at is not None)
            listening.loop.call_soon_threadsafe(listening.receiver.stop)
            listening.settle()
            assert listening.thread.is_alive()
        listening.thread.join(60)
        wait_until(lambda: stage.states() == ["delivered"])
    assert inbox.count().pending == 1
