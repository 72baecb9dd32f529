"""The token store on real databases."""

from __future__ import annotations

import base64
import pickle
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts import tokens, upgrade
from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.tokens import SqlTokenStore
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, StoredToken, TokenKey, TokenStore
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import ConfigError, Unreachable

KINDS = ["sqlite", "postgresql", "mysql"]
KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
OLD_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TENANT = TokenKey("https://open.feishu.cn", "cli_a", "tenant")
USER = TokenKey("https://open.feishu.cn", "cli_a", "user", "ou_zaphod")


# that a busy machine may take between two steps, by the database's clock
SLOW_SECONDS = 300


class SetClock:
    """A clock that stands where it was set; its process waits for nothing."""

    def __init__(self, seconds: float = 1_700_000_000.0) -> None:
        self.seconds = seconds

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture(scope="module")
def engine_of(new_database):
    """Give the one engine of a kind whose database has the tables of accounts."""
    engines: dict[str, Engine] = {}

    def give(kind: str) -> Engine:
        if kind not in engines:
            engines[kind] = new_database(kind)
            upgrade(engines[kind])
        return engines[kind]

    return give


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, engine_of) -> Iterator[Engine]:
    found = engine_of(request.param)
    yield found
    with found.begin() as conn:
        conn.execute(text("DELETE FROM tokens"))


@pytest.fixture
def sqlite(engine_of) -> Iterator[Engine]:
    found = engine_of("sqlite")
    yield found
    with found.begin() as conn:
        conn.execute(text("DELETE FROM tokens"))


def _token(word: str = "t-1", *, seconds: float = 7200.0, clock: SetClock | None = None, **rest) -> StoredToken:
    now = (clock or SetClock()).now()
    return StoredToken(Secret(word), now + seconds, **rest)


def _grant(word: str, *, clock: SetClock | None = None) -> StoredToken:
    now = (clock or SetClock()).now()
    return StoredToken(
        Secret(f"u-{word}"), now + 7200, Secret(f"r-{word}"), now + 604_800, ("bitable:app", "offline_access")
    )


def _store(engine: Engine, keys: str = KEY, **options) -> SqlTokenStore:
    return SqlTokenStore(engine, Keyring.from_text(keys), **{"clock": SetClock(), **options})


# the port: every implementation keeps to it


@pytest.fixture(params=["memory", *KINDS])
def store(request: pytest.FixtureRequest, engine_of) -> Iterator[TokenStore]:
    if request.param == "memory":
        yield MemoryTokenStore(SetClock())
        return
    yield _store(engine_of(request.param))
    with engine_of(request.param).begin() as conn:
        conn.execute(text("DELETE FROM tokens"))


def test_store_what_was_saved_is_loaded_by_its_key_only(store: TokenStore):
    store.save(USER, _grant("1"))
    store.save(TENANT, _token(secret_mark="mark"))
    found = store.load(USER)
    assert (found.text, found.refresh, found.scopes) == (
        Secret("u-1"),
        Secret("r-1"),
        ("bitable:app", "offline_access"),
    )
    assert found.expires_at == pytest.approx(SetClock().now() + 7200, abs=SLOW_SECONDS)
    assert found.refresh_expires_at == pytest.approx(SetClock().now() + 604_800, abs=SLOW_SECONDS)
    assert store.load(TENANT).secret_mark == "mark"
    assert store.load(TokenKey("https://open.larksuite.com", "cli_a", "tenant")) is None
    assert store.load(TokenKey(USER.host, USER.app_id, "user", "ou_ZAPHOD")) is None


def test_store_a_second_save_replaces_the_first(store: TokenStore):
    store.save(USER, _grant("1"))
    store.save(USER, _token("u-2"))
    assert (store.load(USER).text, store.load(USER).refresh) == (Secret("u-2"), None)


def test_store_drop_forgets_the_refused_token_only(store: TokenStore):
    store.save(TENANT, _token("t-2"))
    store.drop(TENANT, Secret("t-1"))
    assert store.load(TENANT).text == Secret("t-2")
    store.drop(TENANT, Secret("t-2"))
    store.drop(TENANT, Secret("t-2"))
    assert store.load(TENANT) is None


