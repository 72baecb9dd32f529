"""Who may write to a table until when. A worker that dies loses its lease by itself."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, or_, update

from airflow_provider_lark.core.stores.dbtime import Now, NowMs, now_plus_ms
from airflow_provider_lark.core.stores.insertion import insert_new
from airflow_provider_lark.core.stores.ledger.schema import lease


def acquire(conn: Connection, resource: str, *, owner: str, ttl_seconds: float) -> bool:
    """Take the lease on *resource*; False while another owner holds it. An owner may take its own again."""
    free = or_(lease.c.owner == owner, lease.c.expires_ms <= NowMs())
    if _extend(conn, resource, free, owner=owner, ttl_seconds=ttl_seconds):
        return True
    values = {"resource": resource, "owner": owner, "expires_ms": now_plus_ms(ttl_seconds)}
    # without the option SQLAlchemy forgets the count of an INSERT where a driver drops it early
    made = conn.execute(insert_new(conn, lease).values(values), execution_options={"preserve_rowcount": True})
    return made.rowcount == 1


def renew(conn: Connection, resource: str, *, owner: str, ttl_seconds: float) -> bool:
    """Extend a lease that *owner* still holds; False when it has been lost to another."""
    return _extend(conn, resource, lease.c.owner == owner, owner=owner, ttl_seconds=ttl_seconds)


def release(conn: Connection, resource: str, *, owner: str) -> None:
    """Give the lease up, if *owner* holds it."""
    conn.execute(delete(lease).where(lease.c.resource == resource, lease.c.owner == owner))


def _extend(conn: Connection, resource: str, condition: ColumnElement[bool], *, owner: str, ttl_seconds: float) -> bool:
    statement = (
        update(lease)
        .where(lease.c.resource == resource, condition)
        .values(owner=owner, expires_ms=now_plus_ms(ttl_seconds), updated_at=Now())
    )
    return conn.execute(statement).rowcount == 1
