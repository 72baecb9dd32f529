"""Users' ids shared in a real Redis: the same answers as from SQL, no address in it, and SQL while it is down."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from airflow_provider_lark.core.accounts import upgrade
from airflow_provider_lark.core.accounts.redis_user_cache import RedisUserCache
from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator
from tests.clocks import JumpingClock
from tests.databases import open_sqlite
from tests.redis_server import running_redis

ANN, NOBODY = "ann@example.com", "nobody@example.com"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        running.state.add_user("Ann", ANN, "+8613800001234")
        yield running


@pytest.fixture
def client(emulator: Emulator, port: int) -> Iterator[LarkClient]:
    redis.Redis(port=port).flushall()
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emulator.url, clock=JumpingClock()) as ready:
        yield ready


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = open_sqlite(tmp_path / "accounts.db")
    upgrade(made)
    return made


def worker(client: LarkClient, port: int, engine: Engine | None = None, **options: Any) -> UserDirectory:
    """Return the directory of a process that remembers nothing yet."""
    settings = client.contact.session.settings
    cache = RedisUserCache({"host": "127.0.0.1", "port": port}, settings.app.host, settings.app.app_id)
    return UserDirectory(client, engine, cache=cache, **options)


def asked(client: LarkClient) -> int:
    return client.calls.by_kind.get("other", 0)


def test_other_workers_ask_nobody_and_the_server_knows_no_address(client: LarkClient, port: int) -> None:
    emails, mobiles = [ANN, NOBODY], ["+86 138-0000-1234"]
    first = worker(client, port).find_ids(emails=emails, mobiles=mobiles)
    calls = asked(client)
    assert worker(client, port).find_ids(emails=emails, mobiles=mobiles) == first
    assert asked(client) == calls
    # another kind of id is asked for, and kept beside the first
    other = worker(client, port)
    union_id = other.find_ids(emails=[ANN], id_type="union_id")[ANN]
    assert union_id not in (None, first[ANN])
    again = worker(client, port)
    assert (again.find_ids(emails=[ANN]), again.find_ids(emails=[ANN], id_type="union_id")) == (
        {ANN: first[ANN]},
        {ANN: union_id},
    )
    assert asked(client) == calls + 1
    server = redis.Redis(port=port, decode_responses=True)
    kept = {key: str(server.get(key)) for key in server.scan_iter()}
    assert len(kept) == 3
    assert not [text for text in (*kept, *kept.values()) if "example" in text or "1380000" in text or "Ann" in text]


def test_what_is_known_expires_and_what_nobody_has_sooner(client: LarkClient, port: int) -> None:
    worker(client, port, ttl_seconds=1000, negative_ttl_seconds=10).find_ids(emails=[ANN, NOBODY])
    server = redis.Redis(port=port, decode_responses=True)
    left = sorted(server.pttl(key) for key in server.scan_iter())
    assert 0 < left[0] <= 10_000 < left[1] <= 1_000_000
    # a worker that learns of it later does not know it for longer
    late = worker(client, port)
    late.find_ids(emails=[ANN])
    calls = asked(client)
    client.contact.session.settings.clock.sleep(1001)
    late.find_ids(emails=[ANN])
    assert asked(client) == calls
    server.flushall()
    client.contact.session.settings.clock.sleep(1001)
    late.find_ids(emails=[ANN])
    assert asked(client) == calls + 1


def test_redis_that_is_down_is_told_once_and_the_database_answers(
    client: LarkClient, port: int, engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_redis(tmp_path) as mortal:
        first = worker(client, mortal, engine).find_ids(emails=[ANN, NOBODY])
    calls = asked(client)
    with caplog.at_level(logging.WARNING):
        one = worker(client, mortal, engine)
        assert one.find_ids(emails=[ANN]) == {ANN: first[ANN]}
        assert one.find_ids(emails=[NOBODY]) == {NOBODY: None}
    assert asked(client) == calls
    assert caplog.messages == ["the user cache in Redis cannot be read (Unreachable); using the database instead"]
    # without a database Lark answers
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert worker(client, mortal).find_ids(emails=[ANN]) == {ANN: first[ANN]}
    assert asked(client) == calls + 1
    assert caplog.messages == ["the user cache in Redis cannot be read (Unreachable); querying Lark instead"]


def test_redis_that_is_new_learns_from_the_database(client: LarkClient, port: int, engine: Engine) -> None:
    UserDirectory(client, engine).find_ids(emails=[ANN])
    calls = asked(client)
    worker(client, port, engine).find_ids(emails=[ANN])
    assert worker(client, port).find_ids(emails=[ANN])[ANN]
    assert asked(client) == calls


@pytest.mark.parametrize("text", ["", "{", "[]", '{"open_id": 7}', '"ou_1"'])
def test_entry_that_is_none_of_ours_is_asked_anew(client: LarkClient, port: int, text: str) -> None:
    found = worker(client, port).find_ids(emails=[ANN])
    server = redis.Redis(port=port, decode_responses=True)
    (key,) = server.scan_iter()
    server.set(key, text, px=100_000)
    assert worker(client, port).find_ids(emails=[ANN]) == found
    assert worker(client, port).find_ids(emails=[ANN]) == found
    assert asked(client) == 2
