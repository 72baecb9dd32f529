"""What the *Test* button says, against the emulator over HTTP: each thing that may be missing, in words."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.hooks.connections.diagnosis import MAX_BASES
from airflow_provider_lark.hooks.lark import LarkHook
from tests.certificates import write_own_certificate

KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
BOT = "GET /open-apis/bot/v3/info"


@pytest.fixture
def examine(emulator, monkeypatch):
    """Test a connection to the emulator whose parts are given, and return what Airflow would show."""

    def examine_(**parts):
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_TESTED", json.dumps(lark | parts))
        return LarkHook("lark_tested").test_connection()

    return examine_


@pytest.fixture
def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


def test_working_connection_says_who_the_app_is(examine, emulator):
    assert examine() == (True, f"Connected to Lark at {emulator.url} as app 'Emulated app'.")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"password": None}, "App Secret (password) is missing", id="no secret"),
        pytest.param({"password": "wr0ng-one"}, '("app secret invalid"); check App ID and App Secret', id="secret"),
        # what people type to try it: the word does not hide what Lark says
        pytest.param({"password": "my-app-secret"}, '("app secret invalid"); check App ID', id="secret of its words"),
        pytest.param({"login": "cli_none"}, '("app id not exists"); check App ID and App Secret', id="unknown app"),
        pytest.param({"login": "nonsense"}, "App ID or App Secret is malformed", id="malformed app"),
        pytest.param({"host": "https://open.fei shu.cn"}, "Host is not an http(s) address: use https://", id="blank"),
        pytest.param({"extra": {"bases": ["x"]}}, "Bases must be a JSON object", id="bases"),
        pytest.param({"extra": {"proxy": "socks5://127.0.0.1:1"}}, "pip install httpx[socks]", id="socks"),
    ],
)
def test_wrong_entry_is_said(examine, caplog, parts, words):
    with caplog.at_level(logging.DEBUG):
        works, told = examine(**parts)
    assert (works, words in told) == (False, True), told
    assert "lark_tested" not in told
    assert "wr0ng-one" not in told + caplog.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(99991401, "does not allow this machine's IP address", id="ip allow-list"),
        pytest.param(99991662, "The app is disabled", id="disabled"),
        pytest.param(99991673, "The app is not installed in this tenant", id="not installed"),
        pytest.param(99991403, "monthly quota of API calls is used up", id="quota"),
        pytest.param(99991672, "The app lacks a scope", id="scope"),
    ],
)
def test_refusal_of_lark_is_said_with_its_code(examine, emulator, code, words):
    emulator.faults.add(BOT, code=code, status=400)
    works, told = examine()
    assert (works, words in told, f"(code {code}, log_id " in told) == (False, True, True), told


def test_app_without_a_bot_works_and_is_told_what_it_cannot_do(examine, emulator):
    emulator.faults.add(BOT, code=11205, status=400, msg="app do not have bot")
    works, told = examine()
    assert works
    assert "It has no bot, which is needed to send messages: add the Bot feature" in told


def test_app_that_is_disabled_in_the_tenant_is_said(examine, emulator):
    emulator.state.set_app(emulator.app_id, enabled=False)
    works, told = examine()
    assert (works, "the app is disabled" in told) == (False, True), told


@pytest.mark.parametrize(
    ("status", "works", "words"),
    [
        pytest.param(0, False, "but it is not installed in this tenant", id="not installed"),
        pytest.param(1, False, "but it is disabled in this tenant", id="disabled"),
        pytest.param(2, True, "as app 'Shop sync'.", id="in use"),
        pytest.param(4, False, "but it is waiting for an administrator", id="waits"),
        pytest.param(6, False, "the tenant's plan has expired", id="plan"),
        pytest.param(99, True, "as app 'Shop sync'.", id="new in Lark"),
    ],
)
def test_state_of_the_app_is_said(examine, status, works, words):
    bot = {"app_name": "Shop sync", "open_id": "ou_bot", "activate_status": status}
    with platform({"tenant_access_token": "t-1", "expire": 7200, "bot": bot}) as url:
        found, told = examine(host=url)
    assert (found, words in told) == (works, True), told


def test_missing_scope_is_named(examine, emulator):
    shop = emulator.state.create_base("Shop")
    emulator.state.set_app(emulator.app_id, scopes=["contact:user.id:readonly"])
    works, told = examine(extra={"bases": {"MyDB": shop.app_token}})
    assert not works
    assert "Base 'MyDB' cannot be opened: " in told
    assert "one of these scopes is required: " in told
    assert "bitable:app" in told


def test_missing_answer_is_not_waited_for_twice(examine, emulator):
    emulator.faults.add(BOT, action="drop_after", times=9)
    works, told = examine()
    assert (works, told[:14]) == (False, "No response fr")
    assert emulator.counters()[BOT] == 1


def test_token_of_the_process_does_not_hide_an_app_that_lark_refuses(examine, emulator):
    assert examine()[0]
    emulator.faults.add("tenant_access_token", code=10014, status=200, msg="app disabled")
    assert not examine()[0]


def test_each_named_base_is_tried_and_said(examine, emulator):
    shop = emulator.state.create_base("Shop")
    other = emulator.state.create_base("Other")
    emulator.faults.add(f"apps/{other.app_token}$|apps/:app_token$", code=91403, status=403, skip=1)
    works, told = examine(extra={"bases": {"MyDB": shop.app_token, "Other": other.app_token, "Gone": "basGone"}})
    assert not works
    assert "Base 'MyDB' opens as 'Shop'. Base 'Other' cannot be opened: " in told
    assert "choose … > More > Add document app" in told
    assert "Base 'Gone' cannot be opened: base basGone: the document does not exist" in told


def test_base_behind_a_wiki_page_is_found(examine, emulator):
    shop = emulator.state.create_base("Shop")
    address = f"https://x.feishu.cn/wiki/{emulator.state.add_wiki_node(shop.app_token)}"
    assert "Base 'MyDB' opens as 'Shop'" in examine(extra={"bases": {"MyDB": address}})[1]


def test_bases_are_not_tried_for_longer_than_a_person_waits(examine, emulator):
    shop = emulator.state.create_base("Shop")
    names = {f"b{n}": shop.app_token for n in range(MAX_BASES + 3)}
    assert examine(extra={"bases": names})[1].endswith("Not tried: 3 more bases.")
    emulator.faults.add("apps/:app_token$", action="drop_before", times=9)
    works, told = examine(extra={"bases": names})
    assert not works
    assert "Base 'b0' did not respond, so no further bases were tried: " in told


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Point the token store of a connection somewhere, with a key or without; returns its extra."""

    def store_(key=KEY, folder=tmp_path, conn_id="lark_accounts"):
        parts = {"conn_type": "sqlite", "host": str(folder / "accounts.db")}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_ACCOUNTS", json.dumps(parts))
        monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", key)
        return {"store_conn_id": conn_id}

    return store_