def test_store_drop_of_a_users_token_keeps_its_refresh_token(store: TokenStore):
    store.save(USER, _grant("1"))
    store.drop(USER, Secret("u-1"))
    found = store.load(USER)
    assert (found.text, found.refresh, found.expires_at) == (Secret(""), Secret("r-1"), 0.0)


def test_store_claim_is_held_by_one_until_it_saves_or_gives_up(store: TokenStore):
    assert store.claim(TENANT, seconds=30)
    assert not store.claim(TENANT, seconds=30)
    assert store.load(TENANT) is None
    store.save(TENANT, _token())
    assert store.claim(TENANT, seconds=30)
    store.release(TENANT)
    assert store.claim(TENANT, seconds=30)


def test_store_claim_that_nobody_ended_lapses(store: TokenStore):
    assert store.claim(TENANT, seconds=-1)
    assert store.claim(TENANT, seconds=30)
    assert not store.claim(TENANT, seconds=30)


# SQL


def test_sql_store_workers_with_wrong_clocks_agree_on_the_end(engine: Engine):
    early, late = SetClock(1_000_000.0), SetClock(2_000_000_000.0)
    _store(engine, clock=early).save(TENANT, _token(clock=early))
    assert _store(engine, clock=late).load(TENANT).expires_at - late.now() == pytest.approx(7200, abs=SLOW_SECONDS)


def test_sql_store_many_threads_keep_one_row_of_one_of_them(engine: Engine):
    store = _store(engine)
    start = threading.Barrier(8)

    def work(number: int) -> bool:
        start.wait()
        won = store.claim(USER, seconds=30)
        store.save(USER, _grant(str(number)))
        return won

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(work, range(8)))
    assert sum(won) >= 1
    with engine.connect() as conn:
        assert conn.execute(text("SELECT COUNT(*) FROM tokens")).scalar_one() == 1
    found = store.load(USER)
    assert found.text.reveal()[2:] == found.refresh.reveal()[2:]


def test_sql_store_many_threads_claim_a_new_row_once(engine: Engine):
    start = threading.Barrier(8)

    def work(_: int) -> bool:
        store = _store(engine)
        start.wait()
        return store.claim(TENANT, seconds=30)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 1


def test_sql_store_a_worker_that_lost_its_claim_does_not_end_the_next(sqlite: Engine):
    first, second = _store(sqlite), _store(sqlite)
    assert first.claim(TENANT, seconds=-1)
    assert second.claim(TENANT, seconds=30)
    first.release(TENANT)
    assert not first.claim(TENANT, seconds=30)


DELETES = {
    "sqlite": "DELETE FROM tokens WHERE expires_at < datetime('now', '-7 days')",
    "postgresql": "DELETE FROM tokens WHERE expires_at < NOW() - INTERVAL '7 days'",
    "mysql": "DELETE FROM tokens WHERE expires_at < NOW() - INTERVAL 7 DAY",
}
DAY = 86_400.0


@pytest.mark.parametrize("by", ["hand", "purge"])
def test_sql_store_purge_takes_what_has_been_of_no_use_for_a_week(engine: Engine, by: str):
    store, now = _store(engine), SetClock().now()
    store.save(TokenKey(TENANT.host, "cli_old", "tenant"), _token(seconds=-7 * DAY - 60))
    store.save(TokenKey(TENANT.host, "cli_new", "tenant"), _token(seconds=-7 * DAY + 60))
    # the token ended long ago, but a refresh token has a day to live
    store.save(USER, StoredToken(Secret("u"), now - 9 * DAY, Secret("r"), now + DAY))
    if by == "hand":
        with engine.begin() as conn:
            assert conn.execute(text(DELETES[engine.dialect.name])).rowcount == 1
    else:
        assert tokens.purge(engine) == 1
    assert store.load(TokenKey(TENANT.host, "cli_old", "tenant")) is None
    assert store.load(USER).refresh == Secret("r")


