"""Rate limits shared in a real Redis: one visit at a time, by the server's clock, and nothing that it forgot."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from airflow_provider_lark.core.accounts.redis_rate_store import RedisRateStore
from airflow_provider_lark.core.api.calls.budget.store import Page
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import Unreachable
from tests.redis_server import running_redis
from tests.tap import tapped

HOST = "https://open.feishu.cn"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield port


def store(port: int, app_id: str, **settings: Any) -> RedisRateStore:
    return RedisRateStore({"host": "127.0.0.1", "port": port, **settings}, HOST, app_id)


def add_one(page: Page) -> tuple[dict[str, str], int]:
    number = int(page.entries.get("n") or 0) + 1
    return {"n": str(number)}, number


def test_visits_of_many_at_once_miss_none_and_apps_are_apart(port: int) -> None:
    """O44."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store(port, "cli_many").visit(("n", "m"), add_one), range(40)))
    assert sorted(found) == list(range(1, 41))
    assert store(port, "cli_other").visit(("n",), add_one) == 1


def test_visit_tells_the_servers_time_and_since_when_it_knows_of_everybody(port: int) -> None:
    """O46; O45, where it was started again without what it knew."""
    first = store(port, "cli_time").visit(("n",), lambda page: ({}, page))
    assert abs(first.now_ms - SystemClock().now() * 1000) < 3_600_000
    # whoever had something from the one before has used it up by then
    assert first.since_ms == first.now_ms + 6000
    assert store(port, "cli_time").visit(("n",), lambda page: ({}, page.since_ms)) == first.since_ms
    redis.Redis(port=port).flushall()
    assert store(port, "cli_time").visit(("n",), lambda page: ({}, page.since_ms)) > first.since_ms


def test_entry_that_was_decided_on_before_a_flush_is_not_written(port: int) -> None:
    flushed: list[bool] = []

    def decide(page: Page) -> tuple[dict[str, str], int]:
        if not flushed:
            flushed.append(True)
            redis.Redis(port=port).flushall()
        return add_one(page)

    one = store(port, "cli_flush")
    one.visit(("n",), add_one)
    assert one.visit(("n",), decide) == 1


def test_password_with_odd_characters_and_a_database_are_used_and_not_shown(tmp_path: Path) -> None:
    """O48."""
    password = "p@ss/w:rd #1"
    with running_redis(tmp_path, "--requirepass", password) as port:
        one = store(port, "cli_1", password=password, db=3)
        assert one.visit(("n",), add_one) == 1
        assert redis.Redis(port=port, password=password, db=3).keys()
        assert not redis.Redis(port=port, password=password, db=0).keys()
        with pytest.raises(Unreachable, match=r"^Redis failed \(AuthenticationError\); check") as caught:
            store(port, "cli_1", password=password + "x").visit(("n",), add_one)
    shown = repr(one) + repr(vars(one)) + str(caught.value) + repr(caught.value.__context__)
    assert "p@ss" not in shown


def test_redis_that_is_down_and_comes_back(port: int) -> None:
    with tapped("127.0.0.1", port) as tap:
        one = store(tap.port, "cli_down")
        assert one.visit(("n",), add_one) == 1
        tap.shut()
        with pytest.raises(Unreachable, match="Redis failed"):
            one.visit(("n",), add_one)
        tap.open()
        assert one.visit(("n",), add_one) == 2
