"""``airflow lark receive`` as a process of its own: from an edit in Lark to a row in SQL, by the event."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from tests.clocks import wait_until
from tests.databases import open_sqlite

KEY, TOKEN = "encrypt key", "verification token"


@pytest.fixture
def receiving(shop, emulator, tmp_path, monkeypatch):
    """The shop's connection, with what receiving needs."""
    store = tmp_path / "store.db"
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("AIRFLOW_CONN_LARK_STORE", json.dumps({"conn_type": "sqlite", "host": str(store)}))
    conn = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    conn["extra"] |= {
        "store_conn_id": "lark_store",
        "event_encrypt_key_secret": KEY,
        "event_verification_token": TOKEN,
    }

    def change(**extra):
        kept = {name: value for name, value in (conn["extra"] | extra).items() if value is not None}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({**conn, "extra": kept}))

    change()
    return change


@contextmanager
def serve():
    """Run the command on a free port, and give its address; end it as systemd does."""
    command = [sys.executable, "-m", "airflow", "lark", "receive", "--http", "127.0.0.1:0"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"POST (http://127\.0\.0\.1:[1-9]\d*/lark_default)", line):
                # Lark waits a second for its answer, and a busy machine needs longer to begin
                assert httpx.get(found[1], timeout=120).status_code == 405
                yield found[1]
                break
        else:
            pytest.fail("".join(said))
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=120)
        print("".join(said) + rest)
    assert process.returncode == 0, "".join(said) + rest


def run_operator(**given):
    from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator

    operator = BitableIncrementalSyncOperator(
        task_id="sync", mapping={"MyDB:areas": "areas"}, sql_conn_id="shop_db", **given
    )
    return operator.execute({"run_id": "manual"})


def subscribe(emulator, app_token):
    """Let tasks run until one has subscribed to the base, which it does after its first run."""
    wait_until(lambda: run_operator(run_for=2, events=True) and emulator.state.subscriptions.of(app_token))


def follow():
    """Let tasks run until one has met a hint, and return its report; on a slow machine the first run takes it all."""
    while not (report := run_operator(run_for=4, poll_interval=3600, events=True))["hints"]:
        pass
    return report


def rows(tmp_path):
    with open_sqlite(tmp_path / "shop.db").connect() as conn:
        return dict(conn.execute(text("SELECT code, name FROM areas")).all())


def test_edit_reaches_sql_by_its_event_and_not_by_the_poll(receiving, emulator, tmp_path):
    app_token = next(iter(emulator.state.bases))
    table_id = next(iter(emulator.state.bases[app_token].tables))
    with serve() as url:
        # sends the encrypted challenge, as the console does
        emulator.state.set_event_url(emulator.app_id, url, encrypt_key=KEY, verification_token=TOKEN)
        subscribe(emulator, app_token)
        emulator.person.add_record(app_token, table_id, {"code": "110000", "name": "北京"})
        emulator.events.settle(120)
        assert {each.state for each in emulator.events.log()} == {"delivered"}
        report = follow()
    assert rows(tmp_path) == {"110000": "北京"}
    # the run at the start, and one for the event, be it before or after
    assert (report["hints"], report["runs"]) == (1, 2)


def test_forged_request_is_refused_and_logged(receiving, capfd):
    """A line in the log once ended the request with 500: Airflow keeps its commands quiet by raising in the log."""
    with serve() as url:
        answers = [httpx.post(url, content=body, timeout=120).status_code for body in (b"{}", b"no JSON")]
    assert answers == [503, 400], "unencrypted, and no delivery at all"
    assert "the connection has an Encrypt Key, and a delivery came unencrypted" in capfd.readouterr().out


