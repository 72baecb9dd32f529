"""Rows that both sides changed in different ways: open conflicts, and the outcome of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, now_plus
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, hash_values, load_values
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import conflict as table
from airflow_provider_lark.core.side import Key, RecordId, Values

_VALUES = ("base_values", "lark_values", "sql_values")
_OPEN = table.c.status == "open"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed the same row in different ways.

    :param lark: canonical values by column as Lark has them; None when the record is gone. *sql* alike.
    :param outcome: the side that won, or that a person has chosen: ``lark`` or ``sql``.
    :param status: ``open`` waits for a decision; ``closed`` is history. Default: closed when there is an outcome.
    :param id: None before it is stored.
    """

    key: Key
    record_id: RecordId | None
    base: dict[str, Canonical] | None
    lark: dict[str, Canonical] | None
    sql: dict[str, Canonical] | None
    policy: str
    outcome: str | None = None
    status: Literal["open", "closed"] | None = None
    id: int | None = None

    @property
    def fingerprint(self) -> str:
        """What tells it from a conflict of the same row over other values."""
        return fingerprint(self.record_id, self.lark, self.sql)


def fingerprint(record_id: str | None, lark: Values | None, sql: Values | None) -> str:
    """Return what both sides hold in 32 digits."""
    sides = (None if side is None else dump_values(side) for side in (lark, sql))
    return hash_values("\n".join((record_id or "", *map(str, sides))))


