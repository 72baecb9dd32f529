"""No token, ticket, code or key shows: in logs, errors, the locals of their tracebacks, or the database's bytes."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts import upgrade
from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.tokens import SqlTokenStore, reencrypt
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import LarkError
from tests.databases import open_sqlite

CANARY = "canary"
KEY = "canary" * 7 + "A="
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BACK = "http://127.0.0.1/back"
TOKENS = {"code": 0, "access_token": "u-canary-2", "expires_in": 7200, "refresh_token": "r-canary-2"}
APP_TOKEN = {"code": 0, "app_access_token": "a-canary", "expire": 7200}
TENANT_TOKEN = {"code": 0, "tenant_access_token": "t-canary", "expire": 7200}


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("", "httpx", "httpcore", "sqlalchemy.engine", "sqlalchemy.pool", "airflow_provider_lark"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    return caplog


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_sqlite(tmp_path / "tokens.db")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine, clock: Any) -> SqlTokenStore:
    return SqlTokenStore(engine, Keyring.from_text(KEY), clock=clock)


def _shown_by(error: BaseException) -> str:
    """What an error tracker keeps: texts, notes and the locals of every frame, but those of the tests."""
    shown = [str(error), repr(error), *getattr(error, "__notes__", [])]
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    shown += [f"{frame.name}: {frame.locals}" for frame in stack if "/tests/" not in frame.filename]
    return "\n".join([*shown, *(_shown_by(each) for each in (error.__cause__, error.__context__) if each)])


def _assert_nothing_shows(caplog: pytest.LogCaptureFixture, *errors: BaseException) -> None:
    assert "http" in caplog.text
    assert CANARY not in caplog.text
    for error in errors:
        assert CANARY not in _shown_by(error)
        assert CANARY not in str(pickle.loads(pickle.dumps(error)))


def _user(server: Any, store: SqlTokenStore, clock: Any, **changes: Any) -> TokenKey:
    key = TokenKey(server.url, "cli_test", "user", "ou_1")
    grant = StoredToken(Secret("u-canary"), clock.now() + 7200, Secret("r-canary"), clock.now() + 604_800)
    store.save(key, replace(grant, **changes))
    return key


def _call_as_user(client: LarkClient) -> None:
    client.auth.user_info()


def _exchange(client: LarkClient) -> None:
    client.auth.exchange_code(code="code-canary", redirect_uri=BACK, code_verifier="canary-verifier" * 3)


def _keep_ticket_and_call(client: LarkClient) -> None:
    client.auth.keep_app_ticket("ticket-canary")
    client.bot.info()


# success


def test_success_of_every_identity_shows_nothing_and_stores_nothing_in_the_clear(
    make_client: Callable[..., LarkClient],
    server: Any,
    store: SqlTokenStore,
    engine: Engine,
    clock: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _user(server, store, clock, expires_at=0.0)
    server.say_token(TENANT_TOKEN)
    server.say(bot={"open_id": "ou_bot"})
    make_client(token_store=store).bot.info()
    server.do(body=TOKENS)
    server.say({"open_id": "ou_1"})
    _call_as_user(make_client(token_store=store, user="ou_1"))
    server.do(body={**TOKENS, "access_token": "u-canary-3"})
    server.say({"open_id": "ou_2"})
    grant = make_client(token_store=store).auth.exchange_code(code="code-canary", redirect_uri=BACK)
    server.do(body=APP_TOKEN)
    server.do(body=TENANT_TOKEN)
    server.say(bot={"open_id": "ou_bot"})
    client = make_client(token_store=store, tenant_key="tk")
    _keep_ticket_and_call(client)
    _assert_nothing_shows(caplog)
    assert CANARY not in repr((grant, client, store, client.bot.session.credentials))
    assert "INSERT INTO tokens" in caplog.text
    content = b"".join(path.read_bytes() for path in Path(str(engine.url.database)).parent.iterdir())
    assert content.count(b"cli_test") >= 5
    assert b"canary" not in content


# failure


def _say(*bodies: Any, **rest: Any) -> Callable[[Any], None]:
    def script(server: Any) -> None:
        for body in bodies:
            server.do(body=body, times=1, **rest)
        server.do(body={"code": 99991677, "msg": "u-canary-2 is " + "canary" * 9}, status=400, times=20)

    return script


USER_FAILURES = [
    pytest.param(_say({"code": 20026, "error": "r-canary-1", "error_description": "canary"}, status=400), id="refused"),
    pytest.param(_say(TOKENS), id="new token refused"),
    pytest.param(_say({**TOKENS, "expires_in": None}), id="no lifetime"),
    pytest.param(_say({**TOKENS, "refresh_token_expires_in": "soon"}), id="no refresh lifetime"),
    pytest.param(_say({**TOKENS, "access_token": "u-canary\r\nX: y"}), id="token with a line end"),
    pytest.param(_say({**TOKENS, "access_token": {"canary": 1}}), id="token that is no text"),
    pytest.param(_say(b'{"code":0,"access_token":"u-canary'), id="cut json"),
    pytest.param(_say(b"<html>canary</html>"), id="html"),
    pytest.param(_say(None, action="cut"), id="connection reset"),
]


@pytest.mark.parametrize("script", USER_FAILURES)
def test_failed_renewal_of_a_user_token_shows_nothing(
    make_client: Callable[..., LarkClient],
    server: Any,
    store: SqlTokenStore,
    clock: Any,
    script: Callable[[Any], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    _user(server, store, clock, expires_at=0.0)
    script(server)
    with pytest.raises(LarkError) as caught:
        _call_as_user(make_client(token_store=store, user="ou_1", max_attempts=2))
    _assert_nothing_shows(caplog, caught.value)


@pytest.mark.parametrize("script", USER_FAILURES)
def test_failed_exchange_of_a_code_shows_nothing(
    client: LarkClient, server: Any, script: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    script(server)
    with pytest.raises(LarkError) as caught:
        _exchange(client)
    _assert_nothing_shows(caplog, caught.value)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_say({"code": 10012, "msg": "ticket-canary"}, {"code": 0}), id="ticket refused"),
        pytest.param(_say({"code": 10015, "msg": "canary"}), id="secret refused"),
        pytest.param(_say({**APP_TOKEN, "expire": 0}), id="no lifetime"),
        pytest.param(_say(APP_TOKEN, {"code": 10005, "msg": "a-canary"}), id="tenant refused"),
        pytest.param(_say(APP_TOKEN, {**TENANT_TOKEN, "expire": 0}), id="no lifetime in the tenant"),
        pytest.param(_say(APP_TOKEN, TENANT_TOKEN, {"code": 99991663, "msg": "t-canary"}), id="token refused"),
    ],
)
def test_failed_token_of_a_store_app_shows_nothing(
    make_client: Callable[..., LarkClient],
    server: Any,
    store: SqlTokenStore,
    script: Callable[[Any], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    script(server)
    with pytest.raises(LarkError) as caught:
        _keep_ticket_and_call(make_client(token_store=store, tenant_key="tk", max_attempts=2))
    _assert_nothing_shows(caplog, caught.value)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("sqlite:////no/such/place/tokens.db", id="no database"),
        pytest.param("postgresql+psycopg://lark:canary@127.0.0.1:1/x", id="no server"),
    ],
)
@pytest.mark.parametrize("use", [_call_as_user, _exchange, _keep_ticket_and_call])
def test_store_that_is_down_shows_neither_tokens_nor_its_password(
    make_client: Callable[..., LarkClient],
    server: Any,
    clock: Any,
    url: str,
    use: Callable[[LarkClient], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = SqlTokenStore(create_engine(url, poolclass=NullPool), Keyring.from_text(KEY), clock=clock)
    server.do(body=TOKENS)
    server.say({"open_id": "ou_1"})
    client = make_client(token_store=down, user="ou_1", max_attempts=1)
    with pytest.raises(LarkError) as caught:
        use(client)
    assert "failed (OperationalError" in str(caught.value)
    assert CANARY not in _shown_by(caught.value) + caplog.text


def test_wrong_key_shows_neither_key_nor_token(
    make_client: Callable[..., LarkClient],
    server: Any,
    store: SqlTokenStore,
    engine: Engine,
    clock: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _user(server, store, clock)
    wrong = Keyring.from_text(OTHER_KEY)
    client = make_client(token_store=SqlTokenStore(engine, wrong, clock=clock), user="ou_1", max_attempts=1)
    with pytest.raises(LarkError, match="which this worker does not have") as of_client:
        _call_as_user(client)
    with pytest.raises(LarkError, match="wrong encryption key") as of_command:
        reencrypt(engine, wrong)
    shown = _shown_by(of_client.value) + _shown_by(of_command.value) + caplog.text
    assert not [secret for secret in (CANARY, OTHER_KEY[:20]) if secret in shown]


@pytest.mark.parametrize("text", [f"{KEY},canary-key", "canary" * 10])
def test_key_that_is_refused_is_not_shown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    for read in (lambda: Keyring.from_text(text), Keyring.from_environment):
        with pytest.raises(LarkError) as caught:
            read()
        assert CANARY not in _shown_by(caught.value)


def test_verifier_that_is_refused_is_not_shown(client: LarkClient) -> None:
    with pytest.raises(LarkError) as caught:
        client.auth.authorize_url(redirect_uri=BACK, state="s", code_verifier="canary")
    assert CANARY not in _shown_by(caught.value)
