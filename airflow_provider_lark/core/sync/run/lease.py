"""One writer per Bitable table: Lark refuses two, and a plan is only right while nobody else writes."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import LarkError, LeaseHeld
from airflow_provider_lark.core.ledger.lease import Lease

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
POLL_SECONDS = 1.0

#: the owners that this process holds leases for, or waits as; what else bears its number was left behind
_OURS: set[str] = set()


def worker_name(nonce: str) -> str:
    """Return machine, process namespace, process and *nonce*, so that another worker can tell whether we live."""
    return f"{_place()}#{os.getpid()}#{nonce}"


@cache
def _place() -> str:
    # machines that were cloned share their names, and the namespaces of their processes have the same numbers
    boot = _read("/proc/sys/kernel/random/boot_id")
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{boot}/{namespace if boot else ''}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_dead(owner: str) -> bool:
    """Tell whether *owner* is a process of this very place that no longer runs; elsewhere nobody can tell."""
    place, pid, _ = owner.rsplit("#", 2) if owner.count("#") >= 2 else ("", "", "")
    # without a namespace two containers with one host name could take each other for dead
    if place != _place() or place.endswith("/") or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        # our own, whose release failed; or one of a process before us that had our number
        return owner not in _OURS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def hold_lease(
    engine: Engine, resource: str, *, owner: str, clock: Clock, wait_seconds: float
) -> Iterator[Callable[[Connection], None]]:
    """Hold the lease on *resource*; yield what renews it inside a transaction.

    Renew it last: the row of the lease is locked from there to the commit, and whoever asks for the lease waits for
    that. A transaction that waits for a lock of others must not let them wait too.

    :param wait_seconds: how long to wait for another worker before giving up.
    :raises LeaseHeld: another worker holds it, or took it because ours ran out.
    """

    def keep(conn: Connection) -> None:
        if not Lease(conn, resource, owner).renew(LEASE_SECONDS):
            raise LeaseHeld(f"the lease on {resource} expired and another worker took it; this run stops")

    _OURS.add(owner)
    try:
        _acquire(engine, resource, owner, clock, wait_seconds)
        try:
            yield keep
        finally:
            _release(engine, resource, owner)
    finally:
        _OURS.discard(owner)


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
            holder = lease.holder()
            if holder is not None and _is_dead(holder):
                Lease(conn, resource, holder).release()
                continue
        if clock.monotonic() >= deadline:
            raise LeaseHeld(
                f"another worker ({holder}) is writing to {resource}; if that worker has died, its lease expires "
                f"within {LEASE_SECONDS:.0f} s"
            )
        clock.sleep(POLL_SECONDS)
