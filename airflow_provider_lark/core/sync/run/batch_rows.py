"""How many records a write call carries: what the mapping says, or less where the tenant keeps refusing so many.

Lark's documents disagree whether 1,000 or 500 are the limit, and tenants do too. So the larger number is tried; a call
that is refused for its number lands in halves, which costs one call. After two such calls the run, and the runs of the
days that follow, send the smaller number from the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_lark.core.api.wire.limits import BATCH_WRITE_DEFAULT
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.ledger.checkpoint import BatchLimit

REMEMBERED_MS = 7 * 24 * 3600 * 1000
"""How long a limit counts that a run has met; then the larger number is tried again."""

_TOO_MANY = frozenset({1254104, 99992402})
"""Too many records in a call; the second one is also the answer to other faults of a request."""

_ENOUGH = 2
"""So many refusals in a row that only the number explains: one alone may have been a fault in passing."""


@dataclass(slots=True)
class BatchRows:
    """The number of one run.

    :param most: what the mapping says.
    :param remembered: the limit that an earlier run has met; None where there is none.
    :param now_ms: the time, in milliseconds since the epoch.
    :ivar rows: how many records the next call may carry.
    """

    most: int
    remembered: BatchLimit | None = None
    now_ms: int = 0
    rows: int = field(init=False)
    _refusals: int = field(init=False, default=0)
    _open: int = field(init=False, default=0)
    _before: BatchLimit | None = field(init=False)

    def __post_init__(self) -> None:
        limit = self._before = self.remembered
        is_fresh = limit is not None and 0 <= self.now_ms - limit.met_ms < REMEMBERED_MS
        self.rows = min(self.most, limit.rows) if limit is not None and is_fresh else self.most

    @property
    def has_learned(self) -> bool:
        """Whether what is to be remembered has changed."""
        return self.remembered != self._before

    def refused(self, count: int, error: LarkError) -> None:
        """Be told that a call with *count* records was not carried out."""
        # whatever else is wrong with the records is also wrong with a half of them
        self._open = count if count > BATCH_WRITE_DEFAULT and error.code in _TOO_MANY else 0

    def landed(self, count: int) -> None:
        """Be told that a call with *count* records was carried out."""
        if count > BATCH_WRITE_DEFAULT:
            self._refusals = self._open = 0
            if self.remembered is not None and self.remembered.rows < count:
                self.remembered = None
        elif self._open:
            self._open = max(0, self._open - count)
            if not self._open:
                self._refusals += 1
        if self._refusals >= _ENOUGH and self.rows > BATCH_WRITE_DEFAULT:
            self.rows = BATCH_WRITE_DEFAULT
            self.remembered = BatchLimit(self.rows, self.now_ms)
