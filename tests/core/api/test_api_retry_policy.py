"""What a caller may say about repeated calls: more refusals, fewer errors, other numbers, and never a second doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.calls.resend import decide_retry
from airflow_provider_lark.core.api.codes import known_codes, refusal_codes
from airflow_provider_lark.core.api.retry import FailedAttempt, RetryPolicy
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ConfigError,
    OutcomeUnknown,
    RateLimited,
    ServerBusy,
    ServerFailed,
    UnexpectedAnswer,
)

SEND = "POST /open-apis/im/v1/messages"
MESSAGE = {"receive_id": "oc_a", "msg_type": "text", "content": '{"text":"x"}'}


def decide(error: Any, policy: RetryPolicy, effect: Any = "once", **rest: Any) -> float | None:
    given = {"attempt": 1, "elapsed_seconds": 0.0, "jitter": 0.0, "policy": policy, "endpoint": SEND, **rest}
    return decide_retry(effect, error, **given).wait_seconds


def always(_: FailedAttempt) -> bool:
    return True


@pytest.mark.parametrize("policy", [RetryPolicy(retry_codes=frozenset({230027})), RetryPolicy(handler=always)])
def test_refusal_that_lark_documents_is_repeated_where_it_is_asked_for(policy: RetryPolicy) -> None:
    refused = AccessDenied("x", code=230027)
    assert decide(refused, RetryPolicy()) is None
    assert decide(refused, policy) == 0.5


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OutcomeUnknown("x"), id="no answer"),
        pytest.param(ServerFailed("x", code=1255001), id="broken down"),
        pytest.param(BadRequest("x", code=987654321), id="code of nobody"),
        pytest.param(UnexpectedAnswer("x"), id="a proxy's page"),
    ],
)
def test_what_may_have_been_carried_out_is_never_repeated_whoever_asks(error: Any) -> None:
    policy = RetryPolicy(handler=always, retry_codes=frozenset({987654321, 1255001}))
    assert decide(error, policy) is None
    # a second sending does nothing there
    assert decide(error, policy, "read") == 0.5
    assert decide(error, policy, "replayable") == 0.5


def test_handler_never_makes_a_wrong_setting_right() -> None:
    assert decide(ConfigError("x"), RetryPolicy(handler=always), "read") is None


@pytest.mark.parametrize(
    "policy", [RetryPolicy(final_codes=frozenset({1254291})), RetryPolicy(handler=lambda _: False)]
)
def test_error_that_may_pass_is_final_where_it_is_asked_for(policy: RetryPolicy) -> None:
    assert decide(ServerBusy("x", code=1254291), policy, "read") is None


def test_handler_hears_of_the_attempt_and_says_how_long_to_wait_but_not_less_than_lark() -> None:
    heard: list[FailedAttempt] = []

    def handler(attempt: FailedAttempt) -> float:
        heard.append(attempt)
        return 3.0

    policy = RetryPolicy(handler=handler, final_codes=frozenset({230002}))
    limited = RateLimited("x", code=99991400, retry_after_seconds=7.0)
    assert decide(limited, policy, attempt=2, elapsed_seconds=4.0) == 7.0
    assert heard == [FailedAttempt(limited, SEND, "once", 2, 4.0, would_retry=True)]
    assert decide(ServerBusy("x"), policy) == 3.0
    assert decide(BadRequest("x", code=230002), policy) is None
    assert len(heard) == 2


def test_limits_of_number_and_time_hold_for_what_is_asked_for_too() -> None:
    policy = RetryPolicy(max_attempts=2, max_elapsed_seconds=10.0, handler=lambda _: 8.0)
    assert decide(ServerBusy("x"), policy, attempt=1) == 8.0
    assert decide(ServerBusy("x"), policy, attempt=2) is None
    assert decide(ServerBusy("x"), policy, elapsed_seconds=3.0) is None


@pytest.mark.parametrize("answer", ["yes", -1.0, float("nan"), [1]])
def test_handler_that_returns_something_else_is_told_so(answer: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"the retry handler returned .*; expected None, True, False or a number of seconds"
    ):
        decide(ServerBusy("x"), RetryPolicy(handler=lambda _: answer))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"max_attempts": 0}, "max_attempts must be a whole number from 1 to 100"),
        ({"max_attempts": True}, "max_attempts must be"),
        ({"max_attempts": 2.5}, "max_attempts must be"),
        ({"max_elapsed_seconds": -1}, "max_elapsed_seconds must be a number from 0"),
        ({"longest_wait_seconds": float("nan")}, "longest_wait_seconds must be"),
        ({"retry_codes": "230027"}, "retry_codes must be a list of Lark's codes"),
        ({"final_codes": ["230027"]}, "final_codes must be a list of Lark's codes"),
        ({"retry_codes": [1], "final_codes": [1]}, "code 1 is in both"),
        ({"handler": "always"}, "handler must be a function"),
    ],
)
def test_policy_that_cannot_be_is_refused_where_it_is_made(members: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RetryPolicy(**members)


def test_refusals_are_the_documented_codes_that_leave_nothing_open() -> None:
    assert refusal_codes() < known_codes()
    assert {230027, 1254045, 99991400} <= refusal_codes()
    assert not {1255001, 1254002, 2200} & refusal_codes()


def test_client_repeats_a_send_that_was_refused_for_the_codes_it_was_given(
    make_client: Callable[..., LarkClient], server: Any, clock: Any
) -> None:
    client = make_client(retry=RetryPolicy(max_attempts=3, first_wait_seconds=4.0, retry_codes=frozenset({230027})))
    server.refuse(230027, status=400, times=2)
    server.say({"message_id": "om_a"})
    answer = client.call("POST", "/open-apis/im/v1/messages", query={"receive_id_type": "chat_id"}, json=MESSAGE)
    assert (answer["data"], len(server.calls), clock.waits) == ({"message_id": "om_a"}, 3, [2.0, 4.0])


def test_client_asked_for_everything_does_not_repeat_a_send_without_an_answer(
    make_client: Callable[..., LarkClient], server: Any
) -> None:
    client = make_client(retry=RetryPolicy(handler=always))
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.call("POST", "/open-apis/im/v1/messages", json=MESSAGE)
    assert len(server.calls) == 1
    # with a token it does
    server.do("cut")
    server.say({"message_id": "om_a"})
    client.call("POST", "/open-apis/im/v1/messages", json={**MESSAGE, "uuid": "u1"})
    assert len(server.calls) == 3


@pytest.mark.parametrize("path", ["/open-apis/bitable/v1/apps/a/tables", "/open-apis/message/v4/batch_send/"])
def test_token_that_an_api_does_not_know_makes_nothing_repeatable(client: LarkClient, server: Any, path: str) -> None:
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.call("POST", path, json={"uuid": "u1"})
    assert len(server.calls) == 1


def test_number_given_to_the_client_wins_over_the_policys(make_client: Callable[..., LarkClient], server: Any) -> None:
    server.refuse(99991400, status=429, times=9)
    with pytest.raises(RateLimited):
        make_client(retry=RetryPolicy(max_attempts=5), max_attempts=2).bot.info()
    assert len(server.calls) == 2
