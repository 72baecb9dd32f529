"""Updating the records that carry a key and creating the others: find, decide, write.

Finding costs either one filtered search per 50 conditions or one page per 500 records; whichever is fewer is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_lark.core.api.limits import (
    BATCH_GET_MAX,
)
from airflow_provider_lark.core.api.wire import RecordPage, WireRecord
from airflow_provider_lark.core.errors import (
    ConfigError,
    DuplicateKey,
    RowError,
    SchemaMismatch,
    ValueMismatch,
)
from airflow_provider_lark.core.fields.payload import RecordReader
from airflow_provider_lark.core.fields.schema import FieldType
from airflow_provider_lark.core.lark_side.key_filters import build_key_filters
from airflow_provider_lark.core.lark_side.key_finder import Lookup, find_candidates
from airflow_provider_lark.core.lark_side.record_table import RecordTable, Search
from airflow_provider_lark.core.lark_side.search_filter import find_field

KeyText = str
Cells = Mapping[str, Any]

_SHOWN = 5
_STATE = "nothing was written"


@dataclass(frozen=True, slots=True)
class Upserted:
    """What was done. *record_ids* stand in the order of the rows."""

    created: int
    updated: int
    unchanged: int
    record_ids: list[str]


@dataclass(slots=True)
class UpsertPlan:
    """What to do with each row, by its index."""

    creates: list[int] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)


def upsert_records(
    table: RecordTable, rows: Sequence[Cells], key_fields: Sequence[str] | str, *, lookup: Lookup = "auto"
) -> Upserted:
    """Update the record that carries each row's key where its cells differ, and create those that none carries.

    :param key_fields: fields whose values together tell records apart.
    :param lookup: how to find records; see :func:`.find_candidates`.
    :raises DuplicateKey: two rows, or two records, carry one key; nothing was written.
    :raises IncompleteRead: Lark may not have shown every record; nothing was written.
    :raises SafetyStop: Lark has created nothing, because it did so for an earlier try.
    """
    if not rows:
        return Upserted(0, 0, 0, [])
    bodies = table.encoder.encode(rows)
    keys = _Keys(table, key_fields)
    wanted = keys.of_rows(bodies)
    names = list(dict.fromkeys(name for body in bodies for name in body))
    existing = _only_one(find_records(keys, wanted, bodies, names, lookup), wanted)
    cells = {key: keys.cells_of(record, names) for key, record in existing.items()}
    plan = plan_upsert(list(wanted), bodies, cells)
    done = _carry_out(table, plan, bodies, {wanted[key]: record["record_id"] for key, record in existing.items()})
    _check_new(keys, {done.record_ids[at]: key for key, at in wanted.items() if key not in existing})
    return done


def plan_upsert(keys: Sequence[KeyText], bodies: Sequence[Cells], existing: Mapping[KeyText, Cells]) -> UpsertPlan:
    """Decide for each row: create, update, or leave alone.

    :param keys: of the rows, in order.
    :param bodies: the rows' wire values.
    :param existing: the wire values of the records found, by key.
    """
    plan = UpsertPlan()
    for at, (key, body) in enumerate(zip(keys, bodies, strict=True)):
        held = existing.get(key)
        if held is None:
            plan.creates.append(at)
        elif all(_same(held.get(name), value) for name, value in body.items()):
            plan.unchanged.append(at)
        else:
            plan.updates.append(at)
    return plan


def find_records(
    keys: _Keys, wanted: Mapping[KeyText, int], bodies: Sequence[Cells], names: Sequence[str], lookup: Lookup
) -> dict[KeyText, list[WireRecord]]:
    """Return the records that carry each wanted key."""
    found: dict[KeyText, list[WireRecord]] = {}
    for page in _candidates(keys, bodies, names, lookup):
        for key, record in keys.of_records(page.items):
            if key in wanted:
                found.setdefault(key, []).append(record)
    return found


def _candidates(keys: _Keys, bodies: Sequence[Cells], names: Sequence[str], lookup: Lookup) -> Iterator[RecordPage]:
    def read(filter_: Mapping[str, Any] | None) -> Iterator[RecordPage]:
        return keys.table.all_pages(Search(filter=filter_, field_names=names), state=_STATE)

    return find_candidates(read, build_key_filters(keys.fields, bodies), lookup=lookup)


class _Keys:
    """The keys of rows and records: their key fields' wire values as text."""

    def __init__(self, table: RecordTable, key_fields: Sequence[str] | str) -> None:
        if not key_fields:
            raise ConfigError("key_fields: give the fields whose values together tell records apart")
        known = {each.name: each for each in table.fields}
        names = [key_fields] if isinstance(key_fields, str) else dict.fromkeys(key_fields)
        self.table = table
        self._readers: dict[tuple[str, ...], RecordReader] = {}
        self.fields = [find_field(name, known, where="key_fields") for name in names]
        for each in self.fields:
            if each.is_read_only or each.type == FieldType.ATTACHMENT:
                raise SchemaMismatch(f"key_fields: {each.describe()} cannot be a key; use fields that are written")

    def of_rows(self, bodies: Sequence[Cells]) -> dict[KeyText, int]:
        """Return the index of the row of each key, in order."""
        rows: dict[KeyText, list[int]] = {}
        for at, body in enumerate(bodies):
            rows.setdefault(self._of_row(at, body), []).append(at)
        if twins := [at for at in rows.values() if len(at) > 1]:
            told = "; ".join(f"records {' and '.join(map(str, at[:_SHOWN]))}" for at in twins[:_SHOWN])
            raise DuplicateKey(f"{len(twins)} keys stand in several records of the input: {told}; give each key once")
        return {key: at for key, (at,) in rows.items()}

    def of_records(self, records: Sequence[WireRecord]) -> Iterator[tuple[KeyText, WireRecord]]:
        """Yield the records that have a key."""
        names = [each.name for each in self.fields]
        for record, cells in zip(records, self._encode(records, names), strict=True):
            key = None if cells is None else self._of_cells(cells)
            if key is not None:
                yield key, record

    def cells_of(self, record: WireRecord, names: Sequence[str]) -> Cells:
        """Return the cells of a record as they would be written; one that cannot be equals nothing."""
        (cells,) = self._encode([record], names)
        if cells is not None:
            return cells
        each = {name: self._encode([record], [name])[0] for name in names}
        return {name: _UNREADABLE if cells is None else cells.get(name) for name, cells in each.items()}

    def _of_row(self, at: int, body: Cells) -> KeyText:
        key = self._of_cells(body)
        if key is None:
            empty = next(each for each in self.fields if _is_empty(body.get(each.name)))
            raise ValueMismatch(
                f"record {at}: key field {empty.describe()} is missing or empty; each record needs its key"
            )
        return key

    def _of_cells(self, cells: Cells) -> KeyText | None:
        values = [cells.get(each.name) for each in self.fields]
        return None if any(_is_empty(value) for value in values) else _compact([_comparable(value) for value in values])

    def _encode(self, records: Sequence[WireRecord], names: Sequence[str]) -> list[Cells | None]:
        read = self._reader(tuple(names)).read
        try:
            return list(self.table.encoder.encode([read(record)["fields"] for record in records]))
        except RowError:
            # a cell that the encoder would refuse may have been written by hand
            if len(records) == 1:
                return [None]
        return [one for record in records for one in self._encode([record], names)]

    def _reader(self, names: tuple[str, ...]) -> RecordReader:
        if names not in self._readers:
            self._readers[names] = RecordReader([each for each in self.table.fields if each.name in names])
        return self._readers[names]


