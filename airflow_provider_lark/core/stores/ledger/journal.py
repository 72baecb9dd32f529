"""What a person reads: the log of changes, the conflicts that wait for a decision, and the blacklist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, load_values
from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.stores.dbtime import Now, now_plus
from airflow_provider_lark.core.stores.ledger.schema import blacklist, log
from airflow_provider_lark.core.stores.ledger.schema import conflict as table
from airflow_provider_lark.core.stores.matching import is_among

Direction = Literal["to_lark", "to_sql", "both"]
Status = Literal["applied", "skipped", "conflict", "failed", "rewritten", "near_miss"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One change and what became of it.

    :param key: the SQL key, or Lark's record id where no key is known.
    :param detail: why, for a person to read; no cell values.
    """

    key: str
    direction: Direction
    operation: str
    status: Status
    detail: str | None = None


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


def write(conn: Connection, table_name: str, run_id: str, lines: Sequence[LogLine]) -> None:
    """Append *lines* to the log."""
    for some in split(lines):
        conn.execute(
            insert(log),
            [
                {
                    "table_name": table_name,
                    "run_id": run_id,
                    "key": line.key,
                    "direction": line.direction,
                    "operation": line.operation,
                    "status": line.status,
                    "detail": line.detail,
                }
                for line in some
            ],
        )


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete log lines and closed conflicts that are so old; return how many."""
    old = now_plus(-older_than_seconds)
    lines = conn.execute(delete(log).where(log.c.created_at <= old)).rowcount
    closed = and_(table.c.status == "closed", table.c.closed_at <= old)
    return lines + conn.execute(delete(table).where(closed)).rowcount


def add_conflicts(conn: Connection, table_name: str, conflicts: Sequence[Conflict]) -> None:
    """Store *conflicts*. A key has one open conflict: a newer one replaces it, the same one changes nothing.

    So a decision that a person has entered survives until the values change again.
    """
    for some in split(conflicts):
        rows = [_to_row(table_name, conflict) for conflict in some]
        known = _open_by_key(conn, table_name, [row["key"] for row in rows if row["status"] == "open"])
        fresh = [row for row in rows if row["status"] != "open" or not _same(row, known.get(row["key"]))]
        replaced = [known[row["key"]].id for row in fresh if row["status"] == "open" and row["key"] in known]
        if replaced:
            conn.execute(delete(table).where(is_among(table.c.id, replaced)))
        for status in ("open", "closed"):
            part = [row for row in fresh if row["status"] == status]
            if part:
                conn.execute(insert(table).values(closed_at=Now() if status == "closed" else None), part)


def decided_conflicts(conn: Connection, table_name: str) -> list[Conflict]:
    """Return the open conflicts for which a person has set the outcome to ``lark`` or ``sql``."""
    decided = select(table).where(
        table.c.table_name == table_name, table.c.status == "open", table.c.outcome.in_(("lark", "sql"))
    )
    return [_from_row(row) for row in conn.execute(decided.order_by(table.c.id))]


def close_conflicts(conn: Connection, ids: Sequence[int]) -> None:
    """Note that the outcome of conflicts has been carried out."""
    for some in split(ids):
        conn.execute(update(table).where(is_among(table.c.id, some)).values(status="closed", closed_at=Now()))


def blacklisted(conn: Connection, table_name: str, keys: Iterable[Key]) -> set[Key]:
    """Return those of *keys* that a person has taken out of the sync, and whose time has not expired."""
    found: set[Key] = set()
    for some in split(list(keys)):
        listed = select(blacklist.c.key).where(
            is_among(blacklist.c.key, some),
            or_(blacklist.c.table_name.is_(None), blacklist.c.table_name == table_name),
            or_(blacklist.c.expires_at.is_(None), blacklist.c.expires_at > Now()),
        )
        found.update(map(Key, conn.scalars(listed)))
    return found


_VALUES = ("base_values", "lark_values", "sql_values")


def _open_by_key(conn: Connection, table_name: str, keys: Sequence[str]) -> dict[str, Row[Any]]:
    if not keys:
        return {}
    waiting = select(table).where(
        table.c.table_name == table_name, table.c.status == "open", is_among(table.c.key, keys)
    )
    return {row.key: row for row in conn.execute(waiting)}


def _same(new: dict[str, Any], old: Row[Any] | None) -> bool:
    return old is not None and all(new[name] == getattr(old, name) for name in _VALUES)


def _to_row(table_name: str, conflict: Conflict) -> dict[str, Any]:
    return {
        "table_name": table_name,
        "key": conflict.key,
        "lark_record_id": conflict.record_id,
        "base_values": None if conflict.base is None else dump_values(conflict.base),
        "lark_values": None if conflict.lark is None else dump_values(conflict.lark),
        "sql_values": None if conflict.sql is None else dump_values(conflict.sql),
        "policy": conflict.policy,
        "outcome": conflict.outcome,
        "status": conflict.status or ("open" if conflict.outcome is None else "closed"),
    }


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
