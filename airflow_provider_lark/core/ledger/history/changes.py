"""What each run wrote: the values that a decision rests on, and those that the written side holds since.

A line names only the columns that were written; of a row that was created or deleted it has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, delete, func, insert, select

from airflow_provider_lark.core.chunks import split_by_text
from airflow_provider_lark.core.database.dbtime import epoch_ms, now_plus
from airflow_provider_lark.core.database.predicates import is_missing, unindexed
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, load_values
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import change as table
from airflow_provider_lark.core.side import Key, Values

ChangeSide = Literal["lark", "sql", "none"]
"""The side that was written; ``none``: both had changed the row, and nothing was written then."""
ChangeKind = Literal["INSERT", "UPDATE", "DELETE"]

UNDO = "undo"
"""The policy of a write by which an undo took another one back."""

_STATEMENT_ROWS = 500


@dataclass(frozen=True, slots=True)
class RowChange:
    """One write of one row.

    :param base: what both last agreed on; None where they never had.
    :param lark: what Lark held; None where the record was not there, and on a write to Lark, whose record holds *base*.
    :param sql: what SQL held; None where the row was not there.
    :param new: what the written side holds since; None where that is what the other side holds, or nothing.
    :param outcome: the side that won, where both had changed the row, and by which *policy*; empty else. The policy of
        an undo is :data:`UNDO`.
    """

    key: str
    record_id: str
    side: ChangeSide
    operation: ChangeKind
    base: Values | None
    lark: Values | None
    sql: Values | None
    new: Values | None = None
    outcome: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class PastChange:
    """A write as it stands in the ledger, with what was left out filled in.

    :param before: what the written side held; None: nothing.
    :param after: what it held since; None: nothing.
    :param created_ms: by the database's clock.
    """

    id: int
    key: Key
    record_id: str
    side: ChangeSide
    operation: ChangeKind
    base: dict[str, Canonical] | None
    lark: dict[str, Canonical] | None
    sql: dict[str, Canonical] | None
    after: dict[str, Canonical] | None
    outcome: str
    policy: str
    run_id: str
    created_ms: int

    @property
    def before(self) -> dict[str, Canonical] | None:
        """What the written side held."""
        return self.lark if self.side == "lark" else self.sql


class Span(NamedTuple):
    """How many writes there are, and the ids of the first and the last; zeros for none."""

    writes: int
    first: int
    last: int


class Changes(LedgerPart):
    """The writes to the rows of one table."""

    def write(self, run_id: str, changes: Sequence[RowChange]) -> None:
        """Keep *changes*."""
        for some in split_by_text(changes, _values_of, size=_STATEMENT_ROWS):
            self.conn.execute(insert(table), [_to_row(self.table_name, run_id, each) for each in some])

    def of_names(self, names: Sequence[str], *, limit: int) -> list[PastChange]:
        """Return the newest writes of the rows of *names*, the newest first."""
        return self._read(self._of(table, names), table.c.id.desc(), limit)

    def span_of_run(self, run_id: str) -> Span:
        """Return how many writes of a run are known, and between which ids they lie."""
        ids = (func.count(), func.min(table.c.id), func.max(table.c.id))
        row = self.conn.execute(select(*ids).where(*self._of_run(table, run_id))).one()
        return Span(*(int(each or 0) for each in row))

    def keys_of_run(self, run_id: str, first: int, last: int) -> list[Key]:
        """Return the keys whose first write of a run lies between two ids, in the order of these writes."""
        # by ids, which lie together: for the next so many, where nothing tells PostgreSQL how many a run has, it would
        # read and sort the rest of them for each page
        earlier = table.alias()
        mine = and_(*self._of_run(earlier, run_id))
        is_first = is_missing(earlier.c.key == table.c.key, earlier.c.id < table.c.id, unindexed(mine))
        among = and_(*self._of_run(table, run_id))
        found = select(table.c.key).where(table.c.id.between(first, last), unindexed(among), is_first)
        return [Key(key) for key in self.conn.scalars(found.order_by(table.c.id))]

    def since_run(self, run_id: str, keys: Sequence[Key]) -> dict[Key, list[PastChange]]:
        """Return the writes of a run to *keys*, and all that came after them, the oldest first."""
        found: dict[Key, list[PastChange]] = {}
        for each in self._read(self._of(table, keys), table.c.id.asc(), None):
            if each.key in found or each.run_id == run_id:
                found.setdefault(each.key, []).append(each)
        return found

    def _of_run(self, changes: FromClause, run_id: str) -> tuple[ColumnElement[bool], ...]:
        c = changes.c
        return c.run_id == run_id, c.table_name == self.table_name, c.side != "none"

    def _read(self, where: ColumnElement[bool], order: Any, limit: int | None) -> list[PastChange]:
        wanted = select(table, epoch_ms(table.c.created_at).label("created_ms")).where(where)
        return [_from_row(row) for row in self.conn.execute(wanted.order_by(order).limit(limit))]


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete writes that are so old, of every table; return how many."""
    # ids grow with time, so that no index of times is needed, which each write would pay for
    since = now_plus(-older_than_seconds)
    first_kept = select(table.c.id).where(table.c.created_at > since).order_by(table.c.id).limit(1)
    kept = conn.scalars(first_kept).one_or_none()
    old = table.c.created_at <= since if kept is None else table.c.id < kept
    return conn.execute(delete(table).where(old)).rowcount


def _values_of(change: RowChange) -> list[Canonical]:
    sides = (change.base, change.lark, change.sql, change.new)
    return [value for side in sides if side is not None for value in side.values()]


def _to_row(table_name: str, run_id: str, change: RowChange) -> dict[str, Any]:
    source = change.sql if change.side == "lark" else change.lark
    new = None if change.new is None or change.new == source else dump_values(change.new)
    return {
        "table_name": table_name,
        "key": change.key,
        "lark_record_id": change.record_id,
        "side": change.side,
        "operation": change.operation,
        "base_values": None if change.base is None else dump_values(change.base),
        "lark_values": None if change.lark is None else dump_values(change.lark),
        "sql_values": None if change.sql is None else dump_values(change.sql),
        "new_values": new,
        "outcome": change.outcome or None,
        "policy": change.policy or None,
        "run_id": run_id,
    }


def _from_row(row: Row[Any]) -> PastChange:
    base, lark, sql, new = (
        None if text is None else load_values(text)
        for text in (row.base_values, row.lark_values, row.sql_values, row.new_values)
    )
    if row.side == "lark" and lark is None:
        # what Lark held is what was last agreed with it
        lark = base
    if new is None and row.operation != "DELETE" and row.side != "none":
        new = sql if row.side == "lark" else lark
    return PastChange(
        id=row.id,
        key=Key(row.key),
        record_id=row.lark_record_id,
        side=row.side,
        operation=row.operation,
        base=base,
        lark=lark,
        sql=sql,
        after=new,
        outcome=row.outcome or "",
        policy=row.policy or "",
        run_id=row.run_id,
        created_ms=row.created_ms,
    )
