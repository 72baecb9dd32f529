"""Tokens that workers share: one request for all of them, and no call that fails because the store does."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.accounts import upgrade
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tokens import SqlTokenStore
from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, StoredToken, TokenKey, TokenStore
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import Unreachable
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TOKEN_CALL = "POST /open-apis/auth/v3/tenant_access_token/internal"
OAUTH_CALL = "POST /open-apis/authen/v2/oauth/token"


@pytest.fixture
def make_engine(new_database: Callable[[str], Engine]) -> Callable[[str], Engine]:
    def make(kind: str) -> Engine:
        engine = new_database(kind)
        upgrade(engine)
        return engine

    return make


@pytest.fixture
def store(make_engine: Callable[[str], Engine]) -> SqlTokenStore:
    return SqlTokenStore(make_engine("sqlite"), Keyring.from_text(KEY))


def _client(emu: Emulator, store: TokenStore | None, **options: Any) -> LarkClient:
    """Return a client as another process would have it: with nothing in memory."""
    return LarkClient(
        options.pop("app_id", DEFAULT_APP_ID),
        options.pop("app_secret", DEFAULT_APP_SECRET),
        emu.url,
        clock=SystemClock(),
        token_store=store,
        **options,
    )


def _calls(emu: Emulator, name: str = TOKEN_CALL) -> int:
    return emu.journal.counters().get(name, 0)


def test_second_worker_finds_the_token_of_the_first(emu: Emulator, store: SqlTokenStore) -> None:
    for _ in range(2):
        with _client(emu, store) as client:
            assert client.bot.info().open_id
    assert _calls(emu) == 1


def test_twenty_threads_from_cold_ask_for_one_token(emu: Emulator, store: SqlTokenStore) -> None:
    start = threading.Barrier(20)
    with _client(emu, store) as client, ThreadPoolExecutor(20) as pool:

        def work(_: int) -> str:
            start.wait()
            return client.bot.info().open_id

        assert len(set(pool.map(work, range(20)))) == 1
    assert _calls(emu) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_ten_workers_from_cold_ask_for_one_token(
    emu: Emulator, kind: str, make_engine: Callable[[str], Engine]
) -> None:
    start = threading.Barrier(10)
    store = SqlTokenStore(make_engine(kind), Keyring.from_text(KEY))

    def work(_: int) -> None:
        with _client(emu, store) as client:
            start.wait()
            client.bot.info()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(10)))
    assert _calls(emu) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_ten_workers_of_one_user_send_the_refresh_token_once(
    emu: Emulator, kind: str, make_engine: Callable[[str], Engine], consent: Callable[..., str]
) -> None:
    store = SqlTokenStore(make_engine(kind), Keyring.from_text(KEY))
    with _client(emu, store) as client:
        user = consent(client)
    _end_token(store, TokenKey(emu.url, DEFAULT_APP_ID, "user", user))
    start = threading.Barrier(10)

    def work(_: int) -> str:
        with _client(emu, store, user=user) as client:
            start.wait()
            return client.auth.user_info().open_id

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(work, range(10))) == {user}
    assert _calls(emu, OAUTH_CALL) == 2


WORKER = """
import sys
from sqlalchemy import create_engine
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tokens import SqlTokenStore
host, app_id, secret, user, url, key = sys.argv[1:]
store = SqlTokenStore(create_engine(url), Keyring.from_text(key))
app, person = (LarkClient(app_id, secret, host, token_store=store, user=who) for who in (None, user))
print("ready", flush=True)
sys.stdin.readline()
app.bot.info()
print(person.auth.user_info().open_id, flush=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_two_processes_make_one_request_for_the_app_and_one_for_the_user(
    emu: Emulator, kind: str, make_engine: Callable[[str], Engine], consent: Callable[..., str]
) -> None:
    engine = make_engine(kind)
    store = SqlTokenStore(engine, Keyring.from_text(KEY))
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), token_store=store) as client:
        user = consent(client)
    _end_token(store, TokenKey(emu.url, DEFAULT_APP_ID, "user", user))
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WORKER, emu.url, DEFAULT_APP_ID, DEFAULT_APP_SECRET, user, url, KEY]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [worker.stdout.readline() for worker in workers if worker.stdout] == ["ready\n"] * 2
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=600)[0] for worker in workers] == [f"{user}\n"] * 2
    assert (_calls(emu), _calls(emu, OAUTH_CALL)) == (1, 2)


