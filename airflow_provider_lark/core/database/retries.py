"""The one retry loop for database work, on the caller's clock.

What a failure means, the caller says: whether a transaction was undone depends on what it did before the connection
was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_fixed
from tenacity.stop import StopBaseT
from tenacity.wait import WaitBaseT

from airflow_provider_lark.core.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
"""How often a transaction is tried: two that run into each other are kept apart by the second or third time."""


def retry_transaction(
    work: Callable[[], T],
    *,
    may_repeat: Callable[[BaseException], bool],
    first_wait_seconds: float,
    subject: str,
    clock: Clock,
) -> T:
    """Run *work*, which is a whole transaction, at most :data:`ATTEMPTS` times; each wait is twice the one before.

    :param may_repeat: tells whether an error says that the transaction was undone and may succeed the next time.
    :param subject: the table that it works on, for the log.
    """
    waits = wait_exponential(multiplier=first_wait_seconds)
    return _retry(work, may_repeat, stop_after_attempt(ATTEMPTS), waits, subject, clock)


def retry_until_free(
    work: Callable[[], T],
    *,
    is_locked: Callable[[BaseException], bool],
    pause_seconds: float,
    wait_seconds: float,
    subject: str,
    clock: Clock,
) -> T:
    """Run *work* until what it has to lock is free; the last attempt begins after *wait_seconds* at the latest.

    :param is_locked: tells whether an error says that it was not free.
    """
    deadline = clock.monotonic() + wait_seconds

    def is_over(_: RetryCallState) -> bool:
        return clock.monotonic() >= deadline

    return _retry(work, is_locked, is_over, wait_fixed(pause_seconds), subject, clock)


def _retry(
    work: Callable[[], T],
    may_repeat: Callable[[BaseException], bool],
    stop: StopBaseT,
    wait: WaitBaseT,
    subject: str,
    clock: Clock,
) -> T:
    def tell(state: RetryCallState) -> None:
        log.debug("attempt %s on %s failed, repeating", state.attempt_number, subject)

    retrying = Retrying(
        retry=retry_if_exception(may_repeat),
        stop=stop,
        wait=wait,
        sleep=clock.sleep,
        before_sleep=tell,
        # the database's own error, not tenacity's
        reraise=True,
    )
    return retrying(work)
