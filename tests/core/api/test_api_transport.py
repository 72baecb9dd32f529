"""Proxies, certificates, replicas: what lies between the client and Lark."""

from __future__ import annotations

import gc
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.errors import ConfigError, NotFound, Unreachable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator, ManualClock
from tests.certificates import write_own_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_own_certificate(tmp_path / "own.pem")


@pytest.fixture
def tls_server(server: Any, certificate: Path) -> Iterator[Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    tls = type(server)(context)
    yield tls
    tls.close()


def test_certificate_of_nobody_is_a_config_error_at_once(
    make_client: Callable[..., LarkClient], tls_server: Any, clock: Any
) -> None:
    with pytest.raises(ConfigError, match="certificate"):
        make_client(host=tls_server.url).bot.info()
    assert clock.waits == []


def test_certificate_given_as_ca_bundle_is_trusted(
    make_client: Callable[..., LarkClient], tls_server: Any, certificate: Path
) -> None:
    tls_server.say({"items": []})
    client = make_client(host=tls_server.url, verify=str(certificate))
    assert client.bitable.list_tables(app_token="basA") == []


def test_certificate_is_not_asked_for_where_verify_is_false(
    make_client: Callable[..., LarkClient], tls_server: Any
) -> None:
    tls_server.say({"items": []})
    assert make_client(host=tls_server.url, verify=False).bitable.list_tables(app_token="basA") == []


def test_proxy_given_to_the_client_gets_the_requests(make_client: Callable[..., LarkClient], server: Any) -> None:
    server.say({"items": []})
    client = make_client(host="http://lark.example", proxy=server.url)
    client.bitable.list_tables(app_token="basA")
    assert [heard.path.startswith("http://lark.example/open-apis/") for heard in server.heard] == [True, True]


def test_proxy_of_the_environment_gets_them_too(
    make_client: Callable[..., LarkClient], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.say({"items": []})
    make_client(host="http://lark.example").bitable.list_tables(app_token="basA")
    assert server.calls[0].path.startswith("http://lark.example/")


def test_proxy_of_the_environment_is_not_asked_for_this_machine(
    make_client: Callable[..., LarkClient], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.say({"items": []})
    make_client().bitable.list_tables(app_token="basA")
    assert server.calls[0].path.startswith("/open-apis/")


@pytest.fixture
def lagging(make_client: Callable[..., LarkClient]) -> Iterator[LarkClient]:
    """A client of an emulator whose replicas find new things 3 s late; both have one time."""
    clock = ManualClock()

    class Time:
        now = clock.now
        monotonic = clock.now
        sleep = clock.sleep

    with Emulator(clock=clock) as emu:
        emu.switches.replica_lag_seconds = 3.0
        yield make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url, clock=Time())


def test_replica_lag_after_our_own_creations_is_waited_for(lagging: LarkClient) -> None:
    app = lagging.bitable.create_app(name="Shop")
    table_id = lagging.bitable.create_table(
        app_token=app.app_token, name="areas", fields=[{"field_name": "Name", "type": 1}]
    )
    at = {"app_token": app.app_token, "table_id": table_id}
    lagging.bitable.create_field(**at, field={"field_name": "Note", "type": 1})
    record = lagging.bitable.create_record(**at, fields={"Note": "new"})
    assert record["fields"] == {"Note": "new"}


def test_replica_lag_is_no_excuse_for_what_never_existed(lagging: LarkClient) -> None:
    with pytest.raises(NotFound):
        lagging.bitable.list_tables(app_token="basNone")
    assert lagging.calls.by_kind["tables"] == 1


def test_answer_that_was_read_leaves_no_garbage(make_client: Callable[..., LarkClient], server: Any) -> None:
    # bodies of megabytes would wait for the collector, which counts objects, not bytes
    client = make_client()
    server.say({"items": []}, times=3)
    client.bitable.list_tables(app_token="basA")
    gc.collect()
    gc.disable()
    try:
        before = _exchanges()
        for _ in range(2):
            client.bitable.list_tables(app_token="basA")
        assert _exchanges() == before
    finally:
        gc.enable()


def _exchanges() -> int:
    # by type(): isinstance() asks lazy objects of other libraries for their class, which wakes them
    return sum(issubclass(type(found), (httpx.Request, httpx.Response)) for found in gc.get_objects())


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("of_environment", [False, True], ids=["given", "environment"])
@pytest.mark.parametrize("host", ["https://open.feishu.cn", "http://lark.example"])
def test_proxy_that_is_down_is_named_without_its_password(
    make_client: Callable[..., LarkClient],
    clock: Any,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    of_environment: bool,
) -> None:
    proxy = f"http://user:canary@127.0.0.1:{closed_port}"
    if of_environment:
        monkeypatch.setenv("ALL_PROXY", proxy)
    client = make_client(host=host, **({} if of_environment else {"proxy": proxy}))
    with pytest.raises(
        Unreachable, match=f"through the proxy 127.0.0.1:{closed_port}: the proxy refused the connection"
    ) as caught:
        client.bot.info()
    assert len(clock.waits) == 5
    assert "canary" not in f"{caught.value} {caught.value.__cause__!r} {client!r}"


def test_proxy_that_refuses_is_told_from_one_that_is_down(make_client: Callable[..., LarkClient], server: Any) -> None:
    # the scripted server does not know CONNECT
    with pytest.raises(Unreachable, match=r"the proxy rejected the connection \(HTTP 501\)"):
        make_client(host="https://open.feishu.cn", proxy=server.url, max_attempts=1).bot.info()


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        pytest.param("ftp://user:canary@x", "of the environment .* is not a valid URL", id="scheme"),
        pytest.param("http://user:canary@x:port", "of the environment .* is not a valid URL", id="port"),
    ],
)
def test_proxy_of_the_environment_that_is_no_address_shows_no_password(
    make_client: Callable[..., LarkClient], monkeypatch: pytest.MonkeyPatch, proxy: str, message: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigError, match=message) as caught:
        make_client(host="https://open.feishu.cn")
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_proxy_of_the_environment_leaves_out_whom_it_shall(
    make_client: Callable[..., LarkClient], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "lark.invalid")
    with pytest.raises(Unreachable, match="cannot resolve the name of the host"):
        make_client(host="http://lark.invalid", max_attempts=1).bot.info()
    assert server.heard == []
