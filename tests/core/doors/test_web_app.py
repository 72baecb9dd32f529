"""The door as a web application, behind a real server: from the emulator's pushes to rows in the inbox."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.doors import overload
from airflow_provider_lark.core.doors.web_app import BODY_BYTES_MAX, Receiver, Served, make_app
from airflow_provider_lark.core.inbox.group_commit import GroupCommit
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor, callback_secrets
from airflow_provider_lark.core.receiving.door import Door
from airflow_provider_lark.core.receiving.feed_door import FeedDoor
from airflow_provider_lark.emulator import Emulator
from tests.core.receiving.sealing import click, dump, encrypt, event, signed

KEY, TOKEN, AT = "test key", "vtoken", 1_599_360_473
APP_SECRET = "emulator-secret"
RING = "A" * 43 + "="


class StoppedClock(SystemClock):
    """The time at which these tests sign what they send, and *later* seconds."""

    later = 0.0

    def now(self) -> float:
        return AT + self.later


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for what another thread does; the machine may be slow."""
    clock = SystemClock()
    give_up = clock.monotonic() + 120
    while not is_so():
        assert clock.monotonic() < give_up
        clock.sleep(0.01)


@dataclass
class Running:
    """A receiver that serves one app."""

    url: str
    receiver: Receiver
    inbox: SqlInbox

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(f"{self.url}/lark_default", content=body, headers=headers, timeout=30)

    def tell(self, body: dict[str, Any]) -> httpx.Response:
        sealed = encrypt(dump(body), KEY)
        return self.post(sealed, signed(sealed, KEY, at=AT))


@contextmanager
def serve(
    inbox: SqlInbox,
    *,
    front: AsyncDeliveryStore | None = None,
    app_id: str = "cli_1",
    answer_seconds: float = 60.0,
    clock: Clock | None = None,
    key: str | None = KEY,
) -> Iterator[Running]:
    """Run a receiver on a free port, in a thread with a loop of its own.

    :param front: what stands before the inbox.
    :param key: the Encrypt Key that the connection has.
    """
    door = Door(app_id, encrypt_key=None if key is None else Secret(key), verification_token=Secret(TOKEN))
    approval_door = ApprovalDoor(app_id, callback_secrets(app_id, encrypt_key=Secret(KEY)))
    receiver = Receiver(
        {
            "lark_default": Served(
                door, front or GroupCommit(inbox), approval_door, FeedDoor(app_id, Secret(APP_SECRET))
            )
        },
        answer_seconds=answer_seconds,
        clock=clock or StoppedClock(),
    )
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(receiver), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{sock.getsockname()[1]}", receiver, inbox)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        sock.close()


@pytest.fixture
def running(new_database: Callable[[str], Any]) -> Iterator[Running]:
    with serve(SqlInbox(new_database("sqlite"), Keyring.from_text(RING), "cli_1")) as running:
        yield running


def test_edit_in_lark_stands_in_the_inbox_before_lark_has_its_answer(new_database: Callable[[str], Any]) -> None:
    with Emulator() as emu:
        inbox = SqlInbox(new_database("postgresql"), Keyring.from_text(RING), emu.app_id)
        with serve(inbox, app_id=emu.app_id, clock=SystemClock()) as running:
            app_token, table_id = _base_with_events(emu, running.url)
            record_id = emu.person.add_record(app_token, table_id, {"Name": "a"})
            emu.events.settle(60)
            (delivery,) = emu.events.log()
            assert (delivery.state, delivery.attempts) == ("delivered", 1)
            (entry,) = inbox.claim(limit=10, token="me", lease_seconds=60)
    assert entry.type == "drive.file.bitable_record_changed_v1"
    assert entry.event["table_id"] == table_id
    assert [each["record_id"] for each in entry.event["action_list"]] == [record_id]


def test_copies_of_an_event_stand_there_once(new_database: Callable[[str], Any]) -> None:
    with Emulator() as emu:
        inbox = SqlInbox(new_database("sqlite"), Keyring.from_text(RING), emu.app_id)
        with serve(inbox, app_id=emu.app_id, clock=SystemClock()) as running:
            app_token, table_id = _base_with_events(emu, running.url)
            emu.switches.event_copies = 3
            for name in "abcde":
                emu.person.add_record(app_token, table_id, {"Name": name})
            emu.events.settle(60)
            assert {delivery.state for delivery in emu.events.log()} == {"delivered"}
        assert inbox.count().pending == 5


def _base_with_events(emu: Emulator, url: str) -> tuple[str, str]:
    app_token = emu.state.create_base("Shop").app_token
    table_id = emu.state.create_table(app_token, "Orders", [{"field_name": "Name", "type": 1}]).table_id
    # the address is checked here, encrypted and unsigned
    emu.state.set_event_url(emu.app_id, f"{url}/lark_default", encrypt_key=KEY, verification_token=TOKEN)
    with LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        client.drive.subscribe(app_token=app_token)
    return app_token, table_id


