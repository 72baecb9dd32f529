"""One writer per Bitable table: Lark refuses two, and a plan is only right while nobody else writes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import LarkError, LeaseHeld
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.process_names import give_up_name, tell_process

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
POLL_SECONDS = 1.0

_SURE = 2 / 3
# of a lease: in the rest of it a write that was sent arrives

_JOIN_SECONDS = 5.0


class HeldLease:
    """The lease on *resource* while it is held.

    Every transaction of the run renews it, and a thread does where one call takes long. Whoever was stopped meanwhile,
    or cut off, finds out before its next write.

    :param owner: a name of this process, see :func:`.process_name`.
    :param asked_at: seconds of *clock*, before the lease was taken.
    """

    def __init__(self, engine: Engine, resource: str, owner: str, clock: Clock, *, asked_at: float) -> None:
        self._engine, self._resource, self._owner, self._clock = engine, resource, owner, clock
        self._sure_until = asked_at + LEASE_SECONDS * _SURE
        self._ended = threading.Event()
        self._is_lost = False

    def keep(self, conn: Connection) -> None:
        """Renew the lease inside a transaction.

        Do it last: the row of the lease is locked from there to the commit, and whoever asks for the lease waits for
        that. A transaction that waits for a lock of others must not let them wait too.

        :raises LeaseHeld: another worker took it because ours ran out.
        """
        if not Lease(conn, self._resource, self._owner).renew(LEASE_SECONDS):
            raise self._lost()

    def check(self) -> None:
        """Return when a write may be sent now: the lease is ours for some time, by a clock that never jumps.

        :raises LeaseHeld: another worker took it because ours ran out.
        """
        if self._is_lost or (self._clock.monotonic() >= self._sure_until and not self._renew()):
            raise self._lost()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Renew the lease in a thread, as long as the block lasts: this process lives, whatever it waits for."""
        thread = threading.Thread(target=self._beat, args=(LEASE_SECONDS / 3,), name="lark-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            # it may be waiting for the database; what it renews then is given up after
            thread.join(_JOIN_SECONDS)

    def _beat(self, every_seconds: float) -> None:
        while not self._is_lost and not self._ended.wait(every_seconds):
            try:
                self._is_lost = not self._renew()
            except (SQLAlchemyError, LarkError) as exc:
                log.info("the lease on %s could not be renewed yet (%s)", self._resource, type(exc).__name__)

    def _renew(self) -> bool:
        asked_at = self._clock.monotonic()
        with write_transaction(self._engine) as conn:
            is_ours = Lease(conn, self._resource, self._owner).renew(LEASE_SECONDS)
        if is_ours:
            self._sure_until = asked_at + LEASE_SECONDS * _SURE
        return is_ours

    def _lost(self) -> LeaseHeld:
        return LeaseHeld(f"the lease on {self._resource} expired and another worker took it; this run stops")


@contextmanager
def hold_lease(engine: Engine, resource: str, *, owner: str, clock: Clock, wait_seconds: float) -> Iterator[HeldLease]:
    """Hold the lease on *resource*.

    :param owner: a name of this process, see :func:`.process_name`; it is given up in the end.
    :param wait_seconds: how long to wait for another worker before giving up.
    :raises LeaseHeld: another worker holds it.
    """
    try:
        asked_at = _acquire(engine, resource, owner, clock, wait_seconds)
        held = HeldLease(engine, resource, owner, clock, asked_at=asked_at)
        try:
            with held.beating():
                yield held
        finally:
            _release(engine, resource, owner)
    finally:
        give_up_name(owner)


@contextmanager
def hold_table(
    client: LarkClient, engine: Engine, resource: str, *, owner: str, clock: Clock, wait_seconds: float
) -> Iterator[Callable[[Connection], None]]:
    """Hold the lease on a Bitable table, as :func:`hold_lease` does, and yield what renews it inside a transaction.

    Once it is lost, *client* sends no write to the table any more.
    """
    with (
        hold_lease(engine, resource, owner=owner, clock=clock, wait_seconds=wait_seconds) as held,
        client.guarded(resource.rpartition("/")[2], held.check),
    ):
        yield held.keep


def _release(engine: Engine, resource: str, owner: str) -> None:
    try:
        with write_transaction(engine) as conn:
            Lease(conn, resource, owner).release()
    except (SQLAlchemyError, LarkError) as exc:
        # what went wrong before is worth more; without the lease this process is not locked out, and others for a while
        log.warning("the lease on %s could not be released (%s); it will expire", resource, type(exc).__name__)


def _acquire(engine: Engine, resource: str, owner: str, clock: Clock, wait_seconds: float) -> float:
    """Take the lease and return when it was asked for."""
    deadline = clock.monotonic() + wait_seconds
    while True:
        asked_at = clock.monotonic()
        with write_transaction(engine) as conn:
            lease = Lease(conn, resource, owner)
            if lease.acquire(LEASE_SECONDS):
                return asked_at
            holder = lease.holder() or ""
        if clock.monotonic() >= deadline:
            raise LeaseHeld(
                f"another worker ({tell_process(holder)}) is writing to {resource}; if that worker has died, its lease "
                f"expires within {LEASE_SECONDS:.0f} s"
            )
        clock.sleep(POLL_SECONDS)
