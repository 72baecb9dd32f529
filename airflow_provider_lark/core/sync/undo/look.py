"""Reading what stands now of rows that a run wrote: from Lark right away, from SQL in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, SqlRow, Values
from airflow_provider_lark.core.sync.pull.own_writes import is_by_another
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.decide import Names, Present
from airflow_provider_lark.core.sync.undo.written import Net, fold

PAGE = 200
"""Writes of a run that are looked at together; Lark gives 100 records a call."""


@dataclass(frozen=True, slots=True)
class Records:
    """What Lark says of records.

    :param hidden: why some are not to be seen.
    :param edited: ids of those that somebody else changed last.
    """

    shown: Sequence[LarkRow] = ()
    hidden: Mapping[RecordId, str] = field(default_factory=dict)
    edited: Collection[str] = ()


def names_of(run: Run) -> Names:
    """Return the columns that the engine writes for itself."""
    mapping = run.binding.mapping
    return Names(mapping.record_id_column or "", mapping.deletes.column if mapping.deletes.mode == "soft" else "")


def read_written(run: Run, run_id: str, keys: Sequence[Key]) -> dict[Key, list[Net]]:
    """Return what a run made of the rows of *keys*."""
    found = run.read(lambda tx: tx.changes.since_run(run_id, keys))
    return {key: nets for key, changes in found.items() if (nets := fold(changes, run_id))}


def read_records(run: Run, written: Mapping[Key, Sequence[Net]]) -> Records:
    """Ask Lark for the records of rows; 100 a call."""
    ids = list(dict.fromkeys(net.record_id for nets in written.values() for net in nets if net.record_id))
    if not ids:
        return Records()
    # who changed a record matters where it is to be deleted
    asks = any(net.side == "lark" and net.kind == "created" for nets in written.values() for net in nets)
    fates = run.lark.table.look_up(ids, automatic_fields=asks)
    edited = {record["record_id"] for record in fates.shown if asks and is_by_another(run, record)}
    return Records([run.lark.decode(record) for record in fates.shown], fates.hidden, edited)


def read_present(
    tx: Transaction, run: Run, written: Mapping[Key, Sequence[Net]], records: Records, *, for_update: bool = False
) -> dict[Key, Present]:
    """Return what stands now of each row.

    :param for_update: lock the rows, to write to them.
    """
    keys = list(written)
    rows = tx.sql.read(keys, for_update=for_update)
    shown = {row.id: row for row in run.links.to_keys(tx, records.shown)}
    pairs, blacklisted, disputed = tx.pairs.by_keys(keys), tx.blacklist.among(keys), tx.conflicts.open_keys(keys)
    unlinked, lasting = _unlinked(tx, run, written), _lasting(tx, run, written)
    found = {}
    for key, nets in written.items():
        id_ = RecordId(nets[0].record_id)
        row, record = rows.get(key), shown.get(id_)
        blocked = "it is on the blacklist" if key in blacklisted else ""
        blocked = blocked or ("both sides changed it, and the conflict is open" if key in disputed else "")
        found[key] = Present(
            pair=pairs.get(key),
            row=row,
            record=record,
            is_marked=row is not None and run.is_deleted(row),
            hidden=records.hidden.get(id_, ""),
            is_edited=id_ in records.edited,
            blocked=blocked or _outside(pairs.get(key), row, record) or _unreadable(row, record),
            unlinked=unlinked[key],
            lasting=lasting,
        )
    return found


def _outside(pair: Pair | None, row: SqlRow | None, record: LarkRow | None) -> str:
    is_outside = any(each is not None and each.outside for each in (pair, row, record))
    return "it is outside the mapping's filter" if is_outside else ""


def _unreadable(row: SqlRow | None, record: LarkRow | None) -> str:
    problems = [*(row.problems if row is not None else ()), *(record.problems if record is not None else ())]
    return f"it cannot be read: {problems[0]}" if problems else ""


def _unlinked(tx: Transaction, run: Run, written: Mapping[Key, Sequence[Net]]) -> dict[Key, Mapping[str, str]]:
    """Return by column which values name rows that have no record."""
    told: list[Values] = [{name: v for net in nets for name, v in net.before.items()} for nets in written.values()]
    sendables = run.links.to_records(tx, told)
    return {key: sendable.missing for key, sendable in zip(written, sendables, strict=True)}


def _lasting(tx: Transaction, run: Run, written: Mapping[Key, Sequence[Net]]) -> tuple[str, ...]:
    """Return what a delete of these rows did to rows that referred to them, which no undo takes back with them."""
    if not any(net.kind == "deleted" for nets in written.values() for net in nets):
        return ()
    return tuple(child.lasting for child in run.children.of(tx.outside) if child.lasting)


def live_pair_of(now: Present) -> Pair:
    """Return the pair of a row in step."""
    pair = now.live_pair
    if pair is None:
        raise AssertionError("only what is paired is taken back")
    return pair
