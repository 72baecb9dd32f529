"""Whether to send a request again, and when: a pure decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from airflow_provider_lark.core.api.routes import Effect
from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown, RateLimited, RetriableError, Stopped

_FEW_ATTEMPTS = {1254002: 3}
# 1254002 "Fail" is a passing trouble or a bad page token, and does not say which

_LAG_CODES = frozenset({91402, 1254040, 1254041, 1254044, 1254045})
# base, table or field not found: right after its creation, the replica that answers may not have it yet

_WRITE_CONFLICT = 1254291
# another write holds the table or the base: this one was never applied, and comes through when its turn has come
_CONFLICT_PATIENCE = 5
_CONFLICT_LONGEST_WAIT_SECONDS = 4.0

FEW = 2
"""Sendings of a part of a batch that has failed as a whole, after all its own."""

_few: ContextVar[int | None] = ContextVar("few_attempts", default=None)


@contextmanager
def few_attempts(most: int = FEW) -> Iterator[None]:
    """Let the calls inside be sent no more than *most* times, whatever the client's patience."""
    token = _few.set(most)
    try:
        yield
    finally:
        _few.reset(token)


def current(policy: RetryPolicy) -> RetryPolicy:
    """Return *policy* as it holds for the call that begins now."""
    most = _few.get()
    return policy if most is None else replace(policy, max_attempts=min(most, policy.max_attempts))


FRESH_SECONDS = 10.0
"""How long a base, table or field that was just created may not be found (Lark's FAQ: "retry after a few seconds")."""

MAX_ATTEMPTS = 6
MAX_ELAPSED_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is.

    :param max_attempts: sendings of one request, the first included.
    :param max_elapsed_seconds: no wait begins that would end later than this after the first sending.
    :param first_wait_seconds: the backoff after the first attempt; doubles up to *longest_wait_seconds*.
    """

    max_attempts: int = MAX_ATTEMPTS
    max_elapsed_seconds: float = MAX_ELAPSED_SECONDS
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Send again after *wait_seconds*, or give up (None) because of *reason*."""

    wait_seconds: float | None
    reason: str


def decide_retry(
    effect: Effect,
    error: LarkError,
    *,
    attempt: int,
    elapsed_seconds: float,
    jitter: float,
    policy: RetryPolicy,
    is_fresh: bool = False,
) -> RetryDecision:
    """Decide about a request that failed.

    :param effect: what a second sending does.
    :param attempt: how many times it was sent, 1 for the first.
    :param elapsed_seconds: since the first sending began.
    :param jitter: a random number in [0, 1).
    :param is_fresh: something was created in this base within :data:`FRESH_SECONDS`.
    """
    if isinstance(error, Stopped):
        return RetryDecision(None, "told to stop")
    if not isinstance(error, RetriableError) and not (is_fresh and error.code in _LAG_CODES):
        return RetryDecision(None, "a person has to change something")
    if isinstance(error, OutcomeUnknown) and effect == "once":
        return RetryDecision(None, "it may have been carried out, and sending it again would do it twice")
    if attempt >= _most_attempts(error, policy):
        return RetryDecision(None, f"{attempt} attempts are used up")
    wait_seconds = _wait_seconds(error, attempt, jitter, policy)
    if elapsed_seconds + wait_seconds > policy.max_elapsed_seconds:
        return RetryDecision(None, f"waiting {wait_seconds:.0f} s more would take too long")
    return RetryDecision(wait_seconds, type(error).__name__)


def _most_attempts(error: LarkError, policy: RetryPolicy) -> int:
    if error.code == _WRITE_CONFLICT and policy.max_attempts > 1:
        return policy.max_attempts * _CONFLICT_PATIENCE
    return min(policy.max_attempts, _FEW_ATTEMPTS.get(error.code or 0, policy.max_attempts))


def _wait_seconds(error: LarkError, attempt: int, jitter: float, policy: RetryPolicy) -> float:
    if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
        # never earlier than told; spread, or all workers come back in the same instant
        return error.retry_after_seconds + jitter * policy.first_wait_seconds / 2
    longest = policy.longest_wait_seconds
    if error.code == _WRITE_CONFLICT:
        # who waits long lets the others pass, and a write takes no more than seconds
        longest = min(longest, _CONFLICT_LONGEST_WAIT_SECONDS)
    ceiling = min(longest, policy.first_wait_seconds * 2.0 ** (attempt - 1))
    return ceiling * (0.5 + jitter / 2)
