from __future__ import annotations

import json
import logging
import traceback

import pytest
from airflow.sdk import Connection

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import LarkSettings

SECRET = "s3cret-of-the-app"
EVENT_KEY = "k3y-of-the-events"


def connection(**changes):
    parts = {"conn_id": "lark_shop", "conn_type": "lark", "login": "cli_a", "password": SECRET} | changes
    if isinstance(parts.get("extra"), dict):
        parts["extra"] = json.dumps(parts["extra"])
    return Connection(**parts)


def read(**changes):
    return LarkSettings.from_connection(connection(**changes))


def test_settings_of_a_bare_connection_have_defaults():
    settings = read()
    assert settings == LarkSettings("cli_a", Secret(SECRET))
    assert (settings.host, settings.timeout_seconds, settings.warnings) == ("https://open.feishu.cn", 30.0, ())


def test_settings_of_a_full_connection_hold_every_field(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    extra = {
        "region": "lark",
        "timeout_seconds": "20",
        "proxy": " http://proxy:3128 ",
        "ca_bundle": str(bundle),
        "bases": {"MyDB": "bascn1"},
        "event_encrypt_key_secret": EVENT_KEY,
        "event_verification_token": "v-token",
        "store_conn_id": "shared_db",
        "rabbitmq_conn_id": "broker",
        "redis_conn_id": "bell",
        "tenant_key": "tenant-1",
        "base_v3": "on",
    }
    assert read(extra=extra) == LarkSettings(
        app_id="cli_a",
        app_secret=Secret(SECRET),
        host="https://open.larksuite.com",
        timeout_seconds=20.0,
        proxy=Secret("http://proxy:3128"),
        bases={"MyDB": "bascn1"},
        ca_bundle=str(bundle),
        event_encrypt_key=Secret(EVENT_KEY),
        event_verification_token=Secret("v-token"),
        token_store_conn_id="shared_db",
        rabbitmq_conn_id="broker",
        redis_conn_id="bell",
        tenant_key="tenant-1",
        base_v3=True,
    )


@pytest.mark.parametrize(
    ("parts", "host"),
    [
        pytest.param({"host": "https://open.larksuite.com/"}, "https://open.larksuite.com", id="trailing slash"),
        pytest.param({"host": "open.larksuite.com"}, "https://open.larksuite.com", id="from an URI"),
        pytest.param({"host": "127.0.0.1", "schema": "http", "port": 8080}, "http://127.0.0.1:8080", id="port apart"),
        pytest.param({"host": "http://127.0.0.1:9"}, "http://127.0.0.1:9", id="port within"),
        pytest.param({"host": "http://[::1]:9"}, "http://[::1]:9", id="ipv6"),
        pytest.param({"host": "  "}, "https://open.feishu.cn", id="blank"),
        pytest.param({"extra": {"region": "Lark"}}, "https://open.larksuite.com", id="region"),
        pytest.param({"host": "https://lark.corp", "extra": {"region": "lark"}}, "https://lark.corp", id="own host"),
        pytest.param({"extra": {"region": None}}, "https://open.feishu.cn", id="region not chosen"),
    ],
)
def test_host_is_completed(parts, host):
    assert read(**parts).host == host


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        pytest.param({"MyDB": "bascn1"}, {"MyDB": "bascn1"}, id="object"),
        pytest.param('{"MyDB": "bascn1"}', {"MyDB": "bascn1"}, id="text of an object"),
        pytest.param({"MyDB": "https://x.feishu.cn/base/bascn1?table=t"}, {"MyDB": "bascn1"}, id="pasted address"),
        pytest.param({"W": "https://x.feishu.cn/wiki/wik1"}, {"W": "https://x.feishu.cn/wiki/wik1"}, id="wiki"),
        pytest.param("", {}, id="empty"),
        pytest.param([], {}, id="empty in the form of Airflow 3.2"),
    ],
)
def test_bases_are_read_from_the_extra(bases, expected):
    assert read(extra={"bases": bases}).bases == expected