def test_sql_store_indexes_are_those_of_the_guide(engine: Engine):
    from sqlalchemy import inspect

    found = {index["name"]: index["column_names"] for index in inspect(engine).get_indexes("tokens")}
    assert found == {"idx_tokens_app_id": ["app_id"], "idx_tokens_expires_at": ["expires_at"]}


def test_sql_store_holds_no_token_in_the_clear(sqlite: Engine):
    _store(sqlite).save(USER, StoredToken(Secret("u-canary"), 2e9, Secret("r-canary"), 2e9))
    _store(sqlite).save(TENANT, _token("t-canary", secret_mark="mark-canary"))
    content = b"".join(path.read_bytes() for path in Path(sqlite.url.database).parent.iterdir())
    assert b"cli_a" in content
    assert b"canary" not in content


def test_sql_store_a_token_moved_to_another_row_is_not_taken(sqlite: Engine):
    store = _store(sqlite)
    store.save(TENANT, _token())
    with sqlite.begin() as conn:
        conn.execute(text("UPDATE tokens SET host = 'https://elsewhere.example'"))
    with pytest.raises(ConfigError, match="which this worker does not have"):
        store.load(TokenKey("https://elsewhere.example", "cli_a", "tenant"))


@pytest.mark.parametrize("kind", KINDS)
def test_sql_store_without_its_table_says_how_to_make_it(kind, new_database):
    with pytest.raises(ConfigError, match=r"has no table tokens: .*accounts\.upgrade"):
        _store(new_database(kind)).load(TENANT)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://lark:pw-canary@127.0.0.1:1/x?sslpassword=pw-canary", "sqlite:////no/such/place/x.db"]
)
def test_sql_store_without_its_database_says_which_and_no_password(url):
    engine = create_engine(url, poolclass=NullPool)
    with pytest.raises(Unreachable, match=r"the database (postgresql|sqlite).* failed \(OperationalError") as caught:
        _store(engine).claim(TENANT, seconds=1)
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


# keys


def test_keyring_reads_what_openssl_prints():
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl on this machine")
    made = subprocess.run([openssl, "rand", "-base64", "32"], capture_output=True, text=True, check=True).stdout
    assert len(Keyring.from_environment({VARIABLE: made}).key_ids) == 1


RAW = bytes.fromhex("fbff" * 16)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(base64.b64encode(RAW).decode(), id="standard"),
        pytest.param(base64.urlsafe_b64encode(RAW).decode(), id="url-safe"),
        pytest.param(base64.b64encode(RAW).decode().rstrip("="), id="standard, no padding"),
        pytest.param(base64.urlsafe_b64encode(RAW).decode().rstrip("="), id="url-safe, no padding"),
        pytest.param(f" {base64.b64encode(RAW).decode()}\n", id="with a line end"),
    ],
)
def test_keyring_takes_either_base64_for_the_same_key(made):
    sealed = Keyring.from_text(base64.b64encode(RAW).decode()).encrypt(Secret("x"))
    assert Keyring.from_text(made).decrypt(sealed) == Secret("x")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("your_32_byte_base64_key", id="the guide's placeholder"),
        pytest.param("3yX9kL2mP5nQ8rT1uV4wZ6aB7cD0eF1g==", id="the guide's example: 24 bytes"),
        pytest.param(base64.b64encode(bytes(31)).decode(), id="31 bytes"),
        pytest.param(base64.b64encode(bytes(33)).decode(), id="33 bytes"),
        pytest.param("00" * 32, id="hexadecimal"),
        pytest.param(f'"{KEY}"', id="with quotes"),
        pytest.param("ключ" * 11, id="no base64"),
    ],
)
def test_keyring_refuses_anything_else_with_how_to_make_one_and_does_not_echo_it(wrong):
    with pytest.raises(ConfigError, match=r"is not 32 bytes in base64: .*openssl rand -base64 32") as caught:
        Keyring.from_text(f"{KEY},{wrong}")
    assert "key 2 of 2" in str(caught.value)
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {VARIABLE: " "}, {VARIABLE: ","}])
def test_keyring_without_a_key_says_how_to_make_one(environ):
    with pytest.raises(ConfigError, match="openssl rand -base64 32"):
        Keyring.from_environment(environ)


