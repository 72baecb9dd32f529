"""The receiver inside a real api-server: a process of its own, which Airflow starts and whose plugins it loads."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.address import TableRef
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.sync.feed import Feeds
from airflow_provider_lark.emulator import Emulator
from tests.api_server import answers, start_api_server, wait_until
from tests.core.receiving.sealing import click, dump, encrypt, event, signed
from tests.databases import open_sqlite

KEY, TOKEN = "encrypt key", "verification token"


class ApiServer:
    """A running api-server, and the store of the connection that it serves."""

    def __init__(self, url, log, store, ring):
        self.url = url
        self.log = log
        self.store = store
        self.ring = ring

    def inbox(self, app_id):
        return SqlInbox(self.store, Keyring.from_text(self.ring), app_id)

    def tell(self, body, app_id, *, conn_id="lark_default"):
        body["header"] |= {"app_id": app_id, "token": TOKEN}
        sealed = encrypt(dump(body), KEY)
        headers = signed(sealed, KEY, at=int(SystemClock().now()))
        return httpx.post(f"{self.url}/lark/events/{conn_id}", content=sealed, headers=headers, timeout=120)

    def told(self, text):
        return self.log.read_text(encoding="utf-8").count(text)


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def api_server(airflow_db, emulator, tmp_path_factory):
    """An api-server with two connections to serve; one of them does not exist."""
    folder = tmp_path_factory.mktemp("receiver")
    ring = Fernet.generate_key().decode()
    store = open_sqlite(folder / "store.db")
    extra = {"store_conn_id": "lark_store", "event_encrypt_key_secret": KEY, "event_verification_token": TOKEN}
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    env = {
        "AIRFLOW__LARK__RECEIVER_ENABLED": "True",
        "AIRFLOW__LARK__RECEIVER_CONN_IDS": "lark_default, lark_later",
        "AIRFLOW_CONN_LARK_DEFAULT": json.dumps({**lark, "extra": extra}),
        "AIRFLOW_CONN_LARK_STORE": json.dumps({"conn_type": "sqlite", "host": str(folder / "store.db")}),
        "LARK_CONFIG_ENCRYPTION_KEY": ring,
    }
    log = folder / "api-server.log"
    with start_api_server(log, **env) as (url, _):
        yield ApiServer(url, log, store, ring)
    store.dispose()


def test_lark_can_save_the_address_and_an_edit_stands_in_the_inbox(api_server, emulator):
    base = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(base, "Orders", [{"field_name": "Name", "type": 1}]).table_id
    # Lark checks the address here, without a login of Airflow's
    url = f"{api_server.url}/lark/events/lark_default"
    wait_until(lambda: api_server.tell(event(event_id="warm"), emulator.app_id).status_code == 200, api_server.log)
    emulator.state.set_event_url(emulator.app_id, url, encrypt_key=KEY, verification_token=TOKEN)
    with LarkClient(emulator.app_id, emulator.app_secret, host=emulator.url) as client:
        client.drive.subscribe(app_token=base)
    record = emulator.person.add_record(base, table, {"Name": "a"})
    emulator.events.settle(120)
    entries = api_server.inbox(emulator.app_id).claim(limit=10, token="me", lease_seconds=60, subject=f"{base}/{table}")
    assert [entry.event["action_list"][0]["record_id"] for entry in entries] == [record]


def test_click_gets_its_toast(api_server, emulator):
    answer = wait_until(lambda: api_server.tell(click({"a": 1}), emulator.app_id).json().get("toast"))
    assert answer["type"] == "info"


def test_automation_of_a_base_tells_of_an_edit(api_server, emulator):
    base = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(base, "Orders", [{"field_name": "Name", "type": 1}]).table_id
    with LarkClient(emulator.app_id, emulator.app_secret, host=emulator.url) as client:
        feeds = Feeds(client, Secret(emulator.app_secret), f"{api_server.url}/lark/feed/lark_default")
        assert [each.state for each in feeds.install([TableRef(base, table)])] == ["installed"]
    record = emulator.person.add_record(base, table, {"Name": "a"})

    def tell():
        # an automation does not post again, and a busy api-server may not take a post in time
        emulator.person.edit_record(base, table, record, {"Name": str(len(emulator.automations.log()))})
        emulator.automations.settle(120)
        return emulator.automations.log()[-1].status == 200

    wait_until(tell, api_server.log)
    entries = api_server.inbox(emulator.app_id).claim(limit=10, token="me", lease_seconds=60, subject=f"{base}/{table}")
    assert [entry.event["action_list"] for entry in entries] == [[{"record_id": record, "action": "record_edited"}]]


def test_nothing_else_is_opened(api_server):
    path = f"{api_server.url}/lark"
    assert httpx.post(f"{path}/events/lark_other", content=b"{}").status_code == 404
    assert {httpx.get(f"{path}{rest}").status_code for rest in ("/", "/events", "/docs", "/openapi.json")} == {404}
    agent = {"User-Agent": "Slackbot-LinkExpanding 1.0"}
    assert {
        httpx.request(method, f"{path}/events/lark_default", headers=agent).status_code
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
    } == {405}
    # what Airflow itself serves still wants a login
    assert httpx.get(f"{api_server.url}/api/v2/connections").status_code == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[" * 100_000, {}, 400),
        (b'{"encrypt":' + b"[" * 100_000, {}, 400),
        (b'{"schema"', {}, 400),
        (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415),
    ],
    ids=["deep", "deep in the envelope", "truncated", "gzip"],
)
def test_body_that_is_no_delivery_is_refused_and_the_api_server_goes_on(api_server, body, headers, status):
    """Input 7.06, in the api-server."""
    url = f"{api_server.url}/lark/events/lark_default"
    # the first request opens the connection, which a busy machine does not do within a second
    wait_until(lambda: httpx.post(url, content=body, headers=headers, timeout=120).status_code == status)
    assert answers(api_server.url)
    assert "Traceback" not in api_server.log.read_text(encoding="utf-8")


def test_body_of_a_gigabyte_is_refused_before_the_api_server_has_read_it(api_server):
    """Input 7.06: with its length told, and without."""
    host, port = api_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as sock:
        sock.sendall(b"POST /lark/events/lark_default HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 413")
    sent = []

    def endless():
        for _ in range(1024):
            sent.append(b"x" * (1 << 20))
            yield sent[-1]

    # the server may hang up while the body is still coming
    with suppress(httpx.TransportError):
        answer = httpx.post(f"{api_server.url}/lark/events/lark_default", content=endless(), timeout=120)
        assert answer.status_code == 413
    assert len(sent) < 200
    assert answers(api_server.url)


def test_store_that_is_held_is_said_in_time(api_server, emulator):
    wait_until(lambda: api_server.tell(event(event_id="ready"), emulator.app_id).status_code == 200, api_server.log)
    blocker = api_server.store.connect()
    try:
        blocker.exec_driver_sql("BEGIN EXCLUSIVE")
        # an answer at all shows that it does not wait for the store: that is not free before both have come
        assert api_server.tell(event(event_id="held up"), emulator.app_id).status_code == 503
        toast = api_server.tell(click({"held": "up"}), emulator.app_id).json()["toast"]
        assert (toast["type"], toast["content"]) == ("error", "Not recorded: please press again")
        # and the rest of the api-server goes on
        assert answers(api_server.url)
    finally:
        blocker.exec_driver_sql("ROLLBACK")
        blocker.close()
    wait_until(lambda: api_server.tell(event(event_id="held up"), emulator.app_id).status_code == 200, api_server.log)


def test_connection_that_is_missing_is_said_once_and_served_when_it_is_there(api_server, emulator):
    from airflow.models import Connection
    from airflow.utils.session import create_session

    def tell():
        return api_server.tell(event(event_id="later"), emulator.app_id, conn_id="lark_later").status_code

    assert [tell(), tell(), tell()] == [503, 503, 503]
    assert api_server.told("connection 'lark_later': does not exist") == 1
    extra = {"store_conn_id": "lark_store", "event_encrypt_key_secret": KEY}
    parts = {"login": emulator.app_id, "password": "s", "host": emulator.url, "extra": json.dumps(extra)}
    with create_session() as session:
        session.add(Connection(conn_id="lark_later", conn_type="lark", **parts))
    try:
        # from Airflow's own database, and without a restart
        wait_until(lambda: tell() == 200, api_server.log)
    finally:
        with create_session() as session:
            session.execute(text("DELETE FROM connection WHERE conn_id = 'lark_later'"))
    assert KEY not in api_server.log.read_text(encoding="utf-8")
