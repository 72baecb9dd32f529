"""Store apps: from the ticket that Lark pushes to a tenant's token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, TokenKey
from airflow_provider_lark.core.api.wire.limits import APP_TICKET_SECONDS
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import ConfigError, NotAuthorized, ServerBusy, Unreachable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

APP = ("cli_store", "store-secret")
APP_CALL = "POST /open-apis/auth/v3/app_access_token"
TENANT_CALL = "POST /open-apis/auth/v3/tenant_access_token"
RESEND_CALL = "POST /open-apis/auth/v3/app_ticket/resend"


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator() as emu:
        emu.state.add_app(*APP, kind="store")
        yield emu


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore()


def _client(emu: Emulator, store: MemoryTokenStore, *app: str, **options: Any) -> LarkClient:
    options = {"clock": SystemClock(), "token_store": store, "tenant_key": emu.state.tenant_key, **options}
    return LarkClient(*(app or APP), emu.url, **options)


def _keep_ticket(emu: Emulator, store: MemoryTokenStore) -> str:
    ticket: str = emu.state.push_ticket(APP[0])
    with _client(emu, store, tenant_key=None) as receiver:
        receiver.auth.keep_app_ticket(f" {ticket}\n")
    return ticket


def test_store_app_calls_in_a_tenant_with_the_ticket_that_another_worker_received(
    emu: Emulator, store: MemoryTokenStore
) -> None:
    _keep_ticket(emu, store)
    for _ in range(2):
        with _client(emu, store) as client:
            client.bot.info()
    counters = emu.journal.counters()
    assert (counters[APP_CALL], counters[TENANT_CALL]) == (1, 1)


def test_store_app_in_two_tenants_has_a_token_for_each_and_one_of_the_app(
    emu: Emulator, store: MemoryTokenStore
) -> None:
    emu.state.set_app(APP[0], tenants=[emu.state.tenant_key, "tenant_two"])
    _keep_ticket(emu, store)
    keys = [emu.state.tenant_key, "tenant_two"]
    for key in keys:
        with _client(emu, store, tenant_key=key) as client:
            client.run(client.bot.session.credentials.token())
    kept = [store.load(TokenKey(emu.url, APP[0], "tenant", key)) for key in keys]
    assert len({token.text for token in kept if token is not None}) == 2
    assert emu.journal.counters()[APP_CALL] == 1


def test_store_app_without_a_ticket_asks_for_it_and_goes_on_when_it_comes(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    store = MemoryTokenStore(clock)
    client = make_client(token_store=store, tenant_key="tk")
    server.say()
    with pytest.raises(ServerBusy) as caught:
        client.bot.info()
    assert "no valid app ticket" in str(caught.value)
    assert "client.auth.keep_app_ticket" in str(caught.value)
    # asked for once, though the call was tried six times
    assert [heard.path for heard in server.calls] == ["/open-apis/auth/v3/app_ticket/resend"]
    assert len(clock.waits) == 5
    client.auth.keep_app_ticket("ticket-1")
    server.do(body={"code": 0, "app_access_token": "a-1", "expire": 7200})
    server.do(body={"code": 0, "tenant_access_token": "t-1", "expire": 7200})
    server.say(bot={"open_id": "ou_bot"})
    client.bot.info()
    assert server.calls[1].json == {"app_id": "cli_test", "app_secret": "canary-secret", "app_ticket": "ticket-1"}
    assert server.calls[2].json == {"app_access_token": "a-1", "tenant_key": "tk"}
    assert server.calls[3].headers["authorization"] == "Bearer t-1"


def test_store_app_whose_ticket_lark_refuses_drops_it_and_asks_again(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    client = make_client(token_store=MemoryTokenStore(clock), tenant_key="tk")
    client.auth.keep_app_ticket("ticket-old")
    server.do(body={"code": 10012, "msg": "get app_access_token fail"})
    server.say()
    with pytest.raises(ServerBusy, match="no valid app ticket"):
        client.bot.info()
    assert [heard.path.rpartition("/v3/")[2] for heard in server.calls] == ["app_access_token", "app_ticket/resend"]


def test_store_app_old_ticket_is_not_tried(make_client: Callable[..., LarkClient], server: Any, clock: Any) -> None:
    client = make_client(token_store=MemoryTokenStore(clock), tenant_key="tk", max_attempts=1)
    client.auth.keep_app_ticket("ticket-old")
    clock.seconds += APP_TICKET_SECONDS
    server.say()
    with pytest.raises(ServerBusy, match="no valid app ticket"):
        client.bot.info()
    assert len(server.calls) == 1


def test_store_app_whose_app_token_has_ended_gets_a_new_one(emu: Emulator, store: MemoryTokenStore) -> None:
    _keep_ticket(emu, store)
    with _client(emu, store) as client:
        client.bot.info()
        emu.state.tokens.expire_all()
        client.bot.info()
    assert emu.journal.counters()[APP_CALL] == 2


def test_store_app_in_a_tenant_that_has_not_installed_it_is_told(emu: Emulator, store: MemoryTokenStore) -> None:
    _keep_ticket(emu, store)
    with _client(emu, store, tenant_key="elsewhere") as client, pytest.raises(NotAuthorized) as caught:
        client.bot.info()
    assert "tenant elsewhere" in str(caught.value)
    assert "tenant_key of a tenant that has installed it" in str(caught.value)


def test_self_built_app_with_a_tenant_key_is_told_to_leave_it_out(emu: Emulator, store: MemoryTokenStore) -> None:
    with (
        _client(emu, store, DEFAULT_APP_ID, DEFAULT_APP_SECRET) as client,
        pytest.raises(NotAuthorized, match="leave tenant_key out"),
    ):
        client.bot.info()


def test_store_app_without_a_tenant_key_is_told_to_give_one(emu: Emulator, store: MemoryTokenStore) -> None:
    with _client(emu, store, tenant_key=None) as client, pytest.raises(NotAuthorized, match="needs the tenant_key"):
        client.bot.info()


def test_resend_app_ticket_makes_lark_push_it(emu: Emulator, store: MemoryTokenStore) -> None:
    with _client(emu, store) as client:
        client.auth.resend_app_ticket()
    assert emu.journal.counters()[RESEND_CALL] == 1


def test_keep_app_ticket_refuses_an_empty_one(client: LarkClient) -> None:
    with pytest.raises(ConfigError, match=r"event\.app_ticket"):
        client.auth.keep_app_ticket(" \n")


class DownStore(MemoryTokenStore):
    """Cannot save."""

    def save(self, *_: Any) -> None:
        raise Unreachable("the database is down")


def test_keep_app_ticket_that_cannot_be_stored_fails_so_that_lark_pushes_again(
    make_client: Callable[..., LarkClient],
) -> None:
    with pytest.raises(Unreachable, match="the database is down"):
        make_client(token_store=DownStore(), tenant_key="tk").auth.keep_app_ticket("ticket")