def test_click_is_answered_with_a_toast_that_is_true(running: Running) -> None:
    body = click({"approve": True})
    first, again = running.tell(body).json(), running.tell(body).json()
    assert (first["toast"]["type"], first["toast"]["content"]) == ("info", "Received")
    assert again["toast"]["content"].startswith("Already recorded at ")
    assert running.inbox.count().pending == 1


def test_forgery_learns_nothing_and_is_counted(running: Running) -> None:
    sealed = encrypt(dump(event()), "another key")
    answer = running.post(sealed, signed(sealed, "another key", at=AT))
    assert (answer.status_code, answer.json()) == (401, {"msg": "refused"})
    assert running.receiver.counts.by_outcome == {"encrypt_key_differs": 1}
    assert running.inbox.count().pending == 0


@pytest.mark.parametrize(
    ("key", "status", "reason"), [(None, 503, "encrypt_key_missing"), ("old key", 401, "encrypt_key_differs")]
)
def test_what_comes_under_a_key_that_the_connection_lacks_is_said_once_and_taken_after_a_start_with_it(
    new_database: Callable[[str], Any], caplog: Any, key: str | None, status: int, reason: str
) -> None:
    """Input 7.03."""
    inbox = SqlInbox(new_database("sqlite"), Keyring.from_text(RING), "cli_1")
    told = (event(), click({"a": 1}))
    with serve(inbox, key=key) as running:
        assert [running.tell(each).status_code for each in (*told, *told)] == [status] * 4
        assert running.receiver.counts.by_outcome == {reason: 4}
    assert caplog.text.count(reason) == 1
    assert "Encrypt Key" in caplog.text
    with serve(inbox) as running:
        assert [running.tell(each).status_code for each in told] == [200, 200]
    assert inbox.count().pending == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_change_nothing(running: Running, method: str) -> None:
    agent = {"User-Agent": "Slackbot-LinkExpanding 1.0"}
    assert httpx.request(method, f"{running.url}/lark_default", headers=agent).status_code == 405
    assert not running.receiver.counts.by_outcome


@pytest.mark.parametrize(
    "path", ["/lark_default/", "//lark_default", "/lark%5Fdefault?x=1", "/team/lark%231", "/team/lark%231/"]
)
def test_address_is_found_as_people_write_it(running: Running, path: str) -> None:
    running.receiver._apps["team/lark#1"] = running.receiver._apps["lark_default"]
    sealed = encrypt(dump(event()), KEY)
    # Lark follows no redirect, and an empty encoding is none
    headers = signed(sealed, KEY, at=AT) | {"Content-Encoding": ""}
    answer = httpx.post(f"{running.url}{path}", content=sealed, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"msg": "success"})


def test_app_that_is_not_served_is_unknown(running: Running) -> None:
    assert httpx.post(f"{running.url}/", content=b"{}").status_code == 404
    assert httpx.post(f"{running.url}/other", content=b"{}").status_code == 404


@pytest.mark.parametrize("length", [BODY_BYTES_MAX + 1, 1 << 30])
def test_long_body_is_refused_before_it_is_read(running: Running, length: int) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        sock.sendall(f"POST /lark_default HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        # not a byte of the body was sent
        assert sock.recv(100).startswith(b"HTTP/1.1 413")


def test_long_body_without_a_length_is_cut_off(running: Running) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1024):
            sent += 1 << 20
            yield b"x" * (1 << 20)

    try:
        answer = httpx.post(f"{running.url}/lark_default", content=endless(), timeout=60)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the server hung up while the body was still coming
    assert sent < 200 << 20
    assert running.receiver.counts.by_outcome == {"too_long": 1}
    assert running.tell(event()).status_code == 200


def test_compressed_body_is_not_unpacked(running: Running) -> None:
    assert running.post(b"\x1f\x8b", {"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff", b"null", b'{"encrypt":' + b"[" * 100_000])
def test_what_is_no_delivery_is_refused(running: Running, body: bytes) -> None:
    assert running.post(body).status_code == 400
    assert running.tell(event()).status_code == 200


def test_body_that_ends_early_is_counted(running: Running) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        sock.sendall(b'POST /lark_default HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"schema"')
    wait_until(lambda: running.receiver.counts.by_outcome)
    assert running.receiver.counts.by_outcome == {"cut_off": 1}