def test_token_store_that_works_is_not_worth_a_word(examine, store):
    assert examine(extra=store()) == examine()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"folder": Path("/no/such")}, "failed (OperationalError 14)", id="down"),
        pytest.param({"key": ""}, "needs an encryption key: generate one with `openssl rand -base64 32`", id="no key"),
        pytest.param({"key": "k3y-too-short"}, "LARK_CONFIG_ENCRYPTION_KEY is not 32 bytes in base64", id="bad key"),
        pytest.param({"conn_id": "lark_nowhere"}, "connection 'lark_nowhere': does not exist", id="no connection"),
    ],
)
def test_token_store_that_does_not_work_is_said_beside_what_does(examine, store, change, words):
    works, told = examine(extra=store(**change))
    assert not works
    assert "as app 'Emulated app'. The token store does not work: " in told
    assert words in told
    assert "k3y" not in told


def test_token_store_of_another_key_is_said(examine, emulator, store):
    extra = store()
    assert examine(extra=extra)[0]
    with LarkHook("lark_tested").client(clock=SystemClock()) as client:
        client.bot.info()
    works, told = examine(extra=store(key="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
    assert (works, "which this worker does not have" in told) == (False, True), told


def test_store_app_is_tested_with_the_ticket_of_its_store(examine, emulator, store):
    emulator.state.add_app("cli_store", "store-secret", kind="store")
    extra = store() | {"tenant_key": emulator.state.tenant_key}
    works, told = examine(login="cli_store", password="store-secret", extra=extra)
    assert (works, "no valid app ticket" in told) == (False, True), told
    with LarkHook("lark_tested").client(tenant_key=None) as receiver:
        receiver.auth.keep_app_ticket(emulator.state.push_ticket("cli_store"))
    assert examine(login="cli_store", password="store-secret", extra=extra)[0]


def test_unknown_extra_field_is_told_by_the_test(examine):
    assert examine(extra={"timeout": 3})[1].endswith(
        "Warning: unknown extra field 'timeout'; did you mean 'timeout_seconds'?"
    )


def test_plain_http_is_told_by_the_test(examine):
    works, told = examine(host="http://open.feishu")
    assert (works, "plain http" in told) == (False, True), told


def test_closed_port_is_said(examine, closed_port):
    works, told = examine(host=f"http://127.0.0.1:{closed_port}")
    assert (works, "the host refused the connection" in told) == (False, True), told


def test_proxy_that_is_down_is_named_without_its_password(examine, closed_port):
    works, told = examine(extra={"proxy": f"http://user:pr0xy-pass@127.0.0.1:{closed_port}"})
    assert not works
    assert f"through the proxy 127.0.0.1:{closed_port}: the proxy refused the connection" in told
    assert "pr0xy-pass" not in told


def test_proxy_that_refuses_is_said_with_its_status(examine):
    with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as port:
        works, told = examine(host="https://open.feishu.cn", extra={"proxy": f"http://u:pr0xy-pass@127.0.0.1:{port}"})
    assert not works
    assert "the proxy rejected the connection (HTTP 407); check its user and password" in told
    assert "pr0xy-pass" not in told


def test_https_to_a_port_without_tls_is_said(examine, emulator):
    works, told = examine(host=emulator.url.replace("http://", "https://"))
    assert (works, "does not speak TLS" in told) == (False, True), told


def test_certificate_that_does_not_verify_is_said_with_what_to_give(examine, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write_own_certificate(tmp_path / "own.pem"))
    with answering(b"", context) as port:
        works, told = examine(host=f"https://127.0.0.1:{port}")
    assert not works
    assert "This machine does not trust the certificate of" in told
    assert "ca_bundle" in told


@contextmanager
def platform(members):
    """A platform that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"code": 0, **members}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def answering(answer, context=None):
    """A server that gives one answer to one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            conn, _ = listening.accept()
            try:
                with context.wrap_socket(conn, server_side=True) if context else conn as talk:
                    talk.recv(4096)
                    talk.sendall(answer)
            except OSError:
                # the client hangs up when it does not trust us
                conn.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()
