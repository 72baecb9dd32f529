"""What the parts of a ledger have in common: the transaction that they work in, and the table that they know of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.side import Key


@dataclass(frozen=True)
class Part:
    """One kind of knowledge about one SQL table, inside the caller's transaction; no verb commits.

    :param table_name: the table as the mapping names it, ``schema.table`` when a schema is given.
    """

    conn: Connection
    table_name: str

    def _of(self, table: Table, keys: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a row of the ledger's *table* belongs to one of *keys*."""
        return and_(table.c.table_name == self.table_name, is_among(table.c.key, keys))

    def _keys_where(self, table: Table, keys: Sequence[str], *conditions: ColumnElement[bool]) -> set[Key]:
        """Return those of *keys* of which a row of the ledger's *table* meets *conditions*."""
        found: set[Key] = set()
        for some in split(keys):
            found.update(map(Key, self.conn.scalars(select(table.c.key).where(self._of(table, some), *conditions))))
        return found
