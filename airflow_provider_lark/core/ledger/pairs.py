"""Which Lark record belongs to which SQL key, and the values on which both last agreed (the base)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, select, update

from airflow_provider_lark.core.chunks import STATEMENT_ROWS, split
from airflow_provider_lark.core.database.dbtime import Now
from airflow_provider_lark.core.database.predicates import is_among, is_missing
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, hash_values, load_values
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import record_map
from airflow_provider_lark.core.side import Key, RecordId


@dataclass(frozen=True, slots=True)
class Sent:
    """Our own last write to a record, whose outcome nobody has read yet.

    :param since_ms: no earlier, and *until_ms* no later than this it was carried out, by Lark's clock.
    :param before: what Lark held before, by column, for those that were written.
    :param tries: how often the same values were sent before.
    """

    since_ms: int
    until_ms: int
    before: dict[str, Canonical]
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A SQL row linked to a Lark record; or a key that is reserved.

    :param base: canonical values by column on which both sides last agreed. None only reserves the key for the record,
        which names it and could not be taken in: no row need stand behind it, so it is no pair yet.
    :param lark_modified_ms: Lark's modification time of the record when the base was taken.
    :param tombstone: the pair is deleted on both sides; it stays to tell a late echo from a new row.
    :param near: what SQL holds, by column, where Lark made something else of it and both may stay so.
    :param sent: our own last write, until it is looked at.
    :param outside: the row or the record was outside the mapping's filter when it was last looked at, so that neither
        side is written to until both are back inside.
    :param out_of_sight: a scan missed the record, and Lark did not call it gone: what a person does to it meanwhile is
        not to be seen, so it is read as a whole once it is back.
    """

    key: Key
    record_id: RecordId
    base: dict[str, Canonical] | None
    lark_modified_ms: int | None = None
    tombstone: bool = False
    near: dict[str, Canonical] | None = None
    sent: Sent | None = None
    out_of_sight: bool = False
    outside: bool = False

    @property
    def is_reserved(self) -> bool:
        """Whether the record only names the key, and the two never agreed."""
        return self.base is None and not self.tombstone

    @property
    def is_given_up(self) -> bool:
        """Whether *near* holds values that Lark left out again and again: sent only when the row changes."""
        return self.sent is not None and not self.sent.before


