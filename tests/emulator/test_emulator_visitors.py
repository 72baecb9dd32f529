"""Web sites that are open in the same browser as the emulator's page, and programs, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_lark.emulator import Emulator

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAMED = {**FOLLOWED, "Sec-Fetch-Dest": "iframe"}
SHOWN = ["/_emulator/", "/_emulator", "/_emulator/page/app.js", "/_emulator/view/overview", "/_emulator/messages"]


def own_port(caller: Any) -> str:
    return str(caller.emu.url.rpartition(":")[2])


def change(caller: Any, **headers: str) -> int:
    return int(caller.http.post("/_emulator/users", json={"name": "Mallory"}, headers=headers).status_code)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(EVIL, id="another site"),
        pytest.param({"Origin": "https://evil.example"}, id="a browser without Sec-Fetch"),
        pytest.param({"Origin": "null"}, id="a frame without a site"),
        pytest.param({"Origin": "http://localhost:1"}, id="another port of this machine"),
        pytest.param({"Origin": "http://[broken"}, id="an origin that is none"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="no origin"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="same site, another origin"),
        pytest.param({**FOLLOWED, "Origin": "null"}, id="a form of another site"),
        pytest.param(FOLLOWED, id="a form of an old browser"),
        pytest.param({"Host": "evil.example:8787"}, id="a name that means this machine"),
        pytest.param({"Host": "127.0.0.1.evil.example"}, id="a name that begins as an address"),
        pytest.param({"Host": "localhost.evil.example"}, id="a name that begins as localhost"),
        pytest.param({"Host": "10.1.2.3"}, id="an address that is not listened on"),
        pytest.param({"Host": "[broken"}, id="a host that is none"),
    ],
)
def test_another_site_changes_and_reads_nothing(caller: Any, headers: dict[str, str]) -> None:
    before = caller.http.get("/_emulator/view/overview").text

    assert change(caller, **headers) == 403
    if headers is not FOLLOWED:
        for path in SHOWN:
            answer = caller.http.get(path, headers=headers)
            assert (answer.status_code, set(answer.json())) == (403, {"error"}), path
    assert caller.http.get("/_emulator/view/overview").text == before
    assert caller.http.post("/_emulator/state/add_user", json={"name": "Ann"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a program"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="an address that was typed"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, id="the page's own request"),
        pytest.param({"Host": "localhost:9"}, id="localhost through a tunnel"),
        pytest.param({"Host": "LOCALHOST"}, id="capitals"),
        pytest.param({"Host": "lark.localhost"}, id="a name under localhost"),
        pytest.param({"Host": "[::1]:8787"}, id="IPv6"),
        pytest.param({"Host": "127.9.9.9"}, id="another loopback address"),
    ],
)
def test_programs_and_the_page_itself_are_answered(caller: Any, headers: dict[str, str]) -> None:
    assert change(caller, **headers) == 200
    assert [caller.http.get(path, headers=headers).status_code for path in SHOWN] == [200, 308, 200, 200, 200]


def test_request_of_the_page_with_its_origin_is_answered(caller: Any) -> None:
    port = own_port(caller)
    for name in ("127.0.0.1", "localhost"):
        headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}", "Sec-Fetch-Site": "same-origin"}
        assert change(caller, **headers) == 200


def test_link_of_another_site_opens_the_page_but_no_frame(caller: Any) -> None:
    assert caller.http.get("/_emulator/", headers=FOLLOWED).status_code == 200
    assert caller.http.get("/_emulator/", headers=FRAMED).status_code == 403


def test_lark_api_itself_asks_for_no_origin(caller: Any) -> None:
    headers = {**EVIL, "Host": "evil.example", **caller.headers}
    assert caller.http.get("/open-apis/bot/v3/info", headers=headers).json()["code"] == 0


@pytest.fixture
def open_one() -> Iterator[httpx.Client]:
    with (
        Emulator(host="0.0.0.0", allowed_hosts=["Emulator", "lark.example.com"]) as emulator,
        httpx.Client(base_url=emulator.url.replace("0.0.0.0", "127.0.0.1"), timeout=60, verify=False) as http,
    ):
        yield http


def test_names_that_were_allowed_are_answered_and_addresses_where_all_are_listened_on(open_one: httpx.Client) -> None:
    def status(**headers: str) -> int:
        return open_one.post("/_emulator/users", json={"name": "Ann"}, headers=headers).status_code

    assert status(Host="emulator:8787") == 200
    assert status(Host="192.168.1.9:8787") == 200
    assert status(Host="evil.example") == 403
    # behind a proxy that asks by another name than the browser does
    assert status(Origin="https://lark.example.com", **{"Sec-Fetch-Site": "same-origin"}) == 200
    assert status(Origin="https://lark.example.com.evil.example") == 403


def test_command_takes_further_names() -> None:
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", "--allow-host", "emulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        health = f"{process.stdout.readline().strip()}/_emulator/health"
        told = [httpx.get(health, headers={"Host": name}, verify=False) for name in ("emulator:1", "other")]
        process.terminate()
        process.communicate(timeout=600)
    assert [each.status_code for each in told] == [200, 403]
    assert "--allow-host" in told[1].json()["error"]
