"""Users who let the app act for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, StoredToken, TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ConfigError,
    NotAuthorized,
    OutcomeUnknown,
    ServerBusy,
    UnexpectedAnswer,
    Unreachable,
)
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

BACK = "http://127.0.0.1/back"
VERIFIER = "v" * 43
OAUTH_CALL = "POST /open-apis/authen/v2/oauth/token"
USER_CALL = "GET /open-apis/authen/v1/user_info"


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore()


@pytest.fixture
def app(emu: Emulator, store: MemoryTokenStore) -> Iterator[LarkClient]:
    with _client(emu, store) as client:
        yield client


def _client(emu: Emulator, store: MemoryTokenStore, **options: Any) -> LarkClient:
    options = {"clock": SystemClock(), "token_store": store, **options}
    return LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, **options)


def _key(emu: Emulator, user: str) -> TokenKey:
    return TokenKey(emu.url, DEFAULT_APP_ID, "user", user)


def _change(store: MemoryTokenStore, key: TokenKey, **changes: Any) -> StoredToken:
    kept = store.load(key)
    assert kept is not None
    store.save(key, replace(kept, **changes))
    return kept


# the address


def test_authorize_url_asks_for_a_code_with_scopes_and_challenge(emu: Emulator, app: LarkClient) -> None:
    url = app.auth.authorize_url(redirect_uri=BACK, scopes=("a:b", "offline_access"), state="s", code_verifier=VERIFIER)
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{emu.url}/open-apis/authen/v1/authorize"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    # the challenge as `printf … | openssl dgst -sha256 -binary | openssl base64` computes it
    assert query == {
        "client_id": DEFAULT_APP_ID,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "a:b offline_access",
        "state": "s",
        "code_challenge": "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM",
        "code_challenge_method": "S256",
    }
    assert VERIFIER not in url


@pytest.mark.parametrize(
    ("host", "accounts"),
    [
        ("https://open.feishu.cn", "https://accounts.feishu.cn/"),
        ("https://open.larksuite.com", "https://accounts.larksuite.com/"),
    ],
)
def test_authorize_url_is_on_the_platforms_accounts_host(host: str, accounts: str) -> None:
    with LarkClient("cli_a", "secret", host) as client:
        assert client.auth.authorize_url(redirect_uri=BACK, state="s").startswith(accounts)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"code_verifier": "canary"}, "43 to 128", id="short verifier"),
        pytest.param({"code_verifier": "canary" * 30}, "43 to 128", id="long verifier"),
        pytest.param({"scopes": ["a:b"] * 51}, "at most 50 are allowed per authorisation, got 51", id="scopes"),
    ],
)
def test_authorize_url_refuses_what_lark_would(app: LarkClient, options: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        app.auth.authorize_url(redirect_uri=BACK, state="s", **options)
    assert "canary" not in str(caught.value)


# the code


def test_exchange_code_tells_who_granted_what_and_the_user_can_be_acted_for(
    emu: Emulator, app: LarkClient, store: MemoryTokenStore, visit: Callable[..., dict[str, str]]
) -> None:
    scopes = ("bitable:app", "offline_access")
    url = app.auth.authorize_url(redirect_uri=BACK, scopes=scopes, state="mine", code_verifier=VERIFIER)
    landed = visit(url)
    assert landed["state"] == "mine"
    grant = app.auth.exchange_code(code=landed["code"], redirect_uri=BACK, code_verifier=VERIFIER)
    assert grant.open_id == emu.state.person.open_id
    assert set(grant.scopes) == set(scopes)
    assert grant.refresh_expires_at is not None
    assert grant.expires_at < grant.refresh_expires_at
    with _client(emu, store, user=grant.open_id) as person:
        info = person.auth.user_info()
        assert (info.open_id, info.name) == (grant.open_id, grant.name)
        created = person.bitable.create_app(name="mine")
    assert emu.state.bases[created.app_token].name == "mine"
    # the app itself was never asked for a token
    assert person.calls.by_kind == {"other": 2}


def test_exchange_code_without_a_store_serves_the_process(emu: Emulator, consent: Callable[..., str]) -> None:
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url) as client:
        user = consent(client)
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url, user=user) as person:
        assert person.auth.user_info().open_id == user


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"code": "unknown"}, "unknown or was already used", id="unknown code"),
        pytest.param({"redirect_uri": "http://127.0.0.1/other"}, "redirect_uri does not match", id="redirect_uri"),
        pytest.param({"code_verifier": "w" * 43}, "code_verifier does not match", id="verifier"),
    ],
)
def test_exchange_code_that_lark_refuses_says_to_authorise_again(
    app: LarkClient, visit: Callable[..., dict[str, str]], changes: dict[str, str], words: str
) -> None:
    url = app.auth.authorize_url(redirect_uri=BACK, state="s", code_verifier=VERIFIER)
    right = {"code": visit(url)["code"], "redirect_uri": BACK, "code_verifier": VERIFIER}
    with pytest.raises(NotAuthorized, match=f"{words}.*authorise the app again") as caught:
        app.auth.exchange_code(**{**right, **changes})
    assert caught.value.code


def test_exchange_code_a_second_time_is_refused(app: LarkClient, visit: Callable[..., dict[str, str]]) -> None:
    code = visit(app.auth.authorize_url(redirect_uri=BACK, state="s"))["code"]
    app.auth.exchange_code(code=code, redirect_uri=BACK)
    with pytest.raises(NotAuthorized, match="the code was already used"):
        app.auth.exchange_code(code=code, redirect_uri=BACK)


def test_exchange_code_without_an_answer_is_not_repeated(client: LarkClient, server: Any) -> None:
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.auth.exchange_code(code="c", redirect_uri=BACK)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({"code": 20063, "error": "invalid_request"}, 400, BadRequest, id="parameter"),
        pytest.param({"code": 20002, "error": "invalid_client"}, 400, NotAuthorized, id="secret"),
        pytest.param({"code": 0, "access_token": "", "expires_in": 7200}, 200, UnexpectedAnswer, id="no token"),
        pytest.param({"code": 0, "access_token": "u-1"}, 200, UnexpectedAnswer, id="no lifetime"),
    ],
)
def test_exchange_code_reads_flat_answers(
    client: LarkClient, server: Any, body: Any, status: int, error: type[Exception]
) -> None:
    server.do(body=body, status=status)
    with pytest.raises(error) as caught:
        client.auth.exchange_code(code="c-1", redirect_uri=BACK)
    assert body.get("error", "") in str(caught.value)


def test_exchange_code_is_sent_again_while_the_sign_in_is_overloaded(client: LarkClient, server: Any) -> None:
    server.do(body={"code": 20072, "error": "temporarily_unavailable", "error_description": "x"}, status=503)
    server.do(body={"code": 0, "access_token": "u-1", "expires_in": 7200, "scope": "a b"})
    server.say({"open_id": "ou_1", "name": "Zaphod"})
    assert client.auth.exchange_code(code="c", redirect_uri=BACK).scopes == ("a", "b")
    assert server.calls[1].json == {
        "client_id": "cli_test",
        "client_secret": "canary-secret",
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "code": "c",
    }
    assert server.calls[2].headers["authorization"] == "Bearer u-1"


# renewal


def test_user_token_that_has_ended_is_renewed_once_and_the_new_refresh_token_kept(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app)
    before = _change(store, _key(emu, user), expires_at=0.0)
    with _client(emu, store, user=user) as person:
        for _ in range(3):
            person.auth.user_info()
    after = store.load(_key(emu, user))
    assert after is not None
    assert after.refresh not in (None, before.refresh)
    assert emu.journal.counters()[OAUTH_CALL] == 2


def test_user_token_refused_by_lark_is_renewed_and_the_call_sent_again(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app)
    with _client(emu, store, user=user) as person:
        person.auth.user_info()
        emu.state.tokens.expire_all()
        person.auth.user_info()
        assert person.calls.by_kind == {"other": 3, "token": 1}


@pytest.mark.parametrize("code", [20005, 99991668, 99991677])
def test_user_token_refused_twice_says_to_authorise_again(
    make_client: Callable[..., LarkClient], server: Any, clock: Any, code: int
) -> None:
    store = MemoryTokenStore(clock)
    now = clock.now()
    store.save(TokenKey(server.url, "cli_test", "user", "ou_1"), StoredToken(Secret("u-1"), now + 7200, Secret("r-1")))
    client = make_client(token_store=store, user="ou_1")
    server.refuse(code, status=401)
    server.do(body={"code": 0, "access_token": "u-2", "expires_in": 7200, "refresh_token": "r-2"})
    server.refuse(code, status=401)
    with pytest.raises(NotAuthorized, match="authorise the app again"):
        client.auth.user_info()
    assert [heard.headers.get("authorization") for heard in server.calls] == ["Bearer u-1", None, "Bearer u-2"]


def test_twenty_threads_of_one_user_renew_once(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app)
    _change(store, _key(emu, user), expires_at=0.0)
    start = threading.Barrier(20)
    # half of them in one process, half in another
    with _client(emu, store, user=user) as one, _client(emu, store, user=user) as other, ThreadPoolExecutor(20) as pool:

        def work(number: int) -> str:
            start.wait()
            return (one, other)[number % 2].auth.user_info().open_id

        assert set(pool.map(work, range(20))) == {user}
    assert emu.journal.counters()[OAUTH_CALL] == 2


def test_user_who_never_authorised_is_named_with_what_to_do(emu: Emulator, store: MemoryTokenStore) -> None:
    with _client(emu, store, user="ou_nobody") as person, pytest.raises(NotAuthorized) as caught:
        person.auth.user_info()
    assert "ou_nobody has not authorised" in str(caught.value)
    assert "authorize_url" in str(caught.value)
    assert emu.journal.counters() == {}


def test_user_without_offline_access_cannot_be_renewed_and_is_told(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app, ("bitable:app",))
    _change(store, _key(emu, user), expires_at=0.0)
    with _client(emu, store, user=user) as person, pytest.raises(NotAuthorized, match="offline_access was not granted"):
        person.auth.user_info()


def test_user_whose_authorisation_has_ended_is_not_asked_for_in_vain(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app)
    _change(store, _key(emu, user), expires_at=0.0, refresh_expires_at=1.0)
    with _client(emu, store, user=user) as person, pytest.raises(NotAuthorized, match=r"has expired.*authorize_url"):
        person.auth.user_info()
    assert emu.journal.counters()[OAUTH_CALL] == 1


@pytest.mark.parametrize("code", [20026, 20037, 20064, 20073, 20074])
def test_user_whose_refresh_token_lark_refuses_has_to_authorise_again(
    make_client: Callable[..., LarkClient], server: Any, clock: Any, code: int
) -> None:
    store = MemoryTokenStore(clock)
    key = TokenKey(server.url, "cli_test", "user", "ou_1")
    store.save(key, StoredToken(Secret("u-1"), 0.0, Secret("r-1")))
    server.do(body={"code": code, "error": "invalid_grant", "error_description": "x"}, status=400)
    with pytest.raises(NotAuthorized, match=r"user ou_1.*authorise the app again") as caught:
        make_client(token_store=store, user="ou_1").auth.user_info()
    assert caught.value.code == code
    # the next worker need not wait for the claim to lapse
    assert store.claim(key, seconds=1)


def test_user_renewal_without_an_answer_is_tried_again_with_the_same_refresh_token(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    store = MemoryTokenStore(clock)
    store.save(TokenKey(server.url, "cli_test", "user", "ou_1"), StoredToken(Secret("u-1"), 0.0, Secret("r-1")))
    server.do("cut")
    server.do(body={"code": 0, "access_token": "u-2", "expires_in": 7200, "refresh_token": "r-2"})
    server.say({"open_id": "ou_1"})
    assert make_client(token_store=store, user="ou_1").auth.user_info().open_id == "ou_1"
    assert [heard.json["refresh_token"] for heard in server.calls[:2]] == ["r-1", "r-1"]


def test_user_renewal_by_a_worker_that_hangs_is_waited_for_and_then_given_up(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    store = MemoryTokenStore(clock)
    key = TokenKey(server.url, "cli_test", "user", "ou_1")
    store.save(key, StoredToken(Secret("u-1"), 0.0, Secret("r-1")))
    store.claim(key, seconds=1e9)
    with pytest.raises(ServerBusy, match=r"another worker.*user token of ou_1"):
        make_client(token_store=store, user="ou_1", max_attempts=1).auth.user_info()
    assert server.calls == []
    assert sum(clock.waits) > 90


class ForgetfulStore(MemoryTokenStore):
    """Cannot save while *is_down*."""

    is_down = False

    def save(self, key: TokenKey, token: StoredToken) -> None:
        if self.is_down:
            raise Unreachable("the database is down")
        super().save(key, token)


def test_user_renewal_that_cannot_be_stored_is_kept_until_it_can(
    make_client: Callable[..., LarkClient], server: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store = ForgetfulStore(clock)
    key = TokenKey(server.url, "cli_test", "user", "ou_1")
    store.save(key, StoredToken(Secret("u-1"), 0.0, Secret("r-1")))
    client = make_client(token_store=store, user="ou_1")
    store.is_down = True
    server.do(body={"code": 0, "access_token": "u-2", "expires_in": 7200, "refresh_token": "r-2"})
    server.say({"open_id": "ou_1"})
    client.auth.user_info()
    assert "continuing without the token store: the database is down" in caplog.text
    store.is_down = False
    clock.seconds += 7200
    # Lark knows r-1 no more; this worker alone has r-2
    server.do(body={"code": 0, "access_token": "u-3", "expires_in": 7200, "refresh_token": "r-3"})
    server.say({"open_id": "ou_1"})
    client.auth.user_info()
    assert server.calls[2].json["refresh_token"] == "r-2"
    assert store.load(key) == StoredToken(Secret("u-3"), clock.now() + 7200, Secret("r-3"))


# rights


def test_scope_that_the_user_did_not_grant_is_named(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app, ("contact:user.base:readonly", "offline_access"))
    with _client(emu, store, user=user) as person, pytest.raises(AccessDenied) as caught:
        person.bitable.create_app(name="x")
    assert caught.value.code == 99991679
    assert "the user did not grant a scope" in str(caught.value)
    assert "authorise the app again (client.auth.authorize_url) with this scope" in str(caught.value)
    assert "base:app:create" in caught.value.scopes
    assert "base:app:create" in str(caught.value)


def test_user_info_of_the_app_itself_says_to_give_a_user(app: LarkClient) -> None:
    with pytest.raises(ConfigError, match="create the client with `user`"):
        app.auth.user_info()


@pytest.mark.parametrize("name", ["user", "tenant_key"])
def test_client_with_an_empty_identity_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is empty"):
        LarkClient("cli_a", "secret", **{name: " "})


def test_authorize_url_without_scopes_asks_for_none(make_client: Callable[..., LarkClient]) -> None:
    with make_client(host="https://open.feishu.cn") as client:
        url = client.auth.authorize_url(redirect_uri="https://a.b/c", state="s")
    assert url.startswith("https://accounts.feishu.cn/open-apis/authen/v1/authorize?client_id=")
    assert "scope" not in url


def test_user_token_that_an_api_does_not_take_is_kept(
    emu: Emulator, store: MemoryTokenStore, app: LarkClient, consent: Callable[..., str]
) -> None:
    user = consent(app)
    with _client(emu, store, user=user) as person:
        with pytest.raises(AccessDenied, match=r"does not accept user tokens.*without `user`"):
            person.contact.batch_get_id(emails=["ann@example.com"])
        assert person.calls.by_kind == {"other": 1}