def test_inbox_that_hangs_is_not_called_stored_and_the_late_write_is_known(new_database: Callable[[str], Any]) -> None:
    database = new_database("postgresql")
    upgrade(database)
    inbox = SqlInbox(database, Keyring.from_text(RING), "cli_1")
    told = event(event_id="held up")
    with serve(inbox, answer_seconds=0.3) as running:
        blocker = database.connect()
        with blocker.begin():
            blocker.execute(text("LOCK TABLE lark_inbox IN ACCESS EXCLUSIVE MODE"))
            assert running.tell(told).status_code == 503
            toast = running.tell(click({"a": 1})).json()["toast"]
            assert (toast["type"], toast["content"]) == ("error", "Not recorded: please press again")
        blocker.close()
        wait_until(lambda: inbox.count().pending == 2)
        wait_until(lambda: running.tell(told).json() == {"msg": "success"})
        assert inbox.count().pending == 2


def test_inbox_that_is_down_is_said_and_what_lark_sends_again_is_kept(new_database: Callable[[str], Any]) -> None:
    down = SqlInbox(create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), Keyring.from_text(RING), "cli_1")
    with serve(down) as running:
        assert running.tell(event()).status_code == 503
        assert running.tell(click({"a": 1})).json()["toast"]["type"] == "error"
    up = SqlInbox(new_database("sqlite"), Keyring.from_text(RING), "cli_1")
    with serve(up) as running:
        assert running.tell(event()).status_code == 200
    assert up.count().pending == 1


def test_what_was_signed_once_is_taken_with_every_redelivery_and_played_back_no_more(
    new_database: Callable[[str], Any],
) -> None:
    """Input 7.05: Lark sends the same bytes again for hours; whoever recorded them, for ever."""
    database, clock = new_database("sqlite"), StoppedClock()
    upgrade(database)
    inbox = SqlInbox(database, Keyring.from_text(RING), "cli_1")

    def tell_after(running: Running, seconds: float) -> tuple[int, int]:
        clock.later = seconds
        status = running.tell(event()).status_code
        return status, 0 if status == 503 else inbox.count().pending

    def rename(name: str, to: str) -> None:
        with database.begin() as conn:
            conn.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))

    with serve(inbox, clock=clock) as running:
        rename("lark_inbox", "away")
        assert [tell_after(running, seconds) for seconds in (0, 15, 315, 3915)] == [(503, 0)] * 4
        rename("away", "lark_inbox")
        # six hours after the fourth, when the store is asked again; and once more, for the answer was lost
        wait_until(lambda: tell_after(running, 25_515) == (200, 1))
        assert tell_after(running, 25_515) == (200, 1)
        assert tell_after(running, 2 * 86_400) == (401, 1)
        assert running.receiver.counts.by_outcome["stale"] == 1


def test_three_hundred_deliveries_at_once_are_all_kept(new_database: Callable[[str], Any]) -> None:
    database = new_database("postgresql")
    inbox = SqlInbox(database, Keyring.from_text(RING), "cli_1")
    bodies = [encrypt(dump(event(event_id=f"e{number}")), KEY) for number in range(100)] * 3
    with serve(inbox, answer_seconds=60) as running, httpx.Client() as client, ThreadPoolExecutor(16) as pool:

        def send(body: bytes) -> int:
            headers = signed(body, KEY, at=AT)
            return client.post(f"{running.url}/lark_default", content=body, headers=headers, timeout=60).status_code

        assert set(pool.map(send, bodies)) == {200}
        assert running.receiver.counts.by_outcome == {"stored": 100, "known": 200}
    assert inbox.count().pending == 100


def test_more_than_can_be_answered_in_time_is_refused_events_first(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "OLD_SECONDS", -1.0)
    monkeypatch.setattr(overload, "LONG_ROUND_SECONDS", 600.0)
    # few are taken all the same
    assert running.tell(event(event_id="e1")).status_code == 200
    monkeypatch.setattr(overload, "FEW", 0)
    assert running.tell(event(event_id="e2")).status_code == 503
    assert running.tell(click({"a": 1})).json()["toast"]["content"] == "Received"
    monkeypatch.setattr(overload, "LONG_ROUND_SECONDS", -1.0)
    assert running.tell(click({"a": 2})).status_code == 503
    assert running.receiver.counts.by_outcome == {"stored": 2, "overloaded": 2}
    assert running.inbox.count().pending == 2


def test_long_round_of_the_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "FEW", 0)

    async def measure() -> overload.Pace:
        rush = overload.Rush()
        with rush.entered():
            asyncio.get_running_loop().call_soon(SystemClock().sleep, 2 * overload.LONG_ROUND_SECONDS)
            return await rush.pace()

    assert asyncio.run(measure()) is overload.Pace.NOTHING


def test_answers_are_json_for_lark(running: Running) -> None:
    assert json.loads(running.tell(event()).content) == {"msg": "success"}
