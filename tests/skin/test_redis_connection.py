"""A Redis connection of Airflow: its TLS options reach Redis, and without them nothing is sent."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import threading

import pytest
import redis

from airflow_provider_lark.core.accounts.rate_store import SqlRateStore
from airflow_provider_lark.core.accounts.redis_server import prefix_of
from airflow_provider_lark.core.api.calls.budget.change import ChangingStore
from airflow_provider_lark.core.errors import ConfigError, Unreachable
from airflow_provider_lark.hooks.connections import redis as connection
from airflow_provider_lark.hooks.connections.redis import open_rates, read_redis
from airflow_provider_lark.hooks.lark import LarkHook
from tests.certificates import write_own_certificate
from tests.redis_server import running_redis
from tests.tap import tapped

KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
PASSWORD = "p@ss/w:rd #1"


def set_redis(monkeypatch, extra=None, **parts):
    given = {"conn_type": "redis", "host": "127.0.0.1", "password": PASSWORD, "extra": extra or {}, **parts}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_REDIS", json.dumps(given))


def visit(port, monkeypatch, extra, **parts):
    set_redis(monkeypatch, extra, port=port, **parts)
    return open_rates("lark_redis", "https://open.feishu.cn", "cli_1").visit(("n",), lambda _: ({"n": "1"}, "done"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_own_certificate(tmp_path_factory.mktemp("tls") / "own.pem")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis"), "--requirepass", PASSWORD) as port:
        yield port


def test_tls_is_asked_of_a_server_without_it_and_nothing_is_sent_in_plain(certificate, monkeypatch):
    """O48."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def listen():
            for _ in range(2):
                client, _ = plain.accept()
                heard.append(client.recv(4096))
                client.sendall(b"-ERR unknown command\r\n")
                client.close()

        threading.Thread(target=listen, daemon=True).start()
        extra = {"ssl": True, "ssl_cert_reqs": "required", "ssl_ca_certs": str(certificate), "db": 3}
        with pytest.raises(Unreachable, match="TLS settings") as caught:
            visit(plain.getsockname()[1], monkeypatch, extra)
    # a TLS handshake, and no command of Redis
    assert {each[:1] for each in heard} == {b"\x16"}
    assert PASSWORD.encode() not in b"".join(heard)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("kind", ["redis", "rediss"])
def test_tls_with_its_own_certificate_works(port, certificate, kind, monkeypatch):
    """O48."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with tapped("127.0.0.1", port, context) as tap:
        extra = {"ssl_ca_certs": str(certificate), **({"ssl": "true"} if kind == "redis" else {})}
        assert visit(tap.port, monkeypatch, extra, conn_type=kind) == "done"
        with pytest.raises(Unreachable):
            visit(tap.port, monkeypatch, {"ssl": True})
        assert visit(tap.port, monkeypatch, {"ssl": True, "ssl_cert_reqs": "none"}) == "done"


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"ssl": "yes please"}, "ssl must be true or false"),
        ({"ssl_ca_certs": "/etc/hosts"}, "has ssl_ca_certs but no ssl; set ssl to true"),
        ({"ssl": True, "ssl_ca_certs": "/no/such.pem"}, "ssl_ca_certs must be the path of a PEM file"),
        ({"ssl": True, "ssl_cert_reqs": "CERT_REQUIRED"}, "ssl_cert_reqs must be one of none, optional, required"),
        ({"db": "three"}, "in which db is a number"),
    ],
)
def test_option_that_cannot_be_is_refused_by_name(extra, problem, monkeypatch):
    """O48."""
    set_redis(monkeypatch, extra)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_redis("lark_redis")
    assert PASSWORD not in str(caught.value)


def test_options_are_those_of_the_redis_client(certificate, monkeypatch):
    """O48: Airflow's form stores ssl_cert_reqs also where TLS is off."""
    set_redis(monkeypatch, {"ssl": False, "ssl_cert_reqs": "required", "db": 3}, login="app")
    plain = {"host": "127.0.0.1", "port": 6379, "db": 3, "username": "app", "password": PASSWORD}
    assert read_redis("lark_redis") == plain
    files = {"ssl_ca_certs": str(certificate), "ssl_certfile": str(certificate), "ssl_keyfile": str(certificate)}
    set_redis(monkeypatch, {"ssl": True, **files, "ssl_check_hostname": False})
    found = read_redis("lark_redis")
    assert {name: found[name] for name in files} == files
    assert (found["ssl"], found["ssl_cert_reqs"], found["ssl_check_hostname"]) == (True, "required", False)


@pytest.fixture
def lark(shop, monkeypatch, tmp_path):
    """Sets the extra of the shop's connection."""
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", KEY)
    accounts = {"conn_type": "sqlite", "host": str(tmp_path / "accounts.db")}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_ACCOUNTS", json.dumps(accounts))
    monkeypatch.setattr(connection, "_TOLD", set())

    def set_extra(**extra):
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": extra}))

    return set_extra


def test_hook_shares_rate_limits_where_its_connection_says(lark, port, monkeypatch):
    set_redis(monkeypatch, port=port)
    lark()
    assert LarkHook().rates is None
    lark(store_conn_id="lark_accounts")
    assert isinstance(LarkHook().rates, SqlRateStore)
    lark(store_conn_id="lark_accounts", redis_conn_id="lark_redis")
    assert isinstance(LarkHook().rates, ChangingStore)


def test_redis_connection_that_does_not_exist_is_said_once_and_stops_no_call(lark, shop, caplog):
    lark(store_conn_id="lark_accounts", redis_conn_id="no_such")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with LarkHook().client() as client:
                client.bitable.list_tables(app_token=shop.app_token)
    told = [each.message for each in caplog.records if "not shared through Redis" in each.message]
    assert len(told) == 1
    assert "connection 'no_such'" in told[0]


def test_hook_caches_ids_of_users_where_its_connection_says(lark, port, shop, monkeypatch, caplog):
    shop.emulator.state.add_user("Ann", "ann@example.com")
    set_redis(monkeypatch, port=port)
    lark(redis_conn_id="lark_redis")
    # a Redis that has just begun to count gives nothing for a minute
    born = prefix_of("rates", shop.emulator.url, LarkHook().settings.app_id) + "born"
    with redis.Redis(port=port, password=PASSWORD) as server:
        server.set(born, 0)
    for _ in range(2):
        with LarkHook().client() as client:
            assert LarkHook().user_directory(client).find_by_email(["ann@example.com"])["ann@example.com"]
            asked = client.calls.by_kind.get("other", 0)
    assert asked == 0
    lark(store_conn_id="lark_accounts", redis_conn_id="no_such")
    with caplog.at_level(logging.WARNING), LarkHook().client() as client:
        for _ in range(2):
            LarkHook().user_directory(client).find_by_email(["ann@example.com"])
    told = [each.message for each in caplog.records if "users' ids are not cached in Redis" in each.message]
    assert len(told) == 1
    assert "connection 'no_such'" in told[0]
