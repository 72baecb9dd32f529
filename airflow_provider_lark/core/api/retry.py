"""Retry settings of a client.  Callers may override them, but not what may be sent again (:mod:`.calls.resend`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from types import UnionType
from typing import TypeAlias

from airflow_provider_lark.core.api.wire.routes import Effect
from airflow_provider_lark.core.errors import ConfigError, LarkError

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
    """Retry settings of a client: how often, how long, and for which errors.

    Neither codes nor a handler make it send again what it may have carried out already: an answer that leaves that open
    is repeated only where a second sending does no harm, and a code only where Lark documents it as a refusal.

    :param max_attempts: sendings of one request, the first included; 1 to 100.
    :param max_elapsed_seconds: no wait begins that would end later than this after the first sending; up to a day.
    :param first_wait_seconds: the backoff after the first attempt; doubles up to *longest_wait_seconds*.
    :param retry_codes: codes of Lark after which to send again, though a person is expected to change something first.
    :param final_codes: codes after which not to, though it may help.
    :param handler: asked about each failed attempt that no code above decides.
    :raises ConfigError: a number is out of its range, or a code is not valid.
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
            raise ConfigError(f"code {min(both)} is in both retry_codes and final_codes; remove it from one of them")
        if self.handler is not None and not callable(self.handler):
            raise ConfigError("handler must be a function with one parameter, a FailedAttempt")

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
            raise ConfigError(
                f"the retry handler returned {wanted!r}; expected None, True, False or a number of seconds"
            )
        return float(wanted)


def make_policy(
    retry: RetryPolicy | None, *, max_attempts: int | None = None, max_elapsed_seconds: float | None = None
) -> RetryPolicy:
    """Return *retry*, or the usual policy, with the numbers that are given instead of its own."""
    given = {"max_attempts": max_attempts, "max_elapsed_seconds": max_elapsed_seconds}
    return replace(retry or RetryPolicy(), **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _is_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]
