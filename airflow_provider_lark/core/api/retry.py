"""Whether to send a request again, and when: a pure decision.  Callers may have a say, but not about safety."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from types import UnionType
from typing import TypeAlias

from airflow_provider_lark.core.api.codes import refusal_codes
from airflow_provider_lark.core.api.routes import Effect
from airflow_provider_lark.core.errors import (
    ConfigError,
    LarkError,
    OutcomeUnknown,
    RateLimited,
    RetriableError,
    Stopped,
)

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
class FailedAttempt:
    """What a retry handler is asked about.

    :param error: why the attempt failed.
    :param endpoint: method and route, without ids: ``POST /open-apis/im/v1/messages``.
    :param effect: what a second sending does: ``read`` nothing, ``idempotent`` and ``replayable`` the same again,
        ``once`` the thing twice.
    :param number: how many times the request was sent, 1 for the first.
    :param elapsed_seconds: since the first sending began.
    :param would_retry: what the client does without a handler, the limits of time and number apart.
    """

    error: LarkError
    endpoint: str
    effect: Effect
    number: int
    elapsed_seconds: float
    would_retry: bool


RetryHandler: TypeAlias = Callable[[FailedAttempt], bool | float | None]
"""Returns None: as the client decides; False: give up; True: send again; seconds: send again after so many."""

LONGEST_ELAPSED_SECONDS = 86_400.0
MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is, and with what.

    Neither codes nor a handler make it send again what it may have carried out already: an answer that leaves that open
    is repeated only where a second sending does no harm, and a code only where Lark documents it as a refusal.

    :param max_attempts: sendings of one request, the first included; 1 to 100.
    :param max_elapsed_seconds: no wait begins that would end later than this after the first sending; up to a day.
    :param first_wait_seconds: the backoff after the first attempt; doubles up to *longest_wait_seconds*.
    :param retry_codes: codes of Lark after which to send again, though a person is expected to change something first.
    :param final_codes: codes after which not to, though it may help.
    :param handler: asked about each failed attempt that no code above decides.
    :raises ConfigError: a number is out of its range, or a code is none.
    """

    max_attempts: int = MAX_ATTEMPTS
    max_elapsed_seconds: float = MAX_ELAPSED_SECONDS
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    retry_codes: frozenset[int] = frozenset()
    final_codes: frozenset[int] = frozenset()
    # a function's repr has its address, and would change a DAG that holds it with each reading of its file
    handler: RetryHandler | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _is_number(self.max_attempts, int) or not 1 <= self.max_attempts <= MOST_ATTEMPTS:
            raise ConfigError(f"max_attempts must be a whole number from 1 to {MOST_ATTEMPTS}")
        for each in fields(self):
            if each.name.endswith("_seconds"):
                seconds = getattr(self, each.name)
                if not _is_number(seconds, int | float) or not 0 <= seconds <= LONGEST_ELAPSED_SECONDS:
                    raise ConfigError(f"{each.name} must be a number from 0 to {LONGEST_ELAPSED_SECONDS:g}")
        for name in ("retry_codes", "final_codes"):
            codes = getattr(self, name)
            if isinstance(codes, str) or not all(_is_number(code, int) for code in codes):
                raise ConfigError(f"{name} must be a list of Lark's codes, such as [230027]")
            object.__setattr__(self, name, frozenset(codes))
        if both := self.retry_codes & self.final_codes:
            raise ConfigError(f"code {min(both)} stands in both retry_codes and final_codes")
        if self.handler is not None and not callable(self.handler):
            raise ConfigError("handler must be a function of one parameter, a FailedAttempt")

    def judge(self, attempt: FailedAttempt) -> bool | float | None:
        """Return what the caller wants, as a handler does.

        :raises ConfigError: the handler returns something else.
        """
        code = attempt.error.code
        if code in self.final_codes:
            return False
        if code in self.retry_codes:
            return True
        wanted = None if self.handler is None else self.handler(attempt)
        if wanted is None or isinstance(wanted, bool):
            return wanted
        if not _is_number(wanted, int | float) or not 0 <= wanted <= LONGEST_ELAPSED_SECONDS:
            raise ConfigError(f"the retry handler returned {wanted!r}; expected None, True, False, or seconds to wait")
        return float(wanted)


def make_policy(
    retry: RetryPolicy | None, *, max_attempts: int | None = None, max_elapsed_seconds: float | None = None
) -> RetryPolicy:
    """Return *retry*, or the usual policy, with the numbers that are given instead of its own."""
    given = {"max_attempts": max_attempts, "max_elapsed_seconds": max_elapsed_seconds}
    return replace(retry or RetryPolicy(), **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _is_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]


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
    endpoint: str = "",
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
    may_pass = isinstance(error, RetriableError) or (is_fresh and error.code in _LAG_CODES)
    is_safe = _is_safe(effect, error)
    wanted = policy.judge(FailedAttempt(error, endpoint, effect, attempt, elapsed_seconds, may_pass and is_safe))
    if wanted is False:
        return RetryDecision(None, "told not to send it again")
    if wanted is None and not may_pass:
        return RetryDecision(None, "a person has to change something")
    if not is_safe:
        return RetryDecision(None, "it may have been carried out, and sending it again would do it twice")
    if attempt >= _most_attempts(error, policy):
        return RetryDecision(None, f"{attempt} attempts are used up")
    wait_seconds = _wait_seconds(error, attempt, jitter, policy)
    if isinstance(wanted, float):
        # never earlier than Lark says
        wait_seconds = max(wanted, getattr(error, "retry_after_seconds", None) or 0.0)
    if elapsed_seconds + wait_seconds > policy.max_elapsed_seconds:
        return RetryDecision(None, f"waiting {wait_seconds:.0f} s more would take too long")
    return RetryDecision(wait_seconds, type(error).__name__)


def _is_safe(effect: Effect, error: LarkError) -> bool:
    """Tell whether a second sending does nothing that the first may have done."""
    if effect != "once":
        # what is wrong here is wrong again
        return not isinstance(error, ConfigError)
    if isinstance(error, OutcomeUnknown):
        return False
    # a code that nobody has documented may mean anything
    return isinstance(error, RetriableError) or error.code in refusal_codes()


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