@pytest.mark.parametrize(
    ("extra", "seconds"),
    [
        pytest.param({"extra__lark__timeout_seconds": 5}, 5.0, id="prefixed"),
        pytest.param({"extra__lark__timeout_seconds": 5, "timeout_seconds": 7}, 7.0, id="plain one counts"),
        pytest.param({"timeout_seconds": 7, "extra__lark__timeout_seconds": 5}, 7.0, id="in any order"),
        pytest.param({"timeout_seconds": "", "extra__lark__timeout_seconds": 5}, 5.0, id="an empty one does not"),
    ],
)
def test_extra_fields_may_carry_the_prefix_of_older_airflows(extra, seconds):
    assert read(extra=extra).timeout_seconds == seconds


def test_token_store_may_be_called_so_in_the_extra():
    assert read(extra={"token_store_conn_id": "shared_db"}).token_store_conn_id == "shared_db"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"conn_type": "http"}, ["type 'http'", "'lark'"], id="wrong type"),
        pytest.param({"login": ""}, ["App ID (login)", "developer console"], id="no app id"),
        pytest.param({"password": None}, ["App Secret (password)"], id="no secret"),
        pytest.param(
            {"password": "***"}, ["App Secret (password) is ***", "enter the real value again"], id="masked secret"
        ),
        pytest.param(
            {"extra": {"event_encrypt_key_secret": "***"}}, ["event_encrypt_key_secret is ***"], id="masked encrypt key"
        ),
        pytest.param(
            {"extra": {"event_verification_token": " *** "}}, ["event_verification_token is ***"], id="masked token"
        ),
        pytest.param({"extra": {"proxy": "***"}}, ["proxy is ***"], id="masked proxy"),
        pytest.param({"extra": {"proxy": "http://u:***@p:3128"}}, ["the proxy password is ***"], id="masked password"),
        pytest.param({"host": "ftp://x"}, ["host", "https://open.feishu.cn"], id="scheme"),
        pytest.param({"host": "https://x:99999"}, ["host"], id="port"),
        pytest.param({"host": "https://x.feishu.cn/base/b"}, ["https://open.feishu.cn"], id="web page"),
        pytest.param({"extra": {"region": "china"}}, ["region", "feishu, lark"], id="region"),
        pytest.param({"extra": {"timeout_seconds": "soon"}}, ["timeout_seconds", "600"], id="timeout"),
        pytest.param({"extra": {"timeout_seconds": 0}}, ["timeout_seconds"], id="no time"),
        pytest.param({"extra": {"timeout_seconds": float("nan")}}, ["timeout_seconds"], id="time not a number"),
        pytest.param({"extra": {"timeout_seconds": [1]}}, ["timeout_seconds"], id="time in a list"),
        pytest.param({"host": f"https://u:{SECRET}@x"}, ["user name or password"], id="host with password"),
        pytest.param({"host": f"https://x:{SECRET}"}, ["host", "https://open.feishu.cn"], id="port no number"),
        pytest.param({"extra": {"proxy": "proxy:3128"}}, ["proxy", "http://"], id="proxy"),
        pytest.param({"extra": {"proxy": f"http://u:{SECRET}@proxy:port"}}, ["proxy", "http://"], id="proxy port"),
        pytest.param({"extra": {"proxy": f"http://u:{SECRET}@[::1"}}, ["proxy", "http://"], id="proxy brackets"),
        pytest.param({"extra": {"timeout_seconds": 10**400}}, ["timeout_seconds"], id="time without end"),
        pytest.param({"extra": {"ca_bundle": "/no/such.pem"}}, ["ca_bundle", "path"], id="ca bundle"),
        pytest.param({"extra": {"ca_bundle": "/" + "x" * 300}}, ["ca_bundle", "path"], id="ca bundle too long"),
        pytest.param({"extra": {"bases": {"MyDB": "https://[x"}}}, ["bases['MyDB']"], id="base no address"),
        pytest.param({"extra": {"event_encrypt_key_secret": [SECRET]}}, ["event_encrypt_key_secret"], id="key no text"),
        pytest.param({"extra": {"tenant_key": "x" * 5000}}, ["tenant_key", "4,096"], id="long text"),
        pytest.param({"extra": {"base_v3": "yes"}}, ["base_v3", "off, on"], id="base_v3"),
        pytest.param({"extra": "[1]"}, ["extra", "JSON object"], id="extra"),
        pytest.param({"extra": f"{{{SECRET}"}, ["extra", "JSON object"], id="extra broken"),
        pytest.param({"extra": "[" * 100_000}, ["extra", "JSON object"], id="extra too deep"),
        pytest.param({"extra": {f"f{n}": SECRET for n in range(10_000)}}, ["extra has 10,000 fields"], id="10,000"),
        pytest.param({"extra": {"bases": ["x"]}}, ["bases", '{"MyDB": "<app_token>"}'], id="bases no object"),
        pytest.param({"extra": {"bases": "{x"}}, ["bases", '{"MyDB": "<app_token>"}'], id="bases broken"),
        pytest.param({"extra": {"bases": {"MyDB": 7}}}, ["bases['MyDB']", "/base/"], id="base no text"),
        pytest.param({"extra": {"bases": {str(n): "b" for n in range(10_000)}}}, ["bases has 10,000"], id="bases"),
    ],
)
def test_impossible_connection_is_named_and_keeps_its_secret(parts, words):
    with pytest.raises(ConfigError) as caught:
        read(**parts)
    message = str(caught.value)
    assert "lark_shop" in message
    assert [word for word in words if word not in message] == []
    assert len(message) < 300
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    # what an error tracker keeps, but for the frames of this file
    stack = traceback.StackSummary.extract(traceback.walk_tb(caught.value.__traceback__), capture_locals=True)
    assert SECRET not in "".join(f"{frame.locals}" for frame in stack if "/tests/" not in frame.filename)
    assert caught.value.__context__ is None


