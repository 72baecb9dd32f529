"""Wake-ups through a real Redis: heard at once, never waited for, and missed by nobody who also looks."""

from __future__ import annotations

import secrets
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import Stopped
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.inbox.redis_bell import QUEUED_MAX, RedisBell
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.envelope import Delivery, read_delivery
from airflow_provider_lark.core.sync.continuous import ContinuousSync
from airflow_provider_lark.core.sync.report import SyncReport
from tests.clocks import wait_until
from tests.core.receiving.sealing import event
from tests.redis_server import running_redis
from tests.tap import Tap, tapped

RING = Keyring.from_text("A" * 43 + "=")
LONG_SECONDS = 120.0
"""Nobody waits so long: a wake-up ends it."""


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A Redis of these tests' own."""
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield "127.0.0.1", port


@pytest.fixture
def tap(redis_address: tuple[str, int]) -> Iterator[Tap]:
    with tapped(*redis_address) as tap:
        yield tap


@pytest.fixture
def app_id() -> str:
    return f"cli_{secrets.token_hex(8)}"


@pytest.fixture
def bell(tap: Tap, app_id: str) -> RedisBell:
    return RedisBell({"host": "127.0.0.1", "port": tap.port}, app_id)


@pytest.fixture
def inbox(bell: RedisBell, app_id: str, new_database: Callable[[str], Any]) -> SqlInbox:
    return SqlInbox(new_database("sqlite"), RING, app_id, announce=bell.ring)


def change(app_id: str, number: int, table_id: str = "tbl1") -> Delivery:
    body = event(event_id=f"e{number}", app_id=app_id)
    body["event"] |= {"file_type": "bitable", "table_id": table_id}
    return read_delivery(body, now_ms=1_608_725_989_000)


def hear(ear: Any, seconds: float) -> threading.Event:
    """Wait in a thread, and return what is set when the wait has ended."""
    ended = threading.Event()

    def wait() -> None:
        assert ear.wait(seconds)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def test_entry_wakes_who_waits_for_its_subject_and_nobody_else(bell, inbox, app_id):
    mine, others = bell.listen("bas1/tbl1"), bell.listen("bas1/tbl2")
    # it begins to listen, and what came before it has to look for
    assert mine.wait(LONG_SECONDS)
    assert others.wait(LONG_SECONDS)
    woken, asleep = hear(mine, LONG_SECONDS), hear(others, LONG_SECONDS)
    inbox.put(change(app_id, 1))
    assert woken.wait(60)
    assert not asleep.is_set()
    inbox.put(change(app_id, 2, "tbl2"))
    assert asleep.wait(60)
    mine.close()
    others.close()


def test_entries_of_one_batch_wake_and_known_ones_do_not(bell, inbox, app_id):
    ear = bell.listen("bas1/tbl1")
    ear.wait(LONG_SECONDS)
    inbox.put_all([change(app_id, number) for number in range(5)])
    assert hear(ear, LONG_SECONDS).wait(60)
    inbox.put(change(app_id, 1))
    inbox.put_all([change(app_id, number) for number in range(5)])
    clock = SystemClock()
    began = clock.monotonic()
    assert ear.wait(0.5)
    assert clock.monotonic() - began >= 0.4, "what was there before is no news"
    ear.close()


def test_wake_up_tells_nothing_of_what_it_is_about(bell, redis_address, app_id):
    host, port = redis_address
    watching = subprocess.Popen(
        ["redis-cli", "-h", host, "-p", str(port), "psubscribe", f"lark:inbox:{app_id}:*"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        begun = [watching.stdout.readline().strip() for _ in range(3)]
        assert begun[0] == "psubscribe"
        bell.ring(["bas_secret/tbl_secret"])
        seen = "".join(watching.stdout.readline() for _ in range(4))
    finally:
        watching.kill()
        watching.communicate()
    assert f"lark:inbox:{app_id}:" in seen
    assert "secret" not in seen


def test_redis_that_is_down_is_as_none_and_comes_back(bell, inbox, tap, app_id, monkeypatch):
    monkeypatch.setattr("airflow_provider_lark.core.inbox.redis_bell.AGAIN_SECONDS", 0.1)
    ear = bell.listen("bas1/tbl1")
    assert ear.wait(LONG_SECONDS)
    tap.shut()
    wait_until(lambda: not ear.wait(0.1))
    for number in range(20):
        assert inbox.put(change(app_id, number)).is_new
    assert inbox.count().pending == 20
    tap.open()
    wait_until(lambda: ear.wait(0.1))
    woken = hear(ear, LONG_SECONDS)
    numbers = iter(range(20, 10_000))

    def ring_again() -> bool:
        inbox.put(change(app_id, next(numbers)))
        return woken.wait(0.1)

    wait_until(ring_again)
    ear.close()


def test_ringing_never_waits_for_a_redis_that_says_nothing(app_id, monkeypatch):
    monkeypatch.setattr("airflow_provider_lark.core.inbox.redis_bell.AGAIN_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        bell = RedisBell({"host": "127.0.0.1", "port": silent.getsockname()[1]}, app_id)
        clock = SystemClock()
        began = clock.monotonic()
        for number in range(3 * QUEUED_MAX):
            bell.ring([f"subject {number}"])
        # each answer would be waited for a second
        assert clock.monotonic() - began < QUEUED_MAX
        # what nobody can hear is dropped, and the thread that sends it ends
        wait_until(lambda: all(each.name != "lark-bell" for each in threading.enumerate()))


def test_continuous_sync_is_woken_and_hardly_looks(bell, inbox, app_id):
    hints = TableHints(inbox, lambda: "bas1/tbl1", listen=bell.listen)
    runs, looks = list[float](), list[float]()
    clock = SystemClock()

    def run(take: Callable[[], Any]) -> SyncReport:
        take()
        runs.append(clock.monotonic())
        return SyncReport("m", "incremental")

    def listen(seconds: float) -> bool:
        if len(runs) == 2:
            raise Stopped("the test has seen what it waited for")
        looks.append(seconds)
        if len(looks) == 2:
            # it listens by now
            threading.Timer(0.2, lambda: inbox.put(change(app_id, 1))).start()
        return hints.wait(LONG_SECONDS)

    sync = ContinuousSync("m", run, poll_seconds=3600, hints=hints, listen=listen)
    with pytest.raises(Stopped):
        sync.run_for(3600)
    assert len(looks) <= 4
    assert inbox.count().pending == 0
    hints.close()


def test_continuous_sync_looks_where_it_cannot_listen(inbox, app_id):
    """Without Redis, and while it is down."""
    hints = TableHints(inbox, lambda: "bas1/tbl1")
    assert not hints.wait(LONG_SECONDS)
    inbox.put(change(app_id, 1))
    runs = []

    def run(take: Callable[[], Any]) -> SyncReport:
        take()
        runs.append(1)
        return SyncReport("m", "incremental")

    report = ContinuousSync("m", run, poll_seconds=3600, hints=hints, look_seconds=0.01, listen=hints.wait).run_for(0.5)
    assert (report.hints, inbox.count().completed) == (1, 1)
