"""Updating the records that carry a key and creating the others: find, decide, write.

Finding costs either one filtered search per 50 conditions or one page per 500 records; whichever is fewer is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_lark.core.api.wire.limits import (
    BATCH_GET_MAX,
)
from airflow_provider_lark.core.api.wire.results import RecordPage, WireRecord
from airflow_provider_lark.core.errors import (
    ConfigError,
    DuplicateKey,
    SchemaMismatch,
    ValueMismatch,
)
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.schema import FieldType, find_field
from airflow_provider_lark.core.lark_side.cell_reader import CellReader
from airflow_provider_lark.core.lark_side.key_filters import build_key_filters
from airflow_provider_lark.core.lark_side.key_finder import Lookup, find_candidates
from airflow_provider_lark.core.lark_side.record_table import RecordTable, Search

KeyText = str
Cells = Mapping[str, Any]
"""Wire values by field name."""

FieldValues = Mapping[str, Canonical]
"""Canonical values by field name."""

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
    reader = CellReader([each for each in table.fields if each.name in names])
    held = {key: reader.read(record["fields"]) for key, record in existing.items()}
    plan = plan_upsert(list(wanted), [_understood(reader, body) for body in bodies], held)
    done = _carry_out(table, plan, bodies, {wanted[key]: record["record_id"] for key, record in existing.items()})
    _check_new(keys, {done.record_ids[at]: key for key, at in wanted.items() if key not in existing})
    return done


def plan_upsert(
    keys: Sequence[KeyText], rows: Sequence[FieldValues | None], existing: Mapping[KeyText, FieldValues]
) -> UpsertPlan:
    """Decide for each row: create, update, or leave alone.

    :param keys: of the rows, in order.
    :param rows: the values of the rows, of the fields that each names; None for one that is not understood.
    :param existing: the values of the records found, by key, without those that are not understood.
    """
    plan = UpsertPlan()
    for at, (key, row) in enumerate(zip(keys, rows, strict=True)):
        held = existing.get(key)
        if held is None:
            plan.creates.append(at)
        elif row is not None and all(name in held and held[name] == value for name, value in row.items()):
            plan.unchanged.append(at)
        else:
            plan.updates.append(at)
    return plan


def _understood(reader: CellReader, body: Cells) -> FieldValues | None:
    values = reader.read(body, body)
    return values if len(values) == len(body) else None


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
    """The keys of rows and records: the values of their key fields as text."""

    def __init__(self, table: RecordTable, key_fields: Sequence[str] | str) -> None:
        if not key_fields:
            raise ConfigError("key_fields: list the fields whose values together identify a record")
        names = [key_fields] if isinstance(key_fields, str) else dict.fromkeys(key_fields)
        self.table = table
        self.fields = [find_field(name, table.fields, where="key_fields") for name in names]
        for each in self.fields:
            if each.is_read_only or each.type == FieldType.ATTACHMENT:
                raise SchemaMismatch(
                    f"key_fields: {each.describe()} cannot be a key; use fields that are written by this task"
                )
        self._reader = CellReader(self.fields)

    def of_rows(self, bodies: Sequence[Cells]) -> dict[KeyText, int]:
        """Return the index of the row of each key, in order."""
        rows: dict[KeyText, list[int]] = {}
        for at, body in enumerate(bodies):
            rows.setdefault(self._of_row(at, body), []).append(at)
        if twins := [at for at in rows.values() if len(at) > 1]:
            told = "; ".join(f"records {' and '.join(map(str, at[:_SHOWN]))}" for at in twins[:_SHOWN])
            raise DuplicateKey(
                f"keys that occur in several records of the input ({len(twins)}): {told}; each key may occur once"
            )
        return {key: at for key, (at,) in rows.items()}

    def of_records(self, records: Sequence[WireRecord]) -> Iterator[tuple[KeyText, WireRecord]]:
        """Yield the records that have a key."""
        for record in records:
            key = self._reader.read_key(record["fields"])
            if key is not None:
                yield key, record

    def _of_row(self, at: int, body: Cells) -> KeyText:
        key = self._reader.read_key(body)
        if key is None:
            empty = next((each for each in self.fields if body.get(each.name) in (None, "", [])), self.fields[0])
            raise ValueMismatch(
                f"record {at}: key field {empty.describe()} is missing or empty; each record needs its key"
            )
        return key


def _only_one(found: Mapping[KeyText, list[WireRecord]], wanted: Mapping[KeyText, int]) -> dict[KeyText, WireRecord]:
    if twins := [key for key, records in found.items() if len(records) > 1]:
        told = "; ".join(
            f"record {wanted[key]} of the input: {', '.join(record['record_id'] for record in found[key][:_SHOWN])}"
            for key in twins[:_SHOWN]
        )
        raise DuplicateKey(
            f"keys that occur in several records ({len(twins)}: {told}); delete or change all but one of each"
        )
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
