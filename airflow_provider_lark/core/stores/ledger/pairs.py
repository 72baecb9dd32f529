"""Which Lark record belongs to which SQL key, and the values on which both last agreed (the base)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, hash_values, load_values
from airflow_provider_lark.core.stores.base import Key, RecordId
from airflow_provider_lark.core.stores.batches import STATEMENT_ROWS, split
from airflow_provider_lark.core.stores.dbtime import Now, now_plus
from airflow_provider_lark.core.stores.ledger.schema import record_map
from airflow_provider_lark.core.stores.matching import is_among


@dataclass(frozen=True, slots=True)
class Pair:
    """A SQL row linked to a Lark record; or a key that is reserved.

    :param base: canonical values by column on which both sides last agreed. None only reserves the key for the record,
        which names it and could not be taken in: no row need stand behind it, so it is no pair yet.
    :param lark_modified_ms: Lark's modification time of the record when the base was taken.
    :param tombstone: the pair is deleted on both sides; it stays to tell a late echo from a new row.
    """

    key: Key
    record_id: RecordId
    base: dict[str, Canonical] | None
    lark_modified_ms: int | None = None
    tombstone: bool = False

    @property
    def is_reserved(self) -> bool:
        """Whether the record only names the key, and the two never agreed."""
        return self.base is None and not self.tombstone


def by_keys(conn: Connection, table_name: str, keys: Iterable[Key]) -> dict[Key, Pair]:
    """Return the pairs of *keys*, buried ones too; keys without a pair are absent."""
    return {pair.key: pair for pair in _select(conn, table_name, "record_id", keys)}


def by_records(conn: Connection, table_name: str, record_ids: Iterable[RecordId]) -> dict[RecordId, Pair]:
    """Return the pairs of *record_ids*, buried ones too; records without a pair are absent."""
    return {pair.record_id: pair for pair in _select(conn, table_name, "lark_record_id", record_ids)}


def record_ids_of(conn: Connection, table_name: str, keys: Iterable[Key]) -> dict[Key, RecordId]:
    """Return the live record of each of *keys*; keys without one are absent."""
    found: dict[Key, RecordId] = {}
    for some in split(list(keys)):
        live = select(record_map.c.record_id, record_map.c.lark_record_id).where(
            record_map.c.table_name == table_name, is_among(record_map.c.record_id, some), ~record_map.c.tombstone
        )
        found |= {Key(row.record_id): RecordId(row.lark_record_id) for row in conn.execute(live)}
    return found


def save(conn: Connection, table_name: str, pairs: Sequence[Pair]) -> None:
    """Store *pairs*, each in the place of what was known about its key and about its record."""
    for some in split(pairs):
        # delete and insert, because a record that moved to another key collides with two rows at once, and
        # because MySQL's drivers send only a plain INSERT … VALUES with many rows in one statement
        forget(conn, table_name, [pair.key for pair in some])
        records = [pair.record_id for pair in some]
        conn.execute(
            delete(record_map).where(
                record_map.c.table_name == table_name, is_among(record_map.c.lark_record_id, records)
            )
        )
        conn.execute(insert(record_map), [_to_row(table_name, pair) for pair in some])


def forget(conn: Connection, table_name: str, keys: Sequence[Key]) -> None:
    """Drop what is known about *keys*."""
    for some in split(keys):
        conn.execute(
            delete(record_map).where(record_map.c.table_name == table_name, is_among(record_map.c.record_id, some))
        )


def bury(conn: Connection, table_name: str, keys: Sequence[Key]) -> None:
    """Turn the pairs of *keys* into tombstones: deleted on both sides, and not seen by :func:`count`."""
    for some in split(keys):
        conn.execute(
            update(record_map)
            .where(record_map.c.table_name == table_name, is_among(record_map.c.record_id, some))
            .values(tombstone=True, base=None, base_hash=None, updated_at=Now())
        )


def forget_column(conn: Connection, table_name: str, column: str) -> None:
    """Take one column out of every base of a table: what was agreed about it no longer holds."""
    after = ""
    mine = record_map.c.table_name == table_name
    while True:
        page = select(record_map).where(mine, record_map.c.record_id > after, record_map.c.base.is_not(None))
        found = [from_row(row) for row in conn.execute(page.order_by(record_map.c.record_id).limit(STATEMENT_ROWS))]
        if not found:
            return
        save(conn, table_name, [replace(pair, base=_without(pair.base or {}, column)) for pair in found])
        after = found[-1].key


def _without(base: dict[str, Canonical], column: str) -> dict[str, Canonical]:
    return {name: value for name, value in base.items() if name != column}


def count(conn: Connection, table_name: str) -> int:
    """Return the number of live pairs; reserved keys are none."""
    live = (record_map.c.table_name == table_name, ~record_map.c.tombstone, record_map.c.base.is_not(None))
    return conn.scalars(select(func.count()).select_from(record_map).where(*live)).one()


def purge(conn: Connection, *, buried_older_than_seconds: float) -> int:
    """Drop tombstones that are so old; return how many."""
    old = (record_map.c.tombstone, record_map.c.updated_at <= now_plus(-buried_older_than_seconds))
    return conn.execute(delete(record_map).where(*old)).rowcount


def from_row(row: Row[Any]) -> Pair:
    """Read a row of ``sync_record_map``."""
    return Pair(
        key=Key(row.record_id),
        record_id=RecordId(row.lark_record_id),
        base=None if row.base is None else load_values(row.base),
        lark_modified_ms=row.lark_modified_ms,
        tombstone=bool(row.tombstone),
    )


def _select(conn: Connection, table_name: str, column: str, ids: Iterable[str]) -> Iterable[Pair]:
    for some in split(list(ids)):
        found = select(record_map).where(record_map.c.table_name == table_name, is_among(record_map.c[column], some))
        yield from map(from_row, conn.execute(found))


def _to_row(table_name: str, pair: Pair) -> dict[str, Any]:
    base = None if pair.base is None else dump_values(pair.base)
    return {
        "table_name": table_name,
        "record_id": pair.key,
        "lark_record_id": pair.record_id,
        "base": base,
        "base_hash": None if base is None else hash_values(base),
        "lark_modified_ms": pair.lark_modified_ms,
        "tombstone": pair.tombstone,
    }
