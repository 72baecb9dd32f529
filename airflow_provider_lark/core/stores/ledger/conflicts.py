"""Questions about the conflicts of given keys; :mod:`.journal` stores them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.stores.dbtime import Now
from airflow_provider_lark.core.stores.ledger.schema import conflict
from airflow_provider_lark.core.stores.matching import is_among


def open_keys(conn: Connection, table_name: str, keys: Sequence[Key]) -> set[Key]:
    """Return those of *keys* that wait for a person's verdict."""
    found: set[Key] = set()
    for some in split(keys):
        waiting = select(conflict.c.key).where(
            conflict.c.table_name == table_name, is_among(conflict.c.key, some), conflict.c.status == "open"
        )
        found.update(map(Key, conn.scalars(waiting)))
    return found


def settle(conn: Connection, table_name: str, keys: Sequence[Key]) -> None:
    """Close the open conflicts of *keys*: the sides agree again, or the verdict has been carried out."""
    for some in split(keys):
        conn.execute(
            update(conflict)
            .where(conflict.c.table_name == table_name, is_among(conflict.c.key, some), conflict.c.status == "open")
            .values(status="closed", closed_at=Now())
        )
