"""Deletes that a guard holds back: entries of the queue with the status ``held``, which no run claims by itself.

An entry of the operation ``PULL`` keeps a row in SQL whose record is gone in Lark; any other keeps a record in Lark
whose row was deleted in SQL. When the key changes again, a held entry is claimed along with the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, distinct, func, insert, or_, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.stores.dbtime import Now
from airflow_provider_lark.core.stores.ledger.claims import is_blacklisted
from airflow_provider_lark.core.stores.ledger.parked import PULL
from airflow_provider_lark.core.stores.ledger.queue import ERROR_LENGTH
from airflow_provider_lark.core.stores.ledger.schema import queue, record_map
from airflow_provider_lark.core.stores.matching import is_among

HELD = "held"

_FREE: dict[str, None] = {"claim_token": None, "lease_until_ms": None, "next_attempt_at": None, "processed_at": None}


class Held(NamedTuple):
    """How many keys wait for a person's word.

    :param in_lark: records that stay in Lark although their rows were deleted.
    :param in_sql: rows that stay in SQL although their records are gone.
    """

    in_lark: int
    in_sql: int


class Entry(NamedTuple):
    """An entry of the queue."""

    id: int
    key: Key


def hold(conn: Connection, entry_ids: Sequence[int], *, reason: str) -> None:
    """Let claimed entries wait for a person."""
    for ids in split(entry_ids):
        note = {"status": HELD, "error_message": reason[:ERROR_LENGTH], **_FREE}
        conn.execute(update(queue).where(is_among(queue.c.id, ids)).values(**note))


def hold_rows(conn: Connection, table_name: str, keys: Sequence[Key], *, reason: str) -> None:
    """Note rows of SQL that stay although their records are gone; those that are noted already stay so."""
    known = among(conn, table_name, keys)
    fresh = [key for key in dict.fromkeys(keys) if key not in known]
    entry = {"table_name": table_name, "operation": PULL, "status": HELD, "error_message": reason[:ERROR_LENGTH]}
    for some in split(fresh):
        conn.execute(insert(queue), [entry | {"key": key} for key in some])


def release_all(conn: Connection, table_name: str) -> int:
    """Let everything that is held be carried out; return how many entries that are."""
    return conn.execute(_release(queue.c.table_name == table_name)).rowcount


def release(conn: Connection, table_name: str, keys: Sequence[Key]) -> None:
    """Let the entries of *keys* be looked at anew."""
    for some in split(keys):
        conn.execute(_release(queue.c.table_name == table_name, is_among(queue.c.key, some)))


def settle(conn: Connection, table_name: str, keys: Sequence[Key]) -> None:
    """Complete the held entries of *keys*: there is nothing left to delete."""
    for some in split(keys):
        mine = and_(queue.c.table_name == table_name, is_among(queue.c.key, some), queue.c.status == HELD)
        done = {**_FREE, "status": "completed", "processed_at": Now(), "error_message": None}
        conn.execute(update(queue).where(mine).values(**done))


def count(conn: Connection, table_name: str) -> Held:
    """Count the keys that are held, by the side that keeps what it has."""
    keys = func.count(distinct(queue.c.key))
    is_pull = case((queue.c.operation == PULL, 1), else_=0).label("is_pull")
    mine = (queue.c.table_name == table_name, queue.c.status == HELD)
    found = {
        bool(row.is_pull): row.keys_
        for row in conn.execute(select(is_pull, keys.label("keys_")).where(*mine).group_by(is_pull))
    }
    return Held(in_lark=found.get(False, 0), in_sql=found.get(True, 0))


def among(conn: Connection, table_name: str, keys: Sequence[Key]) -> set[Key]:
    """Return those of *keys* whose row stays in SQL although its record is gone."""
    found: set[Key] = set()
    for some in split(keys):
        mine = and_(queue.c.table_name == table_name, is_among(queue.c.key, some), queue.c.status == HELD)
        found.update(map(Key, conn.scalars(select(queue.c.key).where(mine, queue.c.operation == PULL))))
    return found


def page(conn: Connection, table_name: str, *, pulls: bool, after: int, limit: int) -> list[Entry]:
    """Return up to *limit* held entries from behind *after*.

    :param pulls: those whose row stays in SQL; otherwise those whose record stays in Lark.
    """
    kind = queue.c.operation == PULL if pulls else queue.c.operation != PULL
    entries = select(queue.c.id, queue.c.key).where(queue.c.table_name == table_name, queue.c.status == HELD, kind)
    return _page(conn, entries, after, limit)


def count_deletable(conn: Connection, table_name: str, *, soft: bool) -> int:
    """Return how many keys wait in the queue of which a push may delete the record, at most.

    :param soft: every change may be a delete, because a column of the row says so.
    """
    return int(conn.scalars(_joined(select(func.count(distinct(queue.c.key))), table_name, soft)).one())


def deletable_page(conn: Connection, table_name: str, *, soft: bool, after: int, limit: int) -> list[Entry]:
    """Return up to *limit* entries of the keys that :func:`count_deletable` counts, from behind *after*."""
    return _page(conn, _joined(select(queue.c.id, queue.c.key), table_name, soft), after, limit)


def _page(conn: Connection, entries: Select[Any], after: int, limit: int) -> list[Entry]:
    # in the order of the ids, which an index gives: in that of the keys each page would sort them all
    found = conn.execute(entries.where(queue.c.id > after).order_by(queue.c.id).limit(limit))
    return [Entry(row.id, Key(row.key)) for row in found]


def _joined(query: Select[Any], table_name: str, soft: bool) -> Select[Any]:
    due = or_(queue.c.next_attempt_at.is_(None), queue.c.next_attempt_at <= Now())
    kind = queue.c.operation != PULL if soft else queue.c.operation == "DELETE"
    same = and_(record_map.c.key == queue.c.key, record_map.c.table_name == queue.c.table_name)
    live = and_(~record_map.c.tombstone, record_map.c.base.is_not(None))
    mine = and_(queue.c.table_name == table_name, queue.c.status == "pending", kind, due, ~is_blacklisted())
    return query.select_from(queue.join(record_map, same)).where(mine, live)


def _release(*conditions: ColumnElement[bool]) -> Any:
    return (
        update(queue).where(*conditions, queue.c.status == HELD).values(status="pending", error_message=None, **_FREE)
    )