def test_unknown_extra_field_is_warned_of_and_only_its_likeness_is_quoted():
    extra = {"timeout": 5, "extra__lark__proxi": "p", SECRET: 1, "verify": False, "app_name": "Shop", "added_at": "now"}
    assert read(extra=extra).warnings == (
        "unknown extra field 'timeout'; did you mean 'timeout_seconds'?",
        "unknown extra field 'proxi'; did you mean 'proxy'?",
        "2 unknown extra fields",
    )


def test_plain_http_to_another_machine_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING):
        assert read(host="http://lark.corp").is_readable
    assert "lark.corp uses plain http" in caplog.text
    assert not read(host="http://127.0.0.1:9").is_readable
    assert not read(host="https://lark.corp").is_readable


def test_settings_repr_shows_no_secret():
    proxy = "http://user:pr0xy%2Dpass@proxy:3128"
    extra = {"proxy": proxy, "event_encrypt_key_secret": EVENT_KEY, "event_verification_token": "v-token"}
    settings = read(extra=extra)
    assert settings.secrets == (SECRET, EVENT_KEY, "v-token", "pr0xy%2Dpass", "pr0xy-pass")
    assert not any(secret in repr(settings) for secret in settings.secrets)


def test_settings_cannot_become_an_xcom():
    from airflow.sdk.serde import serialize

    with pytest.raises(TypeError, match="secret"):
        serialize(read())


def test_settings_are_the_same_after_a_trip_through_an_uri():
    extra = {"bases": {"MyDB": "bascn1"}, "timeout_seconds": 20, "event_encrypt_key_secret": EVENT_KEY}
    first = connection(host="http://127.0.0.1:9", extra=extra)
    again = Connection.from_uri(first.get_uri(), conn_id="lark_shop")
    assert LarkSettings.from_connection(again) == LarkSettings.from_connection(first)