def _end_token(store: SqlTokenStore, key: TokenKey) -> None:
    """Let two hours pass for the token of *key*, and not for its refresh token."""
    kept = store.load(key)
    assert kept is not None
    store.save(key, StoredToken(kept.text, SystemClock().now() - 1, kept.refresh, kept.refresh_expires_at, kept.scopes))


def test_token_that_lark_refuses_is_dropped_for_all(emu: Emulator, store: SqlTokenStore) -> None:
    with _client(emu, store) as first, _client(emu, store) as second:
        first.bot.info()
        emu.state.tokens.expire_all()
        first.bot.info()
        second.bot.info()
    assert _calls(emu) == 2


def test_token_that_a_worker_still_uses_is_replaced_by_the_newer_one_of_the_store(
    emu: Emulator, store: SqlTokenStore
) -> None:
    with _client(emu, store) as first, _client(emu, store) as second:
        first.bot.info()
        second.bot.info()
        emu.state.tokens.expire_all()
        first.bot.info()
        # its own is refused, and the store has a newer one
        second.bot.info()
    assert _calls(emu) == 2


def test_token_near_its_end_is_not_taken_from_the_store(emu: Emulator, store: SqlTokenStore) -> None:
    key = TokenKey(emu.url, DEFAULT_APP_ID, "tenant")
    with _client(emu, store) as client:
        client.bot.info()
    kept = store.load(key)
    assert kept is not None
    store.save(key, StoredToken(kept.text, SystemClock().now() + 100, secret_mark=kept.secret_mark))
    with _client(emu, store) as client:
        client.bot.info()
    assert _calls(emu) == 2


def test_wrong_app_secret_is_not_served_by_the_token_of_the_right_one(emu: Emulator, store: SqlTokenStore) -> None:
    with _client(emu, store) as right:
        right.bot.info()
    with _client(emu, store, app_secret="wrong") as wrong, pytest.raises(PermissionError, match="App Secret"):
        wrong.bot.info()
    with _client(emu, store) as right:
        right.bot.info()
    assert _calls(emu) == 2


