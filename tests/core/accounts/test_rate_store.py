"""Rate limits shared in real databases: one visit at a time, by the database's clock, and each app for itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from airflow_provider_lark.core import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.rate_store import SqlRateStore
from airflow_provider_lark.core.accounts.tables import rate_limits
from airflow_provider_lark.core.api.calls.budget.division import read_entry
from airflow_provider_lark.core.api.calls.budget.store import Page
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import Unreachable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

KINDS = ["sqlite", "postgresql", "mysql"]
HOUR_MS = 3_600_000


@pytest.fixture(scope="module", params=KINDS)
def database(request: pytest.FixtureRequest, new_database: Callable[[str], Engine]) -> AccountsDatabase:
    return AccountsDatabase(new_database(request.param), rate_limits)


@pytest.fixture
def lite(new_database: Callable[[str], Engine]) -> AccountsDatabase:
    return AccountsDatabase(new_database("sqlite"), rate_limits)


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator() as emu:
        yield emu


def add_one(page: Page) -> tuple[dict[str, str], int]:
    number = int(page.entries.get("n") or 0) + 1
    return {"n": str(number)}, number


def test_visits_of_many_at_once_miss_none(database: AccountsDatabase) -> None:
    """O44: two workers never see the same place free."""
    stores = [SqlRateStore(database, "https://open.feishu.cn", "cli_many") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: stores[n % 4].visit(("n",), add_one), range(40)))
    assert sorted(found) == list(range(1, 41))


def test_visit_tells_the_databases_time(database: AccountsDatabase) -> None:
    """O46, O51: whatever the worker's clock shows."""
    store = SqlRateStore(database, "https://open.feishu.cn", "cli_time")
    first, second = (store.visit(("x", "y"), lambda page: ({}, page.now_ms)) for _ in range(2))
    assert first <= second <= first + 60_000
    assert abs(first - SystemClock().now() * 1000) < HOUR_MS


def test_apps_and_hosts_have_entries_of_their_own(database: AccountsDatabase) -> None:
    """O44: two apps in one database do not slow each other."""
    places = [("https://open.feishu.cn", "cli_1"), ("https://open.feishu.cn", "cli_2"), ("https://x.test", "cli_1")]
    assert [SqlRateStore(database, *place).visit(("n",), add_one) for place in places] == [1, 1, 1]


def test_calls_ask_the_database_once_a_lease_and_give_back_at_the_end(lite: AccountsDatabase, emu: Emulator) -> None:
    base = emu.state.create_base("b").app_token
    store, commits = SqlRateStore(lite, emu.url, emu.app_id), []
    event.listen(lite.engine, "commit", lambda _: commits.append(1))
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), rate_store=store) as client:
        for _ in range(12):
            client.bitable.list_tables(app_token=base)
        # two places, then six, then fourteen
        assert len(commits) == 3
        entries = _entries(lite)
        assert [each.places for each in entries.values()] == [14]
    assert len(commits) == 4
    # what is left are the windows of the calls that were made
    assert all(each.wanted == 0 for each in _entries(lite).values())
    # closed twice is closed once
    client.close()


def test_calls_on_an_event_loop_share_too(lite: AccountsDatabase, emu: Emulator) -> None:
    base = emu.state.create_base("b").app_token
    store = SqlRateStore(lite, emu.url, emu.app_id)

    async def call() -> None:
        async with AsyncLarkClient(
            DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), rate_store=store
        ) as client:
            await client.bitable.list_tables(app_token=base)
            assert [each.places for each in _entries(lite).values()] == [2]

    asyncio.run(call())
    assert all(each.wanted == 0 for each in _entries(lite).values())


def test_database_that_is_down_is_said_once_and_stops_nobody(emu: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    class Down:
        def visit(self, names: tuple[str, ...], decide: Any) -> Any:
            raise Unreachable("the database postgresql://db failed; check that it is running")

    base = emu.state.create_base("b").app_token
    with (
        caplog.at_level(logging.WARNING),
        LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), rate_store=Down()) as client,
    ):
        for _ in range(5):
            client.bitable.list_tables(app_token=base)
        client.bitable.get_app(app_token=base)
    assert len(caplog.records) == 1
    assert "each goes on with the part it had: the database postgresql://db failed" in caplog.text


def _entries(database: AccountsDatabase) -> Any:
    with database.engine.connect() as conn:
        [text] = conn.scalars(select(rate_limits.c.entry))
    return read_entry(text)
