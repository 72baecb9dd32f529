from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connection import LarkSettings

SECRET = "s3cret-of-the-app"


def connection(**changes):
    parts = {"conn_id": "lark_shop", "conn_type": "lark", "login": "cli_a", "password": SECRET} | changes
    if isinstance(parts.get("extra"), dict):
        parts["extra"] = json.dumps(parts["extra"])
    return Connection(**parts)


def test_settings_of_a_bare_connection_have_defaults():
    settings = LarkSettings.from_connection(connection())
    assert settings == LarkSettings("cli_a", SECRET, "https://open.feishu.cn", 30.0, None, {}, None)


@pytest.mark.parametrize(
    ("parts", "host"),
    [
        pytest.param({"host": "https://open.larksuite.com/"}, "https://open.larksuite.com", id="trailing slash"),
        pytest.param({"host": "open.larksuite.com"}, "https://open.larksuite.com", id="from an URI"),
        pytest.param({"host": "127.0.0.1", "schema": "http", "port": 8080}, "http://127.0.0.1:8080", id="port apart"),
        pytest.param({"host": "http://127.0.0.1:9"}, "http://127.0.0.1:9", id="port within"),
        pytest.param({"host": "http://[::1]:9"}, "http://[::1]:9", id="ipv6"),
        pytest.param({"host": "  "}, "https://open.feishu.cn", id="blank"),
    ],
)
def test_host_is_completed(parts, host):
    assert LarkSettings.from_connection(connection(**parts)).host == host


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        pytest.param({"MyDB": "bascn1"}, {"MyDB": "bascn1"}, id="object"),
        pytest.param('{"MyDB": "bascn1"}', {"MyDB": "bascn1"}, id="text of an object"),
        pytest.param({"MyDB": "https://x.feishu.cn/base/bascn1?table=t"}, {"MyDB": "bascn1"}, id="pasted address"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_bases_are_read_from_the_extra(bases, expected):
    assert LarkSettings.from_connection(connection(extra={"bases": bases})).bases == expected


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"conn_type": "http"}, ["'lark_shop'", "type 'http'", "'lark'"], id="wrong type"),
        pytest.param({"login": ""}, ["'lark_shop'", "App ID (login)", "developer console"], id="no app id"),
        pytest.param({"password": None}, ["App Secret (password)"], id="no secret"),
        pytest.param({"host": "ftp://x"}, ["host", "https://open.feishu.cn"], id="scheme"),
        pytest.param({"host": "https://x:99999"}, ["host"], id="port"),
        pytest.param({"extra": {"timeout_seconds": "soon"}}, ["timeout_seconds", "600"], id="timeout"),
        pytest.param({"extra": {"timeout_seconds": 0}}, ["timeout_seconds"], id="no time"),
        pytest.param({"extra": {"proxy": "proxy:3128"}}, ["proxy", "http://"], id="proxy"),
        pytest.param({"extra": {"ca_bundle": "/no/such.pem"}}, ["ca_bundle", "path"], id="ca bundle"),
        pytest.param({"extra": "[1]"}, ["extra", "JSON object"], id="extra"),
        pytest.param({"extra": {"bases": ["x"]}}, ["bases", '{"MyDB": "<app_token>"}'], id="bases no object"),
        pytest.param({"extra": {"bases": "{x"}}, ["bases", '{"MyDB": "<app_token>"}'], id="bases broken"),
        pytest.param({"extra": {"bases": {"MyDB": 7}}}, ["bases['MyDB']", "/base/"], id="base no text"),
    ],
)
def test_impossible_connection_is_named_and_keeps_its_secret(parts, words):
    with pytest.raises(ConfigError) as caught:
        LarkSettings.from_connection(connection(**parts))
    message = str(caught.value)
    assert "lark_shop" in message
    assert [word for word in words if word not in message] == []
    assert SECRET not in message


def test_settings_repr_shows_no_secret():
    settings = LarkSettings.from_connection(connection(extra={"proxy": "http://user:pr0xy-pass@proxy:3128"}))
    assert settings.secrets == (SECRET, "pr0xy-pass")
    assert not any(secret in repr(settings) for secret in settings.secrets)


def test_settings_are_the_same_after_a_trip_through_an_uri():
    first = connection(host="http://127.0.0.1:9", extra={"bases": {"MyDB": "bascn1"}, "timeout_seconds": 20})
    again = Connection.from_uri(first.get_uri(), conn_id="lark_shop")
    assert LarkSettings.from_connection(again) == LarkSettings.from_connection(first)
