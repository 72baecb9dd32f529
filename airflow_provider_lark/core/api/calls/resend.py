"""Whether to send a request again, and when: a pure decision; and what is known where it was sent several times."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_provider_lark.core.api.codes import refusal_codes
from airflow_provider_lark.core.api.retry import FailedAttempt, RetryPolicy
from airflow_provider_lark.core.api.wire.routes import Effect
from airflow_provider_lark.core.errors import (
    ConfigError,
    LarkError,
    LeaseHeld,
    OutcomeUnknown,
    RateLimited,
    RetriableError,
    ServerFailed,
    Stopped,
)

log = logging.getLogger(__name__)

_LONG_WAIT_SECONDS = 5.0

_FEW_ATTEMPTS = {1254002: 3}
# 1254002 "Fail" is a passing trouble or a bad page token, and does not say which

_LAG_CODES = frozenset({91402, 1254040, 1254041, 1254044, 1254045})
# base, table or field not found: right after its creation, the replica that answers may not have it yet

_WRITE_CONFLICT = 1254291
# another write holds the table or the base: this one was never applied, and comes through when its turn has come
_CONFLICT_PATIENCE = 5
_CONFLICT_LONGEST_WAIT_SECONDS = 4.0

FRESH_SECONDS = 10.0
"""How long a base, table or field that was just created may not be found (Lark's FAQ: "retry after a few seconds")."""


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
        return RetryDecision(None, "stopped on request")
    if isinstance(error, LeaseHeld):
        return RetryDecision(None, "another worker writes to this table now")
    may_pass = isinstance(error, RetriableError) or (is_fresh and error.code in _LAG_CODES)
    is_safe = _is_safe(effect, error)
    wanted = policy.judge(FailedAttempt(error, endpoint, effect, attempt, elapsed_seconds, may_pass and is_safe))
    if wanted is False:
        return RetryDecision(None, "the retry handler decided not to retry")
    if wanted is None and not may_pass:
        return RetryDecision(None, "retrying cannot succeed until something is changed")
    if not is_safe:
        return RetryDecision(None, "it may have been carried out, and a retry could repeat its effect")
    if attempt >= _most_attempts(error, policy):
        return RetryDecision(None, f"no attempts left ({attempt} made)")
    wait_seconds = _wait_seconds(error, attempt, jitter, policy)
    if isinstance(wanted, float):
        # never earlier than Lark says
        wait_seconds = max(wanted, getattr(error, "retry_after_seconds", None) or 0.0)
    if elapsed_seconds + wait_seconds > policy.max_elapsed_seconds:
        return RetryDecision(None, f"waiting another {wait_seconds:.0f} s would exceed the maximum total time")
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


def hides_doubt(error: LarkError, effect: Effect, *, unanswered: bool) -> bool:
    """Tell whether *error*, of the last attempt, would let a caller believe that no attempt was carried out."""
    if isinstance(error, OutcomeUnknown):
        return unanswered and isinstance(error, ServerFailed)
    # a refused repetition of an update or a delete is news in itself: the record is gone, say
    return effect == "replayable" or isinstance(error, RetriableError)


def in_doubt_because(error: LarkError) -> OutcomeUnknown:
    """Return what a caller has to know beside *error*, the last one."""
    return OutcomeUnknown(
        f"an earlier attempt got no response, so the request may have been carried out; last attempt: {error.message}",
        code=error.code,
        log_id=error.log_id,
        endpoint=error.endpoint,
    )


def log_retry(endpoint: str, error: LarkError, attempt: int, wait_seconds: float) -> None:
    """Log that a request is sent again; who looks at a log sees the long waits."""
    level = logging.INFO if wait_seconds >= _LONG_WAIT_SECONDS else logging.DEBUG
    log.log(level, "%s: attempt %d failed, retrying in %.1f s: %s", endpoint, attempt, wait_seconds, error)
