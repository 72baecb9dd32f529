"""The lease of an app's long connection: one process at a time, since Lark sends each event to a random one.

Beside the inbox, which the holder fills. Each connection that is made raises a number, by which those who follow the
inbox learn that there was a gap, and poll at once.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, or_, select, update

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.tables import connections
from airflow_provider_lark.core.accounts.transactions import look
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import Now, NowMs, now_plus_ms
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.process_names import is_gone, process_name, tell_process

LEASE_SECONDS = 30.0
"""So long after a crash of the holder a process on another machine takes over; one on the same takes over at once."""

_NONCE_LENGTH = 12


def find_holder(engine: Engine, app_id: str, *, clock: Clock | None = None) -> str | None:
    """Return who has the app's long connection now, as a person finds the process, None if nobody; nothing is made or
    changed.

    :raises ConfigError: the table is missing, or the database user has no right to it.
    :raises Unreachable: the database does not answer.
    """
    now = select(connections.c.owner).where(connections.c.app_id == app_id, connections.c.expires_ms > NowMs())
    found: str | None = look(
        engine, lambda conn: conn.scalar(now), table=connections.name, clock=clock or SystemClock()
    )
    return None if found is None or is_gone(found) else tell_process(found)


class ConnectionLease:
    """The right to an app's long connection, as *owner* asks for it; safe to share between threads.

    A name of its own is that of this process, which others on the machine find out to have died.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used. Times are those of the database.
    """

    def __init__(
        self,
        engine: Engine,
        app_id: str,
        *,
        owner: str | None = None,
        seconds: float = LEASE_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._database = AccountsDatabase(engine, connections, clock=clock)
        self._app_id = app_id
        self.owner = owner or process_name(uuid4().hex[:_NONCE_LENGTH])
        self.seconds = seconds

    def acquire(self) -> str | None:
        """Take the lease, or extend it; return who has it, as a person finds the process, if somebody else does."""

        def work(conn: Connection) -> str | None:
            free = or_(connections.c.owner == self.owner, connections.c.expires_ms <= NowMs())
            if self._set(conn, free):
                return None
            until = {"expires_ms": now_plus_ms(self.seconds)}
            first = {"app_id": self._app_id, "owner": self.owner, "generation": 0, **until}
            if insert_if_new(conn, connections, first):
                return None
            holder = conn.scalar(select(connections.c.owner).where(connections.c.app_id == self._app_id))
            if holder is not None and is_gone(holder) and self._set(conn, connections.c.owner == holder):
                return None
            return None if holder is None else tell_process(holder)

        return self._database.transact(work)

    def renew(self) -> bool:
        """Extend the lease; False: it ran out, and somebody else has it."""
        return self._database.transact(lambda conn: self._set(conn, connections.c.owner == self.owner))

    def _set(self, conn: Connection, condition: ColumnElement[bool]) -> bool:
        taken = {"owner": self.owner, "expires_ms": now_plus_ms(self.seconds)}
        mine = update(connections).where(connections.c.app_id == self._app_id, condition)
        return conn.execute(mine.values(taken)).rowcount == 1

    def release(self) -> None:
        """Let others have it at once; the count of connections stays."""
        mine = (connections.c.app_id == self._app_id, connections.c.owner == self.owner)
        self._database.transact(lambda conn: conn.execute(update(connections).where(*mine).values(expires_ms=0)))

    def note_connected(self) -> None:
        """Note that a connection was made: what happened before may have been missed."""
        mine = (connections.c.app_id == self._app_id, connections.c.owner == self.owner)
        more = {"generation": connections.c.generation + 1, "connected_at": Now()}
        self._database.transact(lambda conn: conn.execute(update(connections).where(*mine).values(more)))

    def generation(self) -> int:
        """Return how many connections have been made for the app, by whomever; 0 if none."""
        made = select(connections.c.generation).where(connections.c.app_id == self._app_id)
        return self._database.look(lambda conn: conn.scalar(made) or 0)
