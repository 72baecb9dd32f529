"""One write at a time in a base, among all workers whose mappings of that base share a ledger.

Lark locks a table while it writes, and at times the whole base; a second write meanwhile is refused (1254291). Where
the other writer does not use this ledger, the client's retries have to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_lark.core.ledger.checkpoint import count_mappings
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.process_names import give_up_name, process_name
from airflow_provider_lark.core.sync.run.run import Run

LEASE_SECONDS = 60.0
"""How long the lease lasts at most; a worker that died holds up those on other machines so long."""

WAIT_SECONDS = 90.0
"""After that a write goes all the same."""

_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.05, 0.5


@contextmanager
def hold_base(run: Run) -> Iterator[None]:
    """Hold the lease on the base for one write call; where the mapping has the base for itself, none is taken."""
    # others may join amid a long first load: whoever had the base for itself looks again before each write
    if run.shares_base is None and run.read(lambda tx: count_mappings(tx.conn, run.binding.app_token)) > 1:
        run.shares_base = True
    if not run.shares_base:
        yield
        return
    resource, owner = f"{run.binding.app_token}/*", process_name(run.token)
    try:
        turn = _Turn(run, resource, owner)
        turn.check()
        try:
            # the call may wait for its rate limit, or be sent again, for longer than the lease lasts
            with run.client.guarded(run.binding.table_id, turn.check):
                yield
        finally:
            turn.end()
    finally:
        give_up_name(owner)


class _Turn:
    """The lease on the base, taken and, where it may have run out, taken again."""

    def __init__(self, run: Run, resource: str, owner: str) -> None:
        self._run, self._resource, self._owner = run, resource, owner
        self._sure_until = float("-inf")
        self._is_held = False

    def check(self) -> None:
        """Return when it is our turn, or nobody else's within the time that we wait."""
        asked_at = self._run.clock.monotonic()
        if asked_at >= self._sure_until:
            self._is_held = _acquire(self._run, self._resource, self._owner)
            self._sure_until = self._run.clock.monotonic() + LEASE_SECONDS / 2

    def end(self) -> None:
        """Give the lease back, if it is ours."""
        if self._is_held:
            self._run.transact(lambda tx: Lease(tx.conn, self._resource, self._owner).release())


def _acquire(run: Run, resource: str, owner: str) -> bool:
    pause, deadline = _FIRST_LOOK_SECONDS, run.clock.monotonic() + WAIT_SECONDS
    while not run.transact(lambda tx: Lease(tx.conn, resource, owner).acquire(LEASE_SECONDS)):
        if run.clock.monotonic() >= deadline:
            return False
        run.clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_LOOK_SECONDS)
    return True
