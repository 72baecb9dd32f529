"""Queue entries that the engine makes: records that could not be taken into SQL, and claims handed back.

An entry with the operation ``PULL`` names a record by its key, or by Lark's record id while it has no key. It asks for
the record to be read from Lark again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.stores.dbtime import Now, epoch_ms, now_plus
from airflow_provider_lark.core.stores.ledger.queue import ERROR_LENGTH, Claim
from airflow_provider_lark.core.stores.ledger.schema import queue
from airflow_provider_lark.core.stores.matching import is_among

PULL = "PULL"

_UNCLAIMED: dict[str, None] = {"claim_token": None, "lease_until_ms": None}


def changed_at(conn: Connection, table_name: str, keys: Sequence[Key]) -> dict[Key, int]:
    """Return when SQL last changed those of *keys* that wait in the queue, in milliseconds by the database's clock."""
    found: dict[Key, int] = {}
    for some in split(keys):
        waiting = (
            select(queue.c.key, func.max(epoch_ms(queue.c.created_at)).label("changed_ms"))
            .where(
                queue.c.table_name == table_name,
                is_among(queue.c.key, some),
                queue.c.status.in_(("pending", "processing", "held")),
                queue.c.operation != PULL,
            )
            .group_by(queue.c.key)
        )
        found |= {Key(row.key): int(row.changed_ms) for row in conn.execute(waiting)}
    return found


def park(
    conn: Connection,
    table_name: str,
    id_: str,
    *,
    error: str,
    delay_seconds: float | None,
    operation: str = PULL,
    retry_count: int | None = None,
) -> None:
    """Keep a row that could not be synced: for another try, or as ``failed`` when *delay_seconds* is None.

    A row is parked once, however often it fails.

    :param retry_count: how often it was tried; by default that stays as it is.
    """
    mine = and_(
        queue.c.table_name == table_name,
        queue.c.key == id_,
        queue.c.operation == operation,
        queue.c.status.in_(("pending", "failed", "held")),
    )
    state = (
        {"status": "failed", "processed_at": Now(), "next_attempt_at": None}
        if delay_seconds is None
        else {"status": "pending", "processed_at": None, "next_attempt_at": now_plus(delay_seconds)}
    )
    tries = {} if retry_count is None else {"retry_count": retry_count}
    note: dict[str, Any] = {"error_message": error[:ERROR_LENGTH], **state, **tries}
    if conn.execute(update(queue).where(mine).values(**note)).rowcount == 0:
        conn.execute(insert(queue).values(table_name=table_name, key=id_, operation=operation, **note))


def unpark(conn: Connection, table_name: str, ids: Sequence[str]) -> None:
    """Note that the records named by *ids* have been taken in after all; what waited behind them is tried again."""
    for some in split(ids):
        mine = and_(queue.c.table_name == table_name, is_among(queue.c.key, some))
        asking = and_(mine, queue.c.operation == PULL, queue.c.status.in_(("pending", "failed", "held")))
        freed = list(conn.scalars(select(queue.c.key).where(asking)))
        if not freed:
            continue
        conn.execute(
            update(queue)
            .where(asking)
            .values(status="completed", processed_at=Now(), error_message=None, next_attempt_at=None)
        )
        behind = and_(mine, is_among(queue.c.key, freed), queue.c.operation != PULL)
        stuck = or_(queue.c.status == "failed", and_(queue.c.status == "held", queue.c.operation != "DELETE"))
        conn.execute(update(queue).where(behind, stuck).values(status="pending", processed_at=None, retry_count=0))


def settle(conn: Connection, entry_ids: Sequence[int]) -> None:
    """Complete those of the claimed entries that asked for a record; SQL's own go back to the queue."""
    for some in split(entry_ids):
        mine = is_among(queue.c.id, some)
        done = {"status": "completed", "processed_at": Now(), "error_message": None, "next_attempt_at": None}
        conn.execute(update(queue).where(mine, queue.c.operation == PULL).values(**done, **_UNCLAIMED))
        again = {"status": "pending", "processed_at": None, "next_attempt_at": None}
        conn.execute(
            update(queue).where(mine, queue.c.operation != PULL, queue.c.status != "held").values(**again, **_UNCLAIMED)
        )


def among(conn: Connection, table_name: str, ids: Sequence[str]) -> set[str]:
    """Return those of *ids* that are parked for another try, or for good."""
    found: set[str] = set()
    for some in split(ids):
        waiting = select(queue.c.key).where(
            queue.c.table_name == table_name,
            is_among(queue.c.key, some),
            queue.c.operation == PULL,
            queue.c.status.in_(("pending", "failed", "held")),
        )
        found.update(conn.scalars(waiting))
    return found


def pulls_among(conn: Connection, claims: Sequence[Claim]) -> set[Key]:
    """Return the keys of those *claims* of which an entry asks for the record to be read again."""
    found: set[Key] = set()
    for some in split([entry for claim in claims for entry in claim.entry_ids]):
        asking = select(queue.c.key).where(is_among(queue.c.id, some), queue.c.operation == PULL)
        found.update(map(Key, conn.scalars(asking)))
    return found


def hand_back(conn: Connection, entry_ids: Sequence[int]) -> None:
    """Give claimed entries back, as if they had not been claimed."""
    for some in split(entry_ids):
        mine = and_(is_among(queue.c.id, some), queue.c.status == "processing")
        conn.execute(update(queue).where(mine).values(status="pending", **_UNCLAIMED))


def deletes_among(conn: Connection, table_name: str, keys: Sequence[Key]) -> set[Key]:
    """Return those of *keys* of which a delete waits that nobody has claimed."""
    found: set[Key] = set()
    for some in split(keys):
        mine = (queue.c.table_name == table_name, is_among(queue.c.key, some), queue.c.status == "pending")
        found.update(map(Key, conn.scalars(select(queue.c.key).where(*mine, queue.c.operation == "DELETE"))))
    return found


def take_back_all(conn: Connection, table_name: str) -> int:
    """Give back what a dead worker had claimed; only for the one that holds the table's lease."""
    orphaned = and_(queue.c.table_name == table_name, queue.c.status == "processing")
    return conn.execute(update(queue).where(orphaned).values(status="pending", **_UNCLAIMED)).rowcount
