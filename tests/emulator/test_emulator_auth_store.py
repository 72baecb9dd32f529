"""Store apps: app_ticket, app token, tenant token (lark-api §1.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.listener import Listener

AUTH = "/open-apis/auth/v3"
STORE = {"app_id": "cli_store", "app_secret": "hush"}


def ask(caller: Any, path: str, **body: Any) -> dict[str, Any]:
    answer = caller.http.post(f"{AUTH}/{path}", json=body)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def ticket(caller: Any) -> str:
    caller.emu.state.add_app(*STORE.values(), kind="store")
    text: str = caller.emu.state.push_ticket("cli_store")
    return text


def test_store_app_comes_from_ticket_to_data(caller: Any, ticket: str) -> None:
    app = ask(caller, "app_access_token", **STORE, app_ticket=ticket)
    assert (app["code"], app["app_access_token"][:2], app["expire"]) == (0, "a-", 7200)

    key = caller.emu.state.tenant_key
    tenant = ask(caller, "tenant_access_token", app_access_token=app["app_access_token"], tenant_key=key)
    caller.headers = {"Authorization": f"Bearer {tenant['tenant_access_token']}"}
    assert caller.search()["total"] == 0


def test_resend_pushes_a_ticket_that_is_taken(caller: Any, listener: Listener) -> None:
    caller.emu.state.add_app(*STORE.values(), kind="store")
    caller.emu.state.set_event_url("cli_store", listener.url, verification_token="v")

    assert ask(caller, "app_ticket/resend", **STORE)["code"] == 0

    caller.emu.events.settle()
    (heard,) = listener.events()
    assert (heard["type"], heard["token"], heard["event"]["type"]) == ("event_callback", "v", "app_ticket")
    assert (heard["event"]["app_id"], bool(heard["uuid"]), bool(heard["ts"])) == ("cli_store", True, True)
    assert ask(caller, "app_access_token", **STORE, app_ticket=heard["event"]["app_ticket"])["code"] == 0


def test_ticket_comes_by_the_hour(caller: Any, clock: Any, listener: Listener) -> None:
    caller.emu.state.add_app(*STORE.values(), kind="store")
    caller.emu.state.set_event_url("cli_store", listener.url)

    for _ in range(3):
        clock.advance(3600)
        caller.emu.events.settle()

    tickets = [each["event"]["app_ticket"] for each in listener.events()]
    assert len(set(tickets)) == 3
    codes = [ask(caller, "app_access_token", **STORE, app_ticket=each)["code"] for each in tickets]
    assert codes == [10012, 0, 0], "the two newest are taken"


def test_hourly_ticket_comes_without_asking(caller: Any, clock: Any, listener: Listener) -> None:
    caller.emu.state.add_app(*STORE.values(), kind="store")
    caller.emu.state.set_event_url("cli_store", listener.url)
    clock.advance(3600)

    assert listener.called.wait(60)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param("app_access_token", {**STORE, "app_ticket": "old"}, 10012, id="unknown ticket"),
        pytest.param("app_access_token", {**STORE}, 10003, id="no ticket"),
        pytest.param("app_access_token", {**STORE, "app_secret": "x", "app_ticket": "old"}, 10014, id="wrong secret"),
        pytest.param("tenant_access_token", {"app_access_token": "a-x", "tenant_key": "k"}, 10013, id="no app token"),
        pytest.param("tenant_access_token/internal", STORE, 10005, id="store app asks as self-built"),
        pytest.param("app_ticket/resend", {**STORE, "app_id": "cli_nobody"}, 10014, id="unknown app"),
    ],
)
def test_store_app_is_refused_with_http_200(
    caller: Any, ticket: str, path: str, body: dict[str, str], code: int
) -> None:
    assert ask(caller, path, **body)["code"] == code


def test_self_built_app_has_no_ticket(caller: Any) -> None:
    known = {"app_id": caller.emu.app_id, "app_secret": caller.emu.app_secret}

    assert ask(caller, "app_ticket/resend", **known)["code"] == 10016
    assert ask(caller, "app_access_token", **known, app_ticket="x")["code"] == 10005


def test_tenant_that_did_not_install_the_app_gets_no_token(caller: Any, ticket: str) -> None:
    app = ask(caller, "app_access_token", **STORE, app_ticket=ticket)["app_access_token"]
    key = caller.emu.state.tenant_key
    tenant = ask(caller, "tenant_access_token", app_access_token=app, tenant_key=key)["tenant_access_token"]

    assert ask(caller, "tenant_access_token", app_access_token=app, tenant_key="other")["code"] == 10005
    caller.emu.state.set_app("cli_store", tenants=[])
    caller.headers = {"Authorization": f"Bearer {tenant}"}
    assert caller.code("GET", "/open-apis/bot/v3/info") == 99991673


def test_app_token_opens_no_data_and_ends(caller: Any, clock: Any, ticket: str) -> None:
    app = ask(caller, "app_access_token", **STORE, app_ticket=ticket)["app_access_token"]
    caller.headers = {"Authorization": f"Bearer {app}"}

    assert caller.code("GET", "/open-apis/bot/v3/info") == 99991676
    clock.advance(7200)
    assert caller.code("GET", "/open-apis/bot/v3/info") == 99991664


def test_switched_off_app_gets_and_uses_no_token(caller: Any) -> None:
    caller.emu.state.set_app(caller.emu.app_id, enabled=False)

    assert caller.code("GET", "/open-apis/bot/v3/info") == 99991662
    known = {"app_id": caller.emu.app_id, "app_secret": caller.emu.app_secret}
    assert ask(caller, "tenant_access_token/internal", **known)["code"] == 10014
