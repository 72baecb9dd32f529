"""The listener of secrets hears every token before it is used, wherever it comes from."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, StoredToken, TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

BOT = "GET /open-apis/bot/v3/info"


def _token(emu: Emulator) -> str:
    return emu.state.tokens.issue(DEFAULT_APP_ID, emu.state.tenant_key)[0]


def _client(emu: Emulator, **options: Any) -> LarkClient:
    return LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), max_attempts=1, **options)


class BrokenStore(MemoryTokenStore):
    def load(self, key: TokenKey) -> StoredToken | None:
        raise OSError("down")


@pytest.mark.parametrize("store", [None, MemoryTokenStore(), BrokenStore()], ids=["none", "works", "down"])
def test_listener_hears_a_token_of_lark(emu: Emulator, store: MemoryTokenStore | None) -> None:
    heard: set[str] = set()
    with _client(emu, token_store=store, on_secret=heard.add) as client:
        client.bot.info()
        client.bot.info()
    assert heard == {_token(emu)}


def test_listener_hears_a_token_of_the_store(emu: Emulator) -> None:
    heard: set[str] = set()
    store = MemoryTokenStore()
    with _client(emu, token_store=store) as first:
        first.bot.info()
    with _client(emu, token_store=store, on_secret=heard.add) as second:
        second.bot.info()
    assert heard == {_token(emu)}


def test_listener_hears_once_a_token_that_another_client_of_the_process_has_got(emu: Emulator) -> None:
    heard: list[str] = []
    # without a clock of their own, clients of one app share its token
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url) as first:
        first.bot.info()
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, on_secret=heard.append) as second:
        second.bot.info()
        second.bot.info()
    assert heard == [_token(emu)]


def test_listener_hears_a_users_token_and_what_renews_it(emu: Emulator) -> None:
    heard: set[str] = set()
    store = MemoryTokenStore()
    until = SystemClock().now() + 7200
    key = TokenKey(emu.url, DEFAULT_APP_ID, "user", "ou_ann")
    store.save(key, StoredToken(Secret("u-token"), until, Secret("u-refresh"), until))
    with _client(emu, token_store=store, user="ou_ann", on_secret=heard.add) as client, pytest.raises(LarkError):
        client.bot.info()
    assert {"u-token", "u-refresh"} <= heard


def test_token_is_not_used_before_the_listener_has_heard_it(emu: Emulator) -> None:
    def refuse(_: str) -> None:
        raise RuntimeError("cannot mask")

    with _client(emu, on_secret=refuse) as client, pytest.raises(RuntimeError, match="cannot mask"):
        client.bot.info()
    assert BOT not in emu.counters()


def test_listener_of_an_asynchronous_client_may_block(emu: Emulator) -> None:
    threads: list[int] = []

    async def work() -> None:
        options: dict[str, Any] = {"clock": SystemClock(), "on_secret": lambda _: threads.append(threading.get_ident())}
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, **options) as client:
            await client.bot.info()

    asyncio.run(work())
    assert threads
    assert threading.get_ident() not in threads