class Pairs(LedgerPart):
    """The pairs of one table, and the keys that are reserved in it."""

    def by_keys(self, keys: Iterable[Key]) -> dict[Key, Pair]:
        """Return the pairs of *keys*, tombstones too; keys without a pair are absent."""
        return {pair.key: pair for pair in self._select(record_map.c.key, keys)}

    def by_records(self, record_ids: Iterable[RecordId]) -> dict[RecordId, Pair]:
        """Return the pairs of *record_ids*, tombstones too; records without a pair are absent."""
        return {pair.record_id: pair for pair in self._select(record_map.c.lark_record_id, record_ids)}

    def record_ids_of(self, keys: Iterable[Key]) -> dict[Key, RecordId]:
        """Return the live record of each of *keys*; keys without one are absent."""
        found: dict[Key, RecordId] = {}
        for some in split(list(keys)):
            live = select(record_map.c.key, record_map.c.lark_record_id).where(
                self._of(record_map, some, ~record_map.c.tombstone)
            )
            found |= {Key(row.key): RecordId(row.lark_record_id) for row in self.conn.execute(live)}
        return found

    def written(self, record_ids: Iterable[RecordId]) -> dict[RecordId, Pair]:
        """Return those of *record_ids* that we wrote to and nobody has looked at since."""
        not_looked_at = (record_map.c.sent.is_not(None), ~record_map.c.tombstone)
        found = self._select(record_map.c.lark_record_id, record_ids, *not_looked_at)
        return {pair.record_id: pair for pair in found}

    def some_records(self, limit: int) -> list[RecordId]:
        """Return up to *limit* records of live pairs."""
        live = (record_map.c.table_name == self.table_name, ~record_map.c.tombstone, record_map.c.base.is_not(None))
        return [
            RecordId(id_) for id_ in self.conn.scalars(select(record_map.c.lark_record_id).where(*live).limit(limit))
        ]

    def as_agreed(self, hashes: Mapping[Key, str]) -> set[Key]:
        """Return the keys of live pairs whose base has the given hash, and of which SQL held nothing else than it."""
        found: set[Key] = set()
        # no further conditions: PostgreSQL without statistics takes them for rare, and reads the whole table by them
        near = case((record_map.c.near.is_not(None), 1), else_=0).label("has_near")
        for some in split(list(hashes)):
            wanted = select(record_map.c.key, record_map.c.base_hash, record_map.c.tombstone, near)
            for row in self.conn.execute(wanted.where(self._of(record_map, some))):
                if not row.has_near and not row.tombstone and row.base_hash == hashes[Key(row.key)]:
                    found.add(Key(row.key))
        return found

    def live_page(self, *, after: str, limit: int) -> list[Key]:
        """Return up to *limit* keys of live pairs, in their order, from behind the key *after*."""
        live = (record_map.c.table_name == self.table_name, ~record_map.c.tombstone, record_map.c.base.is_not(None))
        page = select(record_map.c.key).where(*live, record_map.c.key > after).order_by(record_map.c.key)
        return [Key(key) for key in self.conn.scalars(page.limit(limit))]

    def count(self) -> int:
        """Return the number of live pairs; reserved keys are none."""
        live = (record_map.c.table_name == self.table_name, ~record_map.c.tombstone, record_map.c.base.is_not(None))
        return self.conn.scalars(select(func.count()).select_from(record_map).where(*live)).one()

    def is_unpaired(self, key: ColumnElement[str]) -> ColumnElement[bool]:
        """Return the condition that *key*, of a row in this database, has no pair, not even a tombstone."""
        return is_missing(record_map.c.key == key, record_map.c.table_name == self.table_name)

    def save(self, pairs: Sequence[Pair]) -> None:
        """Store *pairs*, each in the place of what was known about its key and about its record."""
        for some in split(pairs):
            # delete and insert, because a record that moved to another key collides with two rows at once, and
            # because MySQL's drivers send only a plain INSERT … VALUES with many rows in one statement
            self.forget([pair.key for pair in some])
            of_records = self._of_records([pair.record_id for pair in some])
            self.conn.execute(delete(record_map).where(of_records))
            self.conn.execute(insert(record_map), [_to_row(self.table_name, pair) for pair in some])

    def forget(self, keys: Sequence[Key]) -> None:
        """Drop what is known about *keys*."""
        for some in split(keys):
            self.conn.execute(delete(record_map).where(self._of(record_map, some)))

    def forget_column(self, column: str) -> None:
        """Take one column out of every base of the table: what was agreed about it no longer holds."""
        after = ""
        mine = (record_map.c.table_name == self.table_name, record_map.c.base.is_not(None))
        while True:
            page = select(record_map).where(*mine, record_map.c.key > after)
            rows = self.conn.execute(page.order_by(record_map.c.key).limit(STATEMENT_ROWS))
            found = [from_row(row) for row in rows]
            if not found:
                return
            self.save([_forget(pair, column) for pair in found])
            after = found[-1].key

    def tombstone(self, keys: Sequence[Key]) -> None:
        """Turn the pairs of *keys* into tombstones: deleted on both sides, and not seen by :meth:`count`."""
        gone = {"tombstone": True, "base": None, "base_hash": None, "near": None, "sent": None}
        for some in split(keys):
            mine = self._of(record_map, some)
            self.conn.execute(update(record_map).where(mine).values(**gone, updated_at=Now()))

    def mark_outside(self, keys: Sequence[Key]) -> None:
        """Let the pairs of *keys* rest: a side of each has left the mapping's filter."""
        for some in split(keys):
            self.conn.execute(update(record_map).where(self._of(record_map, some)).values(outside=True))

    def count_outside(self) -> int:
        """Return the number of pairs that rest."""
        resting = (record_map.c.table_name == self.table_name, record_map.c.outside, record_map.c.base.is_not(None))
        return self.conn.scalars(select(func.count()).select_from(record_map).where(*resting)).one()

    def mark_looked_at(self, record_ids: Sequence[RecordId]) -> None:
        """Note that Lark shows what was written to *record_ids*."""
        for some in split(record_ids):
            self.conn.execute(update(record_map).where(self._of_records(some)).values(sent=None))

    def mark_out_of_sight(self, record_ids: Sequence[RecordId], *, out_of_sight: bool = True) -> None:
        """Note that a scan missed *record_ids* and nobody calls them gone; or that they are back and were read."""
        others = record_map.c.out_of_sight != out_of_sight
        for some in split(record_ids):
            marked = update(record_map).where(self._of_records(some), others).values(out_of_sight=out_of_sight)
            self.conn.execute(marked)

    def _of_records(self, record_ids: Sequence[RecordId]) -> ColumnElement[bool]:
        return and_(record_map.c.table_name == self.table_name, is_among(record_map.c.lark_record_id, record_ids))

    def _select(self, column: ColumnElement[str], ids: Iterable[str], *more: ColumnElement[bool]) -> Iterable[Pair]:
        for some in split(list(ids)):
            mine = (record_map.c.table_name == self.table_name, is_among(column, some))
            yield from map(from_row, self.conn.execute(select(record_map).where(*mine, *more)))


def from_row(row: Row[Any]) -> Pair:
    """Read a row of ``sync_record_map``."""
    return Pair(
        key=Key(row.key),
        record_id=RecordId(row.lark_record_id),
        base=None if row.base is None else load_values(row.base),
        lark_modified_ms=row.lark_modified_ms,
        tombstone=bool(row.tombstone),
        near=None if row.near is None else load_values(row.near),
        sent=None if row.sent is None else _load_sent(row.sent),
        out_of_sight=bool(row.out_of_sight),
        outside=bool(row.outside),
    )


def _forget(pair: Pair, column: str) -> Pair:
    sent = pair.sent and replace(pair.sent, before=_without(pair.sent.before, column))
    return replace(
        pair, base=_without(pair.base or {}, column), near=_without(pair.near or {}, column) or None, sent=sent
    )


def _without(base: dict[str, Canonical], column: str) -> dict[str, Canonical]:
    return {name: value for name, value in base.items() if name != column}


def _load_sent(text: str) -> Sent:
    since_ms, until_ms, tries, before = json.loads(text)
    return Sent(since_ms, until_ms, load_values(before), tries)


def _dump_sent(sent: Sent) -> str:
    return json.dumps([sent.since_ms, sent.until_ms, sent.tries, dump_values(sent.before)], ensure_ascii=False)


def _to_row(table_name: str, pair: Pair) -> dict[str, Any]:
    base = None if pair.base is None else dump_values(pair.base)
    return {
        "table_name": table_name,
        "key": pair.key,
        "lark_record_id": pair.record_id,
        "base": base,
        "base_hash": None if base is None else hash_values(base),
        "lark_modified_ms": pair.lark_modified_ms,
        "tombstone": pair.tombstone,
        "near": dump_values(pair.near) if pair.near else None,
        "sent": None if pair.sent is None else _dump_sent(pair.sent),
        "out_of_sight": pair.out_of_sight,
        "outside": pair.outside,
    }
