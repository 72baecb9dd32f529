"""The keys that the sync leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, exists, insert, or_, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import blacklist, queue
from airflow_provider_lark.core.side import Key


def is_blacklisted() -> ColumnElement[bool]:
    """Return the condition that an entry of the queue has a key on the blacklist."""
    return exists().where(blacklist.c.key == queue.c.key, _holds_for(queue.c.table_name))


class Listed(NamedTuple):
    """An entry of the blacklist.

    :param table_name: the only table it holds for; None: every one.
    :param left_seconds: until it ends; None: it does not.
    """

    key: str
    table_name: str | None
    reason: str
    left_seconds: float | None
    id: int


class Blacklist(LedgerPart):
    """The blacklist as it holds for one table."""

    def among(self, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* that a person has taken out of the sync, and whose time has not expired."""
        found: set[Key] = set()
        for some in split(keys):
            listed = select(blacklist.c.key).where(is_among(blacklist.c.key, some), _holds_for(self.table_name))
            found.update(map(Key, self.conn.scalars(listed)))
        return found

    def entries(self, *, limit: int, before: int | None = None) -> list[Listed]:
        """Return up to *limit* entries that hold for the table, the newest first.

        :param before: only those older than the entry of this id.
        """
        older = () if before is None else (blacklist.c.id < before,)
        return self._listed(*older, limit=limit)

    def listed(self, key: str) -> Listed | None:
        """Return the newest entry of a key; None where it is synced."""
        found = self._listed(blacklist.c.key == key, limit=1)
        return found[0] if found else None

    def _listed(self, *conditions: ColumnElement[bool], limit: int) -> list[Listed]:
        left = (epoch_ms(blacklist.c.expires_at) - NowMs()).label("left_ms")
        mine = select(blacklist, left).where(_holds_for(self.table_name), *conditions)
        return [
            Listed(
                row.key, row.table_name, row.reason or "", None if row.left_ms is None else row.left_ms / 1000, row.id
            )
            for row in self.conn.execute(mine.order_by(blacklist.c.id.desc()).limit(limit))
        ]

    def add(self, keys: Sequence[str], *, reason: str, seconds: float | None, everywhere: bool = False) -> None:
        """Put *keys* on it, in place of what it says of them; their entries in the queue wait.

        :param seconds: for so long; None: until somebody takes them off.
        :param everywhere: for every table of the database, not for this one alone.
        """
        self.remove(keys, everywhere=everywhere)
        end = None if seconds is None else now_plus(seconds)
        entry = {"table_name": None if everywhere else self.table_name, "reason": reason}
        for some in split(list(dict.fromkeys(keys))):
            self.conn.execute(insert(blacklist).values(expires_at=end), [entry | {"key": key} for key in some])

    def remove(self, keys: Sequence[str], *, everywhere: bool = False) -> set[str]:
        """Take *keys* off it, and return those that were on it.

        :param everywhere: take off what holds for every table, not what holds for this one alone.
        """
        whose = blacklist.c.table_name.is_(None) if everywhere else blacklist.c.table_name == self.table_name
        found: set[str] = set()
        for some in split(list(keys)):
            mine = (is_among(blacklist.c.key, some), whose)
            found.update(self.conn.scalars(select(blacklist.c.key).where(*mine, holds_now())))
            self.conn.execute(delete(blacklist).where(*mine))
        return found


def _holds_for(table_name: ColumnElement[str] | str) -> ColumnElement[bool]:
    return and_(
        or_(blacklist.c.table_name.is_(None), blacklist.c.table_name == table_name),
        holds_now(),
    )


def holds_now() -> ColumnElement[bool]:
    """Return the condition that an entry of the blacklist has not expired."""
    return or_(blacklist.c.expires_at.is_(None), blacklist.c.expires_at > Now())
