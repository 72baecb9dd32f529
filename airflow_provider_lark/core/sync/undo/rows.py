"""SQL's part of an undo, in one transaction with pairs, log and history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.history.changes import UNDO, ChangeKind, RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId, Values
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.decide import Present
from airflow_provider_lark.core.sync.undo.look import live_pair_of
from airflow_provider_lark.core.sync.undo.steps import Left, Step


@dataclass(slots=True)
class RowWrites:
    """What was done in SQL.

    :param pairs: those that were changed, by key.
    """

    created: int = 0
    updated: int = 0
    deleted: int = 0
    left: list[Left] = field(default_factory=list)
    pairs: dict[Key, Pair] = field(default_factory=dict)


def write_rows(
    tx: Transaction, run: Run, run_id: str, steps: Sequence[Step], present: Mapping[Key, Present]
) -> RowWrites:
    """Write SQL's part of *steps*; a row that the database refuses is left."""
    found = RowWrites()
    made = [(step, change) for step in steps if (change := _change_for(run, step)) is not None]
    # a record that is about to go leaves its row behind
    parting = [step for step in steps if step.side == "lark" and step.kind == "delete"]
    ids = [change for step in parting if (change := _without_record_id(run, step)) is not None]
    tx.apply([*(change for _, change in made), *ids])
    done: list[tuple[Step, SqlChange]] = []
    for step, change in made:
        if change.error is None:
            done.append((step, change))
        else:
            found.left.append(Left(step.side, step.key, step.record_id, "", str(change.error)))
    taken = [step for step in steps if step.side == "lark" and step.kind == "update"]
    emptied = {(step.key, each.column) for step in taken for each in step.changes}
    _save_pairs(tx, run, done, present, found, emptied)
    tx.pairs.tombstone([step.key for step in parting])
    _count(done, found)
    if found.deleted:
        _expect_more(tx, sum(step.kind == "delete" for step, _ in done))
    tx.log([LogLine(step.key, "to_sql", _kind(step), "applied", f"undo of run {run_id}") for step, _ in done])
    tx.note_changes([_told(step, change, present[step.key]) for step, change in done])
    return found


def _change_for(run: Run, step: Step) -> SqlChange | None:
    deletes, record_id = run.binding.mapping.deletes, step.record_id
    if step.side == "sql" and step.kind == "update":
        return SqlChange("patch", step.key, {each.column: each.new for each in step.changes}, record_id)
    if step.side == "sql" and step.kind == "delete":
        if deletes.mode == "soft":
            return SqlChange("patch", step.key, {deletes.column: run.soft_mark()}, record_id)
        return SqlChange("delete", step.key, {}, record_id)
    if step.kind == "restore" and step.sql == "unmark":
        return SqlChange("patch", step.key, {deletes.column: None}, record_id)
    if step.kind == "restore" and step.sql == "insert":
        return SqlChange("insert", step.key, _insertable(run, step.held), record_id)
    return None


def _insertable(run: Run, values: Values) -> dict[str, Canonical]:
    """Leave out what the database computes, and what it fills in by itself."""
    table = run.binding.spec.table
    return {
        name: value
        for name, value in values.items()
        if table.c[name].computed is None and not (value is None and run.binding.fills_in(name))
    }


def _without_record_id(run: Run, step: Step) -> SqlChange | None:
    column = run.binding.mapping.record_id_column
    return None if column is None else SqlChange("patch", step.key, {column: None}, step.record_id)


def _save_pairs(
    tx: Transaction,
    run: Run,
    done: Sequence[tuple[Step, SqlChange]],
    present: Mapping[Key, Present],
    found: RowWrites,
    emptied: Collection[tuple[Key, str]],
) -> None:
    ended: list[Step] = []
    for step, change in done:
        if step.kind == "update":
            found.pairs[step.key] = _apart(live_pair_of(present[step.key]), step, change)
        elif step.kind == "delete":
            ended.append(step)
        elif step.lark is None:
            record_id = RecordId(step.record_id)
            found.pairs[step.key] = Pair(step.key, record_id, None, tombstone=True)
    tx.pairs.save(list(found.pairs.values()))
    # the record stays in Lark, and no run makes a row of it again
    tx.pairs.tombstone([step.key for step in ended])
    # SQLite gives the key of a deleted row to the next one, which is another: no record may stand for both
    tx.pairs.save([_without_key(step) for step in ended if not _names_key(run, step, present[step.key], emptied)])


def _without_key(step: Step) -> Pair:
    return Pair(Key(step.record_id), RecordId(step.record_id), None, tombstone=True)


def _names_key(run: Run, step: Step, now: Present, emptied: Collection[tuple[Key, str]]) -> bool:
    """Tell whether the record goes on naming the key of a row that goes.

    :param emptied: the cells, by key and column, that the run wrote and that are taken back.
    """
    row, record = ({} if side is None else side.values for side in (now.row, now.record))
    columns = run.binding.rules.key_columns
    return all(record.get(name) == row.get(name) and (step.key, name) not in emptied for name in columns)


def _apart(pair: Pair, step: Step, change: SqlChange) -> Pair:
    """Return the pair that lets both sides differ in what was taken back."""
    holds = {} if change.row is None else change.row.values
    columns = {each.column for each in step.changes}
    base = pair.base or {}
    near = {name: value for name, value in (pair.near or {}).items() if name not in columns}
    # as the database has it: a trigger may have made something else of it
    near |= {name: holds[name] for name in columns if name in holds and holds[name] != base.get(name)}
    return replace(pair, near=near or None)


def _expect_more(tx: Transaction, count: int) -> None:
    """Note that Lark holds so many records more than there are pairs, or the next run would look for deletes."""
    state = tx.checkpoint.load()
    if state is not None:
        tx.checkpoint.save(replace(state, total_offset=state.total_offset + count))


def _count(done: Sequence[tuple[Step, SqlChange]], found: RowWrites) -> None:
    for step, change in done:
        if step.kind == "delete":
            found.deleted += 1
        elif change.kind == "insert":
            found.created += 1
        else:
            found.updated += 1


def _kind(step: Step) -> ChangeKind:
    if step.kind == "delete":
        return "DELETE"
    return "INSERT" if step.kind == "restore" else "UPDATE"


def _told(step: Step, change: SqlChange, now: Present) -> RowChange:
    pair, names = now.live_pair, list(change.values) if change.kind == "patch" else None
    return RowChange(
        step.key,
        step.record_id,
        "sql",
        _kind(step),
        base=_only(None if pair is None else pair.base, names),
        lark=_only(None if now.record is None else now.record.values, names),
        sql=_only(None if now.row is None else now.row.values, names),
        new=_only(None if change.row is None else change.row.values, names),
        policy=UNDO,
    )


def _only(values: Values | None, names: Sequence[str] | None) -> Values | None:
    if values is None or names is None:
        return values
    return {name: values[name] for name in names if name in values}