_UNREADABLE = object()


def _only_one(found: Mapping[KeyText, list[WireRecord]], wanted: Mapping[KeyText, int]) -> dict[KeyText, WireRecord]:
    if twins := [key for key, records in found.items() if len(records) > 1]:
        told = "; ".join(
            f"record {wanted[key]} of the input: {', '.join(record['record_id'] for record in found[key][:_SHOWN])}"
            for key in twins[:_SHOWN]
        )
        raise DuplicateKey(f"{len(twins)} keys stand in several records ({told}); delete or change all but one of each")
    return {key: record for key, (record,) in found.items()}


def _carry_out(table: RecordTable, plan: UpsertPlan, bodies: Sequence[Cells], known: Mapping[int, str]) -> Upserted:
    ids = dict(known)
    table.update_encoded([(ids[at], bodies[at]) for at in plan.updates])
    ids |= zip(plan.creates, table.create_encoded([bodies[at] for at in plan.creates]), strict=True)
    counts = (len(plan.creates), len(plan.updates), len(plan.unchanged))
    return Upserted(*counts, [ids[at] for at in range(len(bodies))])


def _check_new(keys: _Keys, made: Mapping[str, KeyText]) -> None:
    """Look whether the records that were made are there.

    Lark carries a token out once: a task that is cleared after people have deleted its records, or changed their keys,
    sends the creates of its first try.
    """
    # of each batch the first: a call was carried out before as a whole, or not at all
    firsts = dict(list(islice(made.items(), 0, None, keys.table.batch_size))[:BATCH_GET_MAX])
    fates = keys.table.table.look_up(list(firsts))
    found = {record["record_id"]: key for key, record in keys.of_records(fates.shown)}
    if any(found.get(id_) != key for id_, key in firsts.items() if id_ not in fates.hidden):
        raise keys.table.table.replay_error()


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _same(held: Any, wanted: Any) -> bool:
    # an untouched checkbox is absent and means false
    if _is_empty(held) or held is False:
        return _is_empty(wanted) or wanted is False
    return _comparable(held) == _comparable(wanted) if held is not _UNREADABLE else False


def _comparable(value: Any) -> Any:
    # 1 and 1.0 are one number, 0.0 and -0.0 too, and the order of links, persons and options says nothing
    if isinstance(value, bool) or not isinstance(value, int | float | list):
        return value
    return sorted(value, key=_compact) if isinstance(value, list) else float(value) + 0.0


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
