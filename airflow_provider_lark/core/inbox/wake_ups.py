"""When to wake a consumer: at once after a while without events, then at most once a quiet second, and again and again
while what waits is not taken. Sans I/O."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.inbox.waiting import Waiting

QUIET_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 5.0
"""In a stream of events without a pause, a wake-up comes at least so often."""

FIRST_AGAIN_SECONDS = 30.0
LONGEST_AGAIN_SECONDS = 600.0


@dataclass(slots=True)
class WakeUps:
    """Decides from what waits, look by look; one that begins anew, after a crash, wakes for all that waits.

    :ivar in_vain: how many wake-ups in a row have left what waits where it was.
    """

    in_vain: int = 0
    _woke_id: int = 0
    _woke_at: float | None = None
    _seen_id: int = 0
    _seen_at: float = 0.0
    _first_at: float | None = None

    def is_due(self, waiting: Waiting | None, now: float) -> bool:
        """Tell whether to wake the consumer now.

        :param waiting: what waits; None: nothing.
        :param now: seconds of a clock that does not jump.
        """
        if waiting is None:
            self.in_vain, self._first_at = 0, None
            return False
        if waiting.newest_id > self._seen_id:
            self._seen_id, self._seen_at = waiting.newest_id, now
            self._first_at = now if self._first_at is None else self._first_at
        if self._seen_id > self._woke_id:
            is_due = self._is_pause(now)
            self.in_vain = 0 if is_due else self.in_vain
        else:
            is_due = self._woke_at is None or now - self._woke_at >= self._again_seconds()
            self.in_vain += is_due
        if is_due:
            self._woke_id, self._woke_at, self._first_at = self._seen_id, now, None
        return is_due

    def _is_pause(self, now: float) -> bool:
        if self._woke_at is None or now - self._woke_at >= LONGEST_WAIT_SECONDS:
            return True
        waited = now - (self._first_at if self._first_at is not None else now)
        return now - self._seen_at >= QUIET_SECONDS or waited >= LONGEST_WAIT_SECONDS

    def _again_seconds(self) -> float:
        return float(min(LONGEST_AGAIN_SECONDS, FIRST_AGAIN_SECONDS * 2 ** min(self.in_vain, 10)))
