"""The keys that the sync leaves alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import blacklist, queue
from airflow_provider_lark.core.side import Key


def is_blacklisted() -> ColumnElement[bool]:
    """Return the condition that an entry of the queue has a key on the blacklist."""
    return exists().where(blacklist.c.key == queue.c.key, _holds_for(queue.c.table_name))


class Blacklist(LedgerPart):
    """The blacklist as it holds for one table."""

    def among(self, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* that a person has taken out of the sync, and whose time has not expired."""
        found: set[Key] = set()
        for some in split(keys):
            listed = select(blacklist.c.key).where(is_among(blacklist.c.key, some), _holds_for(self.table_name))
            found.update(map(Key, self.conn.scalars(listed)))
        return found


def _holds_for(table_name: ColumnElement[str] | str) -> ColumnElement[bool]:
    return and_(
        or_(blacklist.c.table_name.is_(None), blacklist.c.table_name == table_name),
        or_(blacklist.c.expires_at.is_(None), blacklist.c.expires_at > Now()),
    )
