"""Addresses as people type them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.http.host import is_local, normalize_host
from airflow_provider_lark.core.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        pytest.param("https://open.feishu.cn", "https://open.feishu.cn", id="as documented"),
        pytest.param("https://open.larksuite.com/", "https://open.larksuite.com", id="trailing slash"),
        pytest.param(" https://open.feishu.cn/open-apis/\n", "https://open.feishu.cn", id="pasted with path"),
        pytest.param("https://lark.corp.example:8443/gate", "https://lark.corp.example:8443/gate", id="own gateway"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="emulator"),
        pytest.param("http://[::1]:8080/", "http://[::1]:8080", id="ipv6"),
        pytest.param("HTTPS://open.feishu.cn", "HTTPS://open.feishu.cn", id="upper case scheme"),
    ],
)
def test_host_good_address_is_taken(typed: str, host: str) -> None:
    assert normalize_host(typed) == host


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("open.feishu.cn", "use https://open.feishu.cn", id="no scheme"),
        pytest.param("localhost:8080", "no scheme", id="no scheme but a port"),
        pytest.param("", "no scheme", id="empty"),
        pytest.param("ftp://open.feishu.cn", "not an http", id="other scheme"),
        pytest.param("https://:443", "not an http", id="no name"),
        pytest.param("https://open.feishu.cn:port", "not a valid address", id="port no number"),
        pytest.param("https://[::1", "not a valid address", id="broken brackets"),
        pytest.param("https://lark..corp", "not a valid address", id="two dots"),
        pytest.param(f"https://{'x' * 64}.corp", "not a valid address", id="name too long"),
        pytest.param("https://open.feishu.cn?x=1", "query", id="query"),
        pytest.param("https://acme.feishu.cn", r"use https://open\.feishu\.cn", id="the tenant's web address"),
        pytest.param("https://www.larksuite.com", r"use https://open\.larksuite\.com", id="lark's web address"),
    ],
)
def test_host_bad_address_says_what_to_write(typed: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        normalize_host(typed)


@pytest.mark.parametrize(
    ("host", "warnings"),
    [("http://lark.corp.example", 1), ("http://127.0.0.1:1", 0), ("http://localhost:1", 0), ("https://a.example", 0)],
)
def test_host_plain_http_elsewhere_warns(host: str, warnings: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        normalize_host(host)
    assert len(caplog.records) == warnings


@pytest.mark.parametrize(
    ("host", "local"), [("http://127.9.9.9", True), ("http://a.localhost", True), ("http://10.0.0.1", False)]
)
def test_host_local_is_this_machine_only(host: str, local: bool) -> None:
    assert is_local(host) is local


@pytest.mark.parametrize(("app_id", "secret", "name"), [("", "s", "App ID"), ("cli", " ", "App Secret")])
def test_client_without_credentials_names_the_missing_one(app_id: str, secret: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is empty"):
        LarkClient(app_id, secret)


def test_client_with_a_missing_ca_bundle_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.pem"):
        LarkClient("cli", "s", verify=str(tmp_path / "none.pem"))


def test_client_with_a_ca_bundle_that_is_none_says_so(tmp_path: Path) -> None:
    bundle = tmp_path / "bad.pem"
    bundle.write_text("not a certificate")
    with pytest.raises(ConfigError, match="PEM"):
        LarkClient("cli", "s", verify=str(bundle))
