"""Leases: who may write to a table until when. That of a worker that dies ends at once for others on its machine."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from airflow_provider_lark.core.database.dbtime import Now, NowMs, now_plus_ms
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.ledger.tables import lease as table
from airflow_provider_lark.core.process_names import is_gone


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease on *resource*, as *owner* asks for it inside the caller's transaction."""

    conn: Connection
    resource: str
    owner: str

    def acquire(self, ttl_seconds: float) -> bool:
        """Take the lease; False while another owner holds it, and lives as far as can be told here. An owner may take
        its own again."""
        if self._extend(or_(table.c.owner == self.owner, table.c.expires_ms <= NowMs()), ttl_seconds):
            return True
        values = {"resource": self.resource, "owner": self.owner, "expires_ms": now_plus_ms(ttl_seconds)}
        if insert_if_new(self.conn, table, values):
            return True
        holder = self.holder() or ""
        return is_gone(holder) and self._extend(table.c.owner == holder, ttl_seconds)

    def renew(self, ttl_seconds: float) -> bool:
        """Extend a lease that we still hold; False when it has been lost to another."""
        return self._extend(table.c.owner == self.owner, ttl_seconds)

    def release(self) -> None:
        """Give the lease up, if we hold it."""
        self.conn.execute(delete(table).where(table.c.resource == self.resource, table.c.owner == self.owner))

    def holder(self) -> str | None:
        """Return who holds the lease, or held it until it ran out; None where nobody does."""
        holder = select(table.c.owner).where(table.c.resource == self.resource)
        return self.conn.scalars(holder).one_or_none()

    def _extend(self, condition: ColumnElement[bool], ttl_seconds: float) -> bool:
        statement = (
            update(table)
            .where(table.c.resource == self.resource, condition)
            .values(owner=self.owner, expires_ms=now_plus_ms(ttl_seconds), updated_at=Now())
        )
        return self.conn.execute(statement).rowcount == 1
