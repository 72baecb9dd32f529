"""The rows that differ, on disk: memory does not grow with their number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sync.consistency.judge import NOTHING_SEEN, Kind, Reason, Seen, State
from airflow_provider_lark.core.sync.consistency.repairs import Action

_COLUMNS = ("kind", "key", "record_id", "lark", "sql", "state", "reason", "action", "detail")
_MAKE = f"CREATE TABLE finding (id INTEGER PRIMARY KEY, {', '.join(_COLUMNS)})"
_ADD = f"INSERT INTO finding ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_CHANGE = f"UPDATE finding SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row that differs.

    :param key: empty where none is known, as for a record without one.
    :param record_id: empty for a row that has no record.
    :param seen: what the newest look saw.
    :param detail: what is told of it one by one; None where it is one too many.
    """

    kind: Kind
    key: str
    record_id: RecordId
    seen: Seen = NOTHING_SEEN
    state: State = "drift"
    reason: Reason = ""
    action: Action = ""
    detail: Any = None
    id: int = 0

    @property
    def name(self) -> str:
        """The name of the row in reports and in the queue."""
        return self.key or self.record_id


class Findings:
    """Rows that differ, in a private file of SQLite's that goes with this object."""

    def __init__(self) -> None:
        # an empty name: on disk once it is large, and nobody else can open it
        self._conn = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._conn.execute(_MAKE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()

    def add(self, found: Iterable[Finding]) -> None:
        """Keep *found*."""
        self._many(_ADD, map(_to_row, found))

    def change(self, found: Iterable[Finding]) -> None:
        """Store *found* in the place of what was known of them."""
        self._many(_CHANGE, ((*_to_row(each), each.id) for each in found))

    def clear(self) -> None:
        """Forget all."""
        self._conn.execute("DELETE FROM finding")

    def mark_left(self) -> None:
        """Note the drift about which a repair has nothing to do."""
        self._conn.execute("UPDATE finding SET state = 'left' WHERE state = 'drift' AND action = ''")

    def drop(self, ids: Iterable[int]) -> None:
        """Forget findings that were none."""
        self._many("DELETE FROM finding WHERE id = ?", ((id_,) for id_ in ids))

    def pages(self, size: int, where: str = "1") -> Iterator[list[Finding]]:
        """Yield the findings that meet *where*, a condition of ours, in order; they may be changed meanwhile."""
        after = 0
        query = f"SELECT id, {', '.join(_COLUMNS)} FROM finding WHERE id > ? AND ({where}) ORDER BY id LIMIT ?"
        while rows := self._conn.execute(query, (after, size)).fetchall():
            yield [_from_row(row) for row in rows]
            after = rows[-1][0]

    def count(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Count the findings by *columns*."""
        names = ", ".join(columns)
        rows = self._conn.execute(f"SELECT {names}, count(*) FROM finding GROUP BY {names}")
        return {tuple(row[:-1]): row[-1] for row in rows}

    def names(self, limit: int, where: str, *values: str) -> list[str]:
        """Return the names of the first findings that meet *where*."""
        query = f"SELECT key, record_id FROM finding WHERE {where} ORDER BY id LIMIT ?"
        return [_text(key) or id_ for key, id_ in self._conn.execute(query, (*values, limit))]

    def told(self, limit: int) -> list[Finding]:
        """Return the findings that are told one by one, drift first."""
        query = (
            f"SELECT id, {', '.join(_COLUMNS)} FROM finding WHERE detail IS NOT NULL "
            "ORDER BY state = 'waits', id LIMIT ?"
        )
        return [_from_row(row) for row in self._conn.execute(query, (limit,))]

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._conn.execute("BEGIN")
        self._conn.executemany(statement, rows)
        self._conn.execute("COMMIT")


def _to_row(each: Finding) -> tuple[Any, ...]:
    detail = None if each.detail is None else json.dumps(each.detail)
    key = each.key.encode("utf-8", "surrogatepass")
    seen = each.seen
    return (each.kind, key, each.record_id, seen.lark, seen.sql, each.state, each.reason, each.action, detail)


def _from_row(row: Sequence[Any]) -> Finding:
    id_, kind, key, record_id, lark, sql, state, reason, action, detail = row
    return Finding(
        kind=kind,
        key=_text(key),
        record_id=RecordId(record_id),
        seen=Seen(lark, sql),
        state=state,
        reason=reason,
        action=cast("Action", action),
        detail=None if detail is None else json.loads(detail),
        id=id_,
    )


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")


def keys_of(found: Iterable[Finding]) -> list[Key]:
    """Return the keys of *found*, where they have one."""
    return [Key(each.key) for each in found if each.key]
