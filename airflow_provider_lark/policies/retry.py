"""A retry policy for tasks that talk to Lark; it needs Airflow 3.3 or newer, which has ``retry_policy``.

::

    BitableFullSyncOperator(task_id="sync", ..., retries=3, retry_policy=LarkRetryPolicy())
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_lark.core.errors import (
    DatabaseBusy,
    IncompleteRead,
    LarkError,
    LeaseHeld,
    PermanentError,
    RateLimited,
    RowError,
    ServerBusy,
    TransactionLost,
)
from airflow_provider_lark.hooks.errors import lark_error_of

try:
    from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
except ImportError as exc:
    raise ImportError("LarkRetryPolicy requires Airflow 3.3 or newer, which introduced retry policies") from exc

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context

BUSY_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)
MAX_RESCHEDULES = 20

_BUSY = (RateLimited, ServerBusy, LeaseHeld, DatabaseBusy, TransactionLost, IncompleteRead)
_HOPELESS = (PermanentError, RowError)


class LarkRetryPolicy(RetryPolicy):
    """Wait as Lark says, wait shortly where something is busy, and do not try again what a person has to mend.

    Of the operators of this package, and of tasks that call :class:`.LarkHook` themselves. Any other error, also of a
    call that was not answered, is left to the task's ``retries`` and ``retry_delay``.

    :param busy_delay: before the next try, where Lark does not name the time: a base that another write holds
        (1254290, 1254291, 1254607), a table that another run holds, a lock in the database.
    :param longest_delay: the most that is waited, whatever Lark says.
    :param max_reschedules: so often a task that meets something busy runs again without using one of its retries; that
        needs Airflow 3.4. 0: it always uses one.
    """

    def __init__(
        self,
        *,
        busy_delay: timedelta = BUSY_DELAY,
        longest_delay: timedelta = LONGEST_DELAY,
        max_reschedules: int = MAX_RESCHEDULES,
    ) -> None:
        if busy_delay < timedelta(0) or longest_delay < busy_delay:
            raise ValueError(f"busy_delay must be 0 or more and at most longest_delay, got {busy_delay}")
        if max_reschedules < 0:
            raise ValueError(f"max_reschedules must be 0 or more, got {max_reschedules}")
        self.busy_delay = busy_delay
        self.longest_delay = longest_delay
        self.max_reschedules = max_reschedules

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by the error of Lark behind *exception*."""
        error = lark_error_of(exception)
        if isinstance(error, _HOPELESS):
            return RetryDecision.fail(reason=_reason(error))
        if not isinstance(error, _BUSY):
            return RetryDecision.default()
        delay = self._delay(error)
        reschedule: Callable[..., RetryDecision] | None = getattr(RetryDecision, "reschedule", None)
        if reschedule is None or not self.max_reschedules:
            return RetryDecision.retry(delay, reason=_reason(error))
        return reschedule(delay, max_reschedules=self.max_reschedules, reason=_reason(error))

    def _delay(self, error: LarkError) -> timedelta:
        seconds = error.retry_after_seconds if isinstance(error, RateLimited) else None
        delay = self.busy_delay if seconds is None else timedelta(seconds=seconds)
        return min(delay, self.longest_delay)


def _reason(error: LarkError) -> str:
    return f"{type(error).__name__}: {error}"
