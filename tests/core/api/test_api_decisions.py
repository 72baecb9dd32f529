"""The pure decisions: retry, pace, token, codes, paging. No server, no time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.api import codes
from airflow_provider_lark.core.api.calls.resend import decide_retry
from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.api.tokens.token_answer import read_seconds, take_token
from airflow_provider_lark.core.api.tokens.token_cache import CacheMiss, TokenCache
from airflow_provider_lark.core.api.wire.answers import read_answer
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest, HttpResponse
from airflow_provider_lark.core.api.wire.paging import collect_pages, walk_pages
from airflow_provider_lark.core.api.wire.routes import BATCH_CREATE, Effect
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import (
    BadRequest,
    LarkError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ReadFailed,
    RetriableError,
    ServerBusy,
    ServerFailed,
    UnexpectedAnswer,
    Unreachable,
)

POLICY = RetryPolicy()


def _decide(
    error: LarkError, *, effect: Effect = "read", attempt: int = 1, elapsed: float = 0.0, **rest: Any
) -> float | None:
    rest = {"jitter": 0.0, "policy": POLICY, **rest}
    return decide_retry(effect, error, attempt=attempt, elapsed_seconds=elapsed, **rest).wait_seconds


@pytest.mark.parametrize(
    ("effect", "error", "again"),
    [
        ("read", OutcomeUnknown("x"), True),
        ("idempotent", OutcomeUnknown("x"), True),
        ("replayable", OutcomeUnknown("x"), True),
        ("once", OutcomeUnknown("x"), False),
        ("once", Unreachable("x"), True),
        ("once", ServerBusy("x"), True),
        ("once", RateLimited("x"), True),
        ("read", BadRequest("x"), False),
        ("read", NotFound("x", code=1254041), False),
    ],
)
def test_retry_depends_on_what_a_second_sending_does(effect: Effect, error: LarkError, again: bool) -> None:
    assert (_decide(error, effect=effect) is not None) is again


def test_retry_backoff_doubles_up_to_its_ceiling() -> None:
    patient = RetryPolicy(max_attempts=99, max_elapsed_seconds=9999)
    waits = [_decide(ServerBusy("x"), attempt=attempt, policy=patient, jitter=1.0) for attempt in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_retry_never_comes_before_the_time_the_server_named() -> None:
    for jitter in (0.0, 0.5, 0.99):
        wait = _decide(RateLimited("x", retry_after_seconds=60), jitter=jitter)
        assert wait is not None
        assert 60 <= wait < 61


def test_retry_ends_with_attempts_and_with_patience() -> None:
    assert _decide(ServerBusy("x"), attempt=6) is None
    assert _decide(ServerBusy("x"), elapsed=179.4) == 0.5
    assert _decide(ServerBusy("x"), elapsed=179.6) is None
    assert _decide(RateLimited("x", retry_after_seconds=181)) is None


def test_retry_of_1254002_is_short_for_it_may_be_a_bad_page_token() -> None:
    assert _decide(ServerBusy("x", code=1254002), attempt=2) is not None
    assert _decide(ServerBusy("x", code=1254002), attempt=3) is None


def test_retry_of_not_found_only_right_after_a_creation() -> None:
    assert _decide(NotFound("x", code=1254041), is_fresh=True) is not None
    assert _decide(NotFound("x", code=1254043), is_fresh=True) is None


# token


def test_token_one_fetches_and_the_others_wait() -> None:
    cache = TokenCache()
    assert [cache.claim(0.0) for _ in range(3)] == [CacheMiss.FETCH, CacheMiss.WAIT, CacheMiss.WAIT]
    cache.store(Secret("a"), asked_at=0.0, expire_seconds=7200.0)
    assert cache.claim(0.0) == Secret("a")


def test_token_failed_fetch_passes_the_turn_on() -> None:
    cache = TokenCache()
    assert cache.claim(0.0) is CacheMiss.FETCH
    cache.give_up()
    assert cache.claim(0.0) is CacheMiss.FETCH


def test_token_still_valid_serves_the_others_during_a_renewal() -> None:
    cache = TokenCache()
    cache.claim(0.0)
    cache.store(Secret("a"), asked_at=0.0, expire_seconds=7200.0)
    assert cache.claim(7019.0) == Secret("a")
    assert cache.claim(7021.0) is CacheMiss.FETCH
    assert cache.claim(7021.0) == Secret("a")
    assert cache.claim(7200.0) is CacheMiss.WAIT


def test_token_with_little_life_left_is_used_for_most_of_it() -> None:
    cache = TokenCache()
    cache.claim(0.0)
    cache.store(Secret("a"), asked_at=0.0, expire_seconds=100.0)
    assert cache.claim(89.0) == Secret("a")
    assert cache.claim(91.0) is CacheMiss.FETCH


def test_token_drop_forgets_only_the_refused_one() -> None:
    cache = TokenCache()
    cache.claim(0.0)
    cache.store(Secret("new"), asked_at=0.0, expire_seconds=7200.0)
    cache.drop(Secret("old"))
    assert cache.claim(0.0) == Secret("new")
    cache.drop(Secret("new"))
    assert cache.claim(0.0) is CacheMiss.FETCH


@pytest.mark.parametrize("text", ["", None, "a b"])
def test_token_answer_without_a_token_is_refused(text: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        take_token({"tenant_access_token": text}, "tenant_access_token", endpoint="POST /token")


@pytest.mark.parametrize("expire", [0, -1, True, "7200", None])
def test_token_answer_without_a_life_is_refused(expire: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        read_seconds({"expire": expire}, "expire", endpoint="POST /token")


# answers


REQUEST = HttpRequest("POST", "/x", json={"name": "Zaphod"}, endpoint=BATCH_CREATE.endpoint)


def _error_of(body: dict[str, Any], *, status: int = 200, is_write: bool = False) -> LarkError:
    response = HttpResponse(status, {}, json.dumps(body).encode())
    with pytest.raises(LarkError) as caught:
        read_answer(response, request=REQUEST, subject="table t", is_write=is_write)
    return caught.value


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, ServerFailed) for code in (2200, 1254002, 1254200, 1255001, 1255005)),
        *((code, OutcomeUnknown) for code in (1255040, 1254608)),
    ],
)
def test_answer_of_a_broken_server_leaves_only_writes_in_doubt(code: int, kind: type[LarkError]) -> None:
    assert type(_error_of({"code": code}, is_write=True)) is kind
    assert type(_error_of({"code": code}, is_write=False)) is (ReadFailed if kind is ServerFailed else ServerBusy)


@pytest.mark.parametrize("code", [1254036, 1254112, 1254290, 1254291, 1254607])
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_answer_of_a_busy_server_says_that_nothing_was_done(code: int, status: int) -> None:
    assert type(_error_of({"code": code}, status=status, is_write=True)) is ServerBusy


def test_answer_quotes_lark_up_to_what_the_request_says_too() -> None:
    assert '("Cannot greet")' in str(_error_of({"code": 4711, "msg": "Cannot greet Zaphod today"}))
    assert "Zaphod" not in str(_error_of({"code": 4711, "msg": "zaphod cannot be greeted"}))


@pytest.mark.parametrize("msg", [None, 7, ["a"], "", "中文", "{}"])
def test_answer_with_a_strange_msg_is_still_explained(msg: Any) -> None:
    assert "look the code up" in str(_error_of({"code": 4711, "msg": msg, "error": "text", "data": 1}))


@pytest.mark.parametrize(
    "details", [[], "x", {"permission_violations": 5}, {"permission_violations": [1]}, {"log_id": 5}]
)
def test_answer_with_strange_details_is_still_explained(details: Any) -> None:
    assert _error_of({"code": 99991672, "error": details}).code == 99991672


def test_codes_every_meaning_says_what_and_what_to_do() -> None:
    for code in codes.known_codes():
        meaning = codes.explain(code, 200)
        assert meaning.what
        assert meaning.hint
        assert issubclass(meaning.error, LarkError)


def test_codes_retriable_meanings_promise_a_retry_and_no_other_does() -> None:
    for code in codes.known_codes():
        meaning = codes.explain(code, 200)
        assert ("try again later" in meaning.hint) is issubclass(meaning.error, RetriableError), code


@settings(deadline=None)
@given(st.integers(), st.integers(100, 599))
def test_codes_any_code_and_status_have_a_meaning(code: int, status: int) -> None:
    assert issubclass(codes.explain(code, status).error, LarkError)


# paging


@dataclass
class _Page:
    has_more: bool
    page_token: str | None


def _fetch(script: Iterator[_Page]) -> Any:
    def fetch(token: str | None) -> Flow[_Page]:
        yield from ()
        return next(script)

    return fetch


def _run(flow: Flow[Any]) -> Any:
    try:
        next(flow)
    except StopIteration as done:
        return done.value
    raise AssertionError("wants I/O")


@settings(deadline=None)
@given(st.lists(st.text(max_size=2), max_size=12))
def test_paging_ends_complete_or_raises(tokens: list[str]) -> None:
    pages = [*(_Page(True, token) for token in tokens), _Page(False, "ignored")]
    flow = collect_pages(walk_pages(_fetch(iter(pages)), subject="table t"))
    if all(tokens) and len(set(tokens)) == len(tokens):
        assert _run(flow) == pages
    else:
        with pytest.raises(UnexpectedAnswer):
            _run(flow)