def test_keyring_shows_no_key():
    keyring = Keyring.from_text(f"{KEY},{OLD_KEY}")
    shown = repr(keyring) + str(vars(keyring))
    assert len(keyring.key_ids) == 2
    assert not [key for key in (KEY, OLD_KEY) if key in shown or key[:20] in shown]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(keyring)


def test_wrong_key_is_an_error_that_says_so(sqlite: Engine):
    _store(sqlite, OLD_KEY).save(TENANT, _token())
    with pytest.raises(
        ConfigError, match=r"tenant token, app cli_a .* encrypted with key \w{8}, which .*the same keys"
    ):
        _store(sqlite).load(TENANT)
    with pytest.raises(ConfigError, match=r"wrong encryption key: none of .* decrypts any of the rows in tokens"):
        tokens.reencrypt(sqlite, Keyring.from_text(KEY))


def test_wrong_key_for_what_has_expired_is_as_if_nothing_was_there(sqlite: Engine):
    _store(sqlite, OLD_KEY).save(TENANT, _token(seconds=-1))
    assert _store(sqlite).load(TENANT) is None


def test_reencrypt_moves_all_rows_to_the_first_key(engine: Engine):
    both = Keyring.from_text(f"{KEY},{OLD_KEY}")
    _store(engine, OLD_KEY).save(TENANT, _token())
    _store(engine, OLD_KEY).save(USER, _grant("1"))
    _store(engine).save(TokenKey(TENANT.host, "cli_new", "tenant"), _token())
    assert tokens.survey(engine, both) == tokens.Survey(current=1, older=2, unreadable=())
    assert tokens.reencrypt(engine, both) == tokens.Reencryption(moved=2, current=1, unreadable=(), dropped=0)
    assert tokens.reencrypt(engine, both) == tokens.Reencryption(moved=0, current=3, unreadable=(), dropped=0)
    found = _store(engine).load(USER)
    assert (found.text, found.refresh) == (Secret("u-1"), Secret("r-1"))


def test_reencrypt_reports_what_no_key_opens_and_drops_it_when_told(sqlite: Engine):
    lost = Keyring.from_text(base64.b64encode(RAW).decode())
    SqlTokenStore(sqlite, lost, clock=SetClock()).save(USER, _grant("1"))
    _store(sqlite).save(TENANT, _token())
    keyring = Keyring.from_text(KEY)
    assert tokens.reencrypt(sqlite, keyring) == tokens.Reencryption(0, 1, unreadable=(USER,), dropped=0)
    assert tokens.survey(sqlite, keyring).unreadable == (USER,)
    assert tokens.reencrypt(sqlite, keyring, drop_unreadable=True) == tokens.Reencryption(0, 1, (USER,), dropped=1)
    assert tokens.survey(sqlite, keyring) == tokens.Survey(1, 0, ())


def test_reencrypt_beside_a_worker_that_saves_loses_nothing(sqlite: Engine):
    from airflow_provider_lark.core.accounts import upkeep

    _store(sqlite, OLD_KEY).save(TENANT, _token("t-old"))
    rows = upkeep._rows(sqlite)
    keyring = Keyring.from_text(f"{KEY},{OLD_KEY}")
    _store(sqlite).save(TENANT, _token("t-new"))
    with sqlite.begin() as conn:
        assert not upkeep._move(keyring, rows[0], upkeep._open(keyring, rows[0]), conn)
    assert _store(sqlite).load(TENANT).text == Secret("t-new")


def test_sql_store_in_a_database_that_is_being_written_is_read_without_waiting(sqlite: Engine):
    _store(sqlite).save(TENANT, _token())
    with write_transaction(sqlite) as conn:
        conn.execute(text("UPDATE tokens SET scopes = 'x'"))
        assert _store(sqlite).load(TENANT).text == Secret("t-1")