def test_worker_that_died_while_renewing_holds_up_the_others_for_seconds_only(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    store = MemoryTokenStore(clock)
    assert store.claim(TokenKey(server.url, "cli_test", "tenant"), seconds=1e9)
    server.say({"bot": {}}, bot={"open_id": "ou"})
    make_client(token_store=store).bot.info()
    assert 5 <= sum(clock.waits) <= 7
    assert server.tokens_given == 1


def test_token_in_its_last_minutes_serves_while_it_cannot_be_renewed(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    client = make_client()
    server.say(times=2, bot={"open_id": "ou"})
    client.bot.info()
    clock.seconds += 7200 - 100
    server.refuse_token(2200, status=500)
    client.bot.info()
    assert [heard.headers["authorization"] for heard in server.calls] == ["Bearer t-canary-token-1"] * 2


def test_token_in_its_last_minutes_serves_while_another_worker_renews_it(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    store = MemoryTokenStore(clock)
    client = make_client(token_store=store)
    server.say(times=2, bot={"open_id": "ou"})
    client.bot.info()
    clock.seconds += 7200 - 100
    assert store.claim(TokenKey(server.url, "cli_test", "tenant"), seconds=30)
    client.bot.info()
    assert clock.waits == []
    assert server.tokens_given == 1


# a store that fails


class BrokenStore:
    """Fails in a way that no store of ours does."""

    def load(self, key: TokenKey) -> StoredToken | None:
        raise RuntimeError("t-canary of the driver")

    def save(self, key: TokenKey, token: StoredToken) -> None:
        raise RuntimeError("t-canary of the driver")

    def drop(self, key: TokenKey, text: Secret) -> None:
        raise RuntimeError("t-canary of the driver")

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        raise RuntimeError("t-canary of the driver")

    def release(self, key: TokenKey) -> None:
        raise RuntimeError("t-canary of the driver")


def _no_database(make_engine: Callable[[str], Engine]) -> TokenStore:
    engine = make_engine("sqlite")
    engine.dispose()
    Path(str(engine.url.database)).unlink()
    Path(str(engine.url.database)).mkdir()
    return SqlTokenStore(engine, Keyring.from_text(KEY))


def _no_table(make_engine: Callable[[str], Engine]) -> TokenStore:
    engine = make_engine("sqlite")
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE tokens"))
    return SqlTokenStore(engine, Keyring.from_text(KEY))


def _read_only(make_engine: Callable[[str], Engine]) -> TokenStore:
    engine = make_engine("sqlite")
    with engine.begin() as conn:
        conn.execute(text("CREATE TRIGGER no_more BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'no'); END"))
    return SqlTokenStore(engine, Keyring.from_text(KEY))


@pytest.mark.parametrize(
    ("make_store", "words"),
    [
        pytest.param(_no_database, "database sqlite.* failed", id="no database"),
        pytest.param(_no_table, "has no table tokens: .*upgrade", id="no table"),
        pytest.param(_read_only, "failed", id="no insert"),
        pytest.param(lambda _: BrokenStore(), "failed with RuntimeError", id="somebody else's store"),
    ],
)
def test_store_that_fails_is_told_once_and_no_call_fails(
    emu: Emulator, make_engine: Any, make_store: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with _client(emu, make_store(make_engine)) as client:
        for _ in range(3):
            client.bot.info()
            emu.state.tokens.expire_all()
        client.bot.info()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert re.search(f"continuing without the token store: .*{words}", warnings[0])
    assert "canary" not in caplog.text


def test_store_under_a_wrong_key_is_told_and_left_alone(
    emu: Emulator, make_engine: Callable[[str], Engine], caplog: pytest.LogCaptureFixture
) -> None:
    engine = make_engine("sqlite")
    right, wrong = (SqlTokenStore(engine, Keyring.from_text(key)) for key in (KEY, OTHER_KEY))
    for store in (right, wrong, right):
        with _client(emu, store) as client:
            client.bot.info()
    assert "which this worker does not have" in caplog.text
    # the worker with the wrong key asks for itself and takes nothing from the others
    assert _calls(emu) == 2


def test_store_that_works_again_is_told_too(
    emu: Emulator, make_engine: Callable[[str], Engine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = make_engine("sqlite")
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE tokens RENAME TO away"))
    with _client(emu, SqlTokenStore(engine, Keyring.from_text(KEY))) as client:
        client.bot.info()
        with engine.begin() as conn:
            conn.execute(text("ALTER TABLE away RENAME TO tokens"))
        emu.state.tokens.expire_all()
        client.bot.info()
    assert caplog.text.count("the token store is available again") == 1


# the event loop


class SlowStore(MemoryTokenStore):
    """Answers when the loop has run, and so never while it is blocked."""

    def __init__(self) -> None:
        super().__init__()
        self.loop_ran = threading.Event()

    def load(self, key: TokenKey) -> StoredToken | None:
        assert self.loop_ran.wait(timeout=600)
        return super().load(key)


def test_async_client_leaves_the_loop_free_while_the_store_answers(emu: Emulator) -> None:
    async def work() -> str:
        store = SlowStore()
        client = AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), token_store=store)
        async with client:
            call = asyncio.create_task(client.bot.info())
            await asyncio.sleep(0)
            store.loop_ran.set()
            return (await call).open_id

    assert asyncio.run(work())


def test_async_clients_from_cold_ask_for_one_token(emu: Emulator, store: SqlTokenStore) -> None:
    async def work() -> None:
        client = AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, clock=SystemClock(), token_store=store)
        async with client:
            await asyncio.gather(*(client.bot.info() for _ in range(20)))

    asyncio.run(work())
    assert _calls(emu) == 1


def test_user_token_without_its_store_cannot_be_renewed_and_says_why(
    make_client: Callable[..., LarkClient], make_engine: Callable[[str], Engine]
) -> None:
    client = make_client(token_store=_no_database(make_engine), user="ou_zaphod", max_attempts=1)
    with pytest.raises(Unreachable, match=r"database sqlite.* failed"):
        client.auth.user_info()
