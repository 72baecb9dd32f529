"""One writer per Bitable table: Lark refuses two, and a plan is only right while nobody else writes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import LarkError, LeaseHeld
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.process_names import give_up_name, tell_process

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
POLL_SECONDS = 1.0


@contextmanager
def hold_lease(
    engine: Engine, resource: str, *, owner: str, clock: Clock, wait_seconds: float
) -> Iterator[Callable[[Connection], None]]:
    """Hold the lease on *resource*; yield what renews it inside a transaction.

    Renew it last: the row of the lease is locked from there to the commit, and whoever asks for the lease waits for
    that. A transaction that waits for a lock of others must not let them wait too.

    :param owner: a name of this process, see :func:`.process_name`; it is given up in the end.
    :param wait_seconds: how long to wait for another worker before giving up.
    :raises LeaseHeld: another worker holds it, or took it because ours ran out.
    """

    def keep(conn: Connection) -> None:
        if not Lease(conn, resource, owner).renew(LEASE_SECONDS):
            raise LeaseHeld(f"the lease on {resource} expired and another worker took it; this run stops")

    try:
        _acquire(engine, resource, owner, clock, wait_seconds)
        try:
            yield keep
        finally:
            _release(engine, resource, owner)
    finally:
        give_up_name(owner)


def _release(engine: Engine, resource: str, owner: str) -> None:
    try:
        with write_transaction(engine) as conn:
            Lease(conn, resource, owner).release()
    except (SQLAlchemyError, LarkError) as exc:
        # what went wrong before is worth more; without the lease this process is not locked out, and others for a while
        log.warning("the lease on %s could not be released (%s); it will expire", resource, type(exc).__name__)


def _acquire(engine: Engine, resource: str, owner: str, clock: Clock, wait_seconds: float) -> None:
    deadline = clock.monotonic() + wait_seconds
    while True:
        with write_transaction(engine) as conn:
            lease = Lease(conn, resource, owner)
            if lease.acquire(LEASE_SECONDS):
                return
            holder = lease.holder() or ""
        if clock.monotonic() >= deadline:
            raise LeaseHeld(
                f"another worker ({tell_process(holder)}) is writing to {resource}; if that worker has died, its lease "
                f"expires within {LEASE_SECONDS:.0f} s"
            )
        clock.sleep(POLL_SECONDS)