def test_event_goes_through_rabbitmq_to_the_inbox(airflow, receiving, emulator, queue, tmp_path):
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    receiving(rabbitmq_conn_id="broker")
    app_token = next(iter(emulator.state.bases))
    table_id = next(iter(emulator.state.bases[app_token].tables))
    with serve() as url:
        emulator.state.set_event_url(emulator.app_id, url, encrypt_key=KEY, verification_token=TOKEN)
        subscribe(emulator, app_token)
        emulator.person.add_record(app_token, table_id, {"code": "110000", "name": "北京"})
        emulator.events.settle(120)
        assert {each.state for each in emulator.events.log()} == {"delivered"}

        inbox = open_inbox(LarkHook())
        wait_until(lambda: inbox.count().pending == 1)
        report = follow()
    assert rows(tmp_path) == {"110000": "北京"}
    assert (report["hints"], inbox.count().completed, queue.count()) == (1, 1, (0, 0))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"store_conn_id": None}, "has no token store"),
        ({"event_encrypt_key_secret": None, "event_verification_token": None}, "neither an Encrypt Key nor"),
    ],
)
def test_connection_that_cannot_receive_is_refused_at_the_start(airflow, receiving, extra, said):
    """Input 7.02: the receiver says so, and does not serve that app."""
    receiving(**extra)
    outcome = airflow("receive")
    assert outcome.status == 1
    assert said in outcome.err
    assert "connection 'lark_default'" in outcome.err
    assert KEY not in outcome.text


@pytest.mark.parametrize("address", ["", "8765", "host:", "host:port", "host:99999", ":80"])
def test_address_that_is_none_is_refused(airflow, receiving, address):
    outcome = airflow("receive", "--http", address)
    assert outcome.status == 1
    assert "HOST:PORT" in outcome.err


def test_port_that_is_taken_is_said(receiving):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "airflow", "lark", "receive"]
        command += ["--http", f"127.0.0.1:{taken.getsockname()[1]}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "in use" in done.stderr


@contextmanager
def connect(until):
    """Run the command over the long connection; end it as systemd does."""
    command = [sys.executable, "-m", "airflow", "lark", "receive", "--long-connection"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(lambda: until() or process.poll() is not None)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
        print(said)
    assert process.returncode in (0, -signal.SIGKILL), said


def test_edit_reaches_sql_over_the_long_connection(receiving, emulator, tmp_path):
    # neither Encrypt Key nor token is needed there
    receiving(event_encrypt_key_secret=None, event_verification_token=None)
    app_token = next(iter(emulator.state.bases))
    table_id = next(iter(emulator.state.bases[app_token].tables))
    emulator.state.set_long_connection(emulator.app_id)
    with connect(lambda: emulator.sockets.tally.pings):
        subscribe(emulator, app_token)
        emulator.person.add_record(app_token, table_id, {"code": "110000", "name": "北京"})
        emulator.events.settle(120)
        assert {each.state for each in emulator.events.log()} == {"delivered"}
        report = follow()
    assert rows(tmp_path) == {"110000": "北京"}
    assert report["hints"] == 1


def test_second_process_waits_and_takes_over_from_one_that_was_killed(receiving, emulator, tmp_path):
    # 7.31
    with connect(lambda: emulator.sockets.tally.pings) as first:
        (holder,) = emulator.sockets.devices(emulator.app_id)
        with connect(lambda: True) as second:
            assert first.poll() is second.poll() is None
            assert emulator.sockets.devices(emulator.app_id) == [holder]
            first.kill()
            wait_until(lambda: not emulator.sockets.devices(emulator.app_id))
            with open_sqlite(tmp_path / "store.db").begin() as conn:
                # as if the 30 s of its lease were over
                conn.execute(text("UPDATE lark_connections SET expires_ms = 0"))
            wait_until(lambda: emulator.sockets.devices(emulator.app_id))


def test_refusal_that_stays_ends_the_long_connection_with_one_line(airflow, receiving, emulator, monkeypatch):
    conn = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({**conn, "password": "wrong-secret"}))
    command = [sys.executable, "-m", "airflow", "lark", "receive", "--long-connection"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.count("Lark rejected App ID or App Secret") == 1
    assert "Traceback" not in done.stderr
    assert "wrong-secret" not in done.stdout + done.stderr


def test_both_ways_at_once_are_refused(airflow, receiving):
    outcome = airflow("receive", "--long-connection", "--http", "127.0.0.1:0")
    assert outcome.status == 1
    assert "exclude each other" in outcome.err