class Conflicts(LedgerPart):
    """The conflicts of one table."""

    def add(self, conflicts: Sequence[Conflict]) -> None:
        """Store *conflicts*. A key has one open conflict: a newer one replaces it, the same one changes nothing.

        So a decision that a person has entered survives until the values change again.
        """
        for some in split(conflicts):
            rows = [self._to_row(conflict) for conflict in some]
            known = self._open_by_key([row["key"] for row in rows if row["status"] == "open"])
            fresh = [row for row in rows if row["status"] != "open" or not _same(row, known.get(row["key"]))]
            replaced = [known[row["key"]].id for row in fresh if row["status"] == "open" and row["key"] in known]
            for status in ("open", "closed"):
                part = [row for row in fresh if row["status"] == status]
                if part:
                    self.conn.execute(insert(table).values(closed_at=Now() if status == "closed" else None), part)
            if replaced:
                # after the new ones came: SQLite gives the newest id anew, and people name conflicts by it
                self.conn.execute(delete(table).where(is_among(table.c.id, replaced)))

    def decided(self) -> list[Conflict]:
        """Return the open conflicts for which a person has set the outcome to ``lark`` or ``sql``."""
        mine = (table.c.table_name == self.table_name, _OPEN, table.c.outcome.in_(("lark", "sql")))
        return [_from_row(row) for row in self.conn.execute(select(table).where(*mine).order_by(table.c.id))]

    def open_by_key(self, keys: Sequence[Key]) -> dict[Key, Conflict]:
        """Return the open conflicts of *keys*, decided ones too."""
        found = (row for some in split(keys) for row in self._open_by_key(some).values())
        return {each.key: each for each in map(_from_row, found)}

    def note_outcome(self, keys: Sequence[Key], outcome: str) -> None:
        """Write down who wins the open conflicts of *keys*."""
        for some in split(keys):
            self.conn.execute(update(table).where(self._of(table, some, _OPEN)).values(outcome=outcome))

    def open_page(self, *, after: int, limit: int, undecided: bool = True) -> list[Conflict]:
        """Return up to *limit* open conflicts, from behind the id *after*.

        :param undecided: only those of which ``outcome`` does not say who wins.
        """
        mine = [table.c.table_name == self.table_name, _OPEN, table.c.id > after]
        if undecided:
            mine.append(table.c.outcome.is_(None))
        return [
            _from_row(row) for row in self.conn.execute(select(table).where(*mine).order_by(table.c.id).limit(limit))
        ]

    def find(self, id_: int) -> Conflict | None:
        """Return a conflict, open or closed; None also where its values have changed since, which gives it a new id."""
        mine = select(table).where(table.c.table_name == self.table_name, table.c.id == id_)
        row = self.conn.execute(mine).one_or_none()
        return None if row is None else _from_row(row)

    def lock(self, ids: Sequence[int]) -> None:
        """Let whoever locks one of these conflicts too wait until this transaction has ended."""
        for some in split(sorted(ids)):
            mine = select(table.c.id).where(table.c.table_name == self.table_name, is_among(table.c.id, some))
            # in the order of the ids, or two who lock the same ones could wait for each other
            self.conn.execute(mine.order_by(table.c.id).with_for_update())

    def newest_id(self) -> int:
        """Return the id of the newest conflict, open or closed; 0 when there is none."""
        newest = select(func.max(table.c.id)).where(table.c.table_name == self.table_name)
        return int(self.conn.scalars(newest).one() or 0)

    def closed_page(self, *, after: int, up_to: int, limit: int) -> list[Conflict]:
        """Return up to *limit* conflicts that are closed, from behind the id *after* to the id *up_to*."""
        mine = (table.c.table_name == self.table_name, table.c.status == "closed", table.c.id.between(after + 1, up_to))
        return [
            _from_row(row) for row in self.conn.execute(select(table).where(*mine).order_by(table.c.id).limit(limit))
        ]

    def open_keys(self, keys: Sequence[Key]) -> set[Key]:
        """Return those of *keys* that wait for a person to resolve them."""
        return self._keys_where(table, keys, _OPEN)

    def count_open(self) -> int:
        """Return how many conflicts wait for a person."""
        return count_open(self.conn, [self.table_name]).get(self.table_name, 0)

    def settle(self, keys: Sequence[Key]) -> None:
        """Close the open conflicts of *keys*: the sides agree again, or the resolution has been carried out."""
        for some in split(keys):
            closed = update(table).where(self._of(table, some, _OPEN))
            self.conn.execute(closed.values(status="closed", closed_at=Now()))

    def _open_by_key(self, keys: Sequence[str]) -> dict[str, Row[Any]]:
        if not keys:
            return {}
        waiting = select(table).where(self._of(table, keys, _OPEN))
        return {row.key: row for row in self.conn.execute(waiting)}

    def _to_row(self, conflict: Conflict) -> dict[str, Any]:
        return {
            "table_name": self.table_name,
            "key": conflict.key,
            "lark_record_id": conflict.record_id,
            "base_values": None if conflict.base is None else dump_values(conflict.base),
            "lark_values": None if conflict.lark is None else dump_values(conflict.lark),
            "sql_values": None if conflict.sql is None else dump_values(conflict.sql),
            "policy": conflict.policy,
            "outcome": conflict.outcome,
            "status": conflict.status or ("open" if conflict.outcome is None else "closed"),
        }


def count_open(conn: Connection, table_names: Sequence[str]) -> dict[str, int]:
    """Return how many conflicts of each of these tables wait for a person; those of which none does are left out."""
    mine = (_OPEN, table.c.table_name.in_(table_names))
    counted = select(table.c.table_name, func.count().label("open_")).where(*mine).group_by(table.c.table_name)
    return {row.table_name: row.open_ for row in conn.execute(counted)}


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete conflicts that were closed so long ago, of every table; return how many."""
    old = (table.c.status == "closed", table.c.closed_at <= now_plus(-older_than_seconds))
    return conn.execute(delete(table).where(*old)).rowcount


def _same(new: dict[str, Any], old: Row[Any] | None) -> bool:
    return old is not None and all(new[name] == getattr(old, name) for name in _VALUES)


def _from_row(row: Row[Any]) -> Conflict:
    return Conflict(
        id=row.id,
        key=Key(row.key),
        record_id=None if row.lark_record_id is None else RecordId(row.lark_record_id),
        base=None if row.base_values is None else load_values(row.base_values),
        lark=None if row.lark_values is None else load_values(row.lark_values),
        sql=None if row.sql_values is None else load_values(row.sql_values),
        policy=row.policy,
        outcome=row.outcome,
        status=row.status,
    )
