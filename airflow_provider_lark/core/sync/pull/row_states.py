"""The rows under decision: a record of Lark, its pair, its SQL row and what waits for it in the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_lark.core.errors import DuplicateKey, LarkError, RowError, RowRefused, ValueMismatch
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, SqlRow, Values
from airflow_provider_lark.core.sync.belonging import Standing
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


@dataclass(slots=True)
class RowState:
    """One row under decision.

    :param lark: None when the record is gone for certain.
    :param sql: the row as it stands, also when it is marked as deleted.
    :param reserved: the key that the record named when it could not be ingested; it may name another by now.
    :param waiting_ms: when SQL changed the row, by the database's clock, if the change still waits in the queue; 0
        where nobody can tell when that was.
    """

    record_id: RecordId
    lark: LarkRow | None
    pair: Pair | None
    key: Key | None
    sql: SqlRow | None = None
    waiting_ms: int | None = None
    reserved: Key | None = None

    @property
    def standing(self) -> Standing:
        """How both sides stand to the mapping's filters."""
        return Standing(
            lark_outside=self.lark is not None and self.lark.outside,
            sql_outside=self.sql is not None and self.sql.outside,
            rests=self.pair is not None and self.pair.outside,
        )

    @property
    def id(self) -> str:
        """The name of the row in queue, journal and messages: its key, or the record's id while it has none."""
        return self.key or self.record_id

    @property
    def near(self) -> Values | None:
        """What SQL was last known to hold where Lark held something else."""
        return None if self.pair is None or self.pair.tombstone else self.pair.near

    @property
    def base(self) -> Values | None:
        """What Lark was last known to hold; None when the rows do not form a live pair."""
        return None if self.pair is None or self.pair.tombstone else self.pair.base


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that cannot be ingested.

    :param key: the key that it has a right to; None where it names none, or another's.
    :param is_paired: the key is already paired with this record.
    :param reserved: the key that the record named when it could not be ingested before.
    """

    record_id: RecordId
    key: Key | None
    error: LarkError
    is_paired: bool = False
    reserved: Key | None = None

    @property
    def name(self) -> str:
        """The name of its dead letter."""
        return self.key or self.record_id


class Duplicate(NamedTuple):
    """A record that carries the key of another record's pair."""

    row: LarkRow
    key: Key
    owner: RecordId


class Gathered(NamedTuple):
    """Row states, and the records that cannot become one."""

    states: list[RowState]
    refused: list[Refusal]
    duplicates: list[Duplicate]


def gather(tx: Transaction, run: Run, rows: Iterable[LarkRow], gone: Iterable[RecordId]) -> Gathered:
    """Find pair, SQL row and queue entries of *rows* and of the records that are *gone*, in a handful of statements."""
    rows, gone = list(rows), list(gone)
    run.note_unread(rows)
    paired = tx.pairs.by_records([row.id for row in rows] + gone)
    found = Gathered([], [], [])
    loose: list[tuple[LarkRow, Key | None]] = []
    for row in rows:
        pair = paired.get(row.id)
        if pair is None or pair.is_reserved:
            _add_loose(run, row, loose, found)
        elif row.problems and not (row.outside and pair.outside):
            found.refused.append(Refusal(pair.record_id, pair.key, row.problems[0], is_paired=True))
        elif not row.problems:
            found.states.append(RowState(row.id, row, pair, pair.key))
    reserved = {id_: pair.key for id_, pair in paired.items() if pair.is_reserved}
    _match_by_key(tx, loose, gone, found, reserved)
    found.states.extend(
        RowState(record_id, None, paired[record_id], paired[record_id].key) for record_id in gone if record_id in paired
    )
    _read_sql(tx, run, found.states)
    return found


def _add_loose(run: Run, row: LarkRow, loose: list[tuple[LarkRow, Key | None]], found: Gathered) -> None:
    try:
        loose.append((row, key_of(run, row.values)))
    except RowError as error:
        if row.outside:
            # what is none of this mapping's need not fit it
            found.states.append(RowState(row.id, row, None, None))
        else:
            found.refused.append(Refusal(row.id, None, row.problems[0] if row.problems else error))


def _match_by_key(
    tx: Transaction,
    loose: list[tuple[LarkRow, Key | None]],
    gone: list[RecordId],
    found: Gathered,
    reserved: Mapping[RecordId, Key],
) -> None:
    """Match records without a pair to SQL rows by their key, one record a key."""
    known = tx.pairs.by_keys([key for _, key in loose if key is not None])
    taken: dict[Key, str] = {}
    # a record outside the filter makes way for one inside that has the same key
    for row, key in sorted(loose, key=lambda each: each[0].outside):
        owner = known.get(key) if key is not None else None
        record_id = row.id
        own = owner is not None and owner.record_id == record_id
        if owner is not None and owner.is_reserved and owner.outside and not row.outside:
            owner = None
        if row.outside and key is not None and (key in taken or not (own or owner is None)):
            found.states.append(RowState(record_id, row, None, None, reserved=reserved.get(record_id)))
        elif key is not None and owner is not None and not (own or owner.tombstone or owner.record_id in gone):
            found.duplicates.append(Duplicate(row, key, owner.record_id))
        elif key is not None and key in taken:
            error = duplicate_error(key, row.id, taken[key])
            found.refused.append(Refusal(record_id, None, error, reserved=reserved.get(record_id)))
        elif row.problems and not row.outside:
            found.refused.append(Refusal(record_id, key, row.problems[0], reserved=reserved.get(record_id)))
        else:
            found.states.append(RowState(record_id, row, None, key, reserved=reserved.get(record_id)))
        if key is not None:
            taken.setdefault(key, row.id)


def duplicate_error(key: Key, record_id: str, owner: str) -> DuplicateKey:
    """Return what a person reads about a record that carries another's key."""
    return DuplicateKey(
        f"record {record_id} has the key {key!r}, which already belongs to record {owner}; give one of them another "
        "key, or delete it in Lark"
    )


def explain(tx: Transaction, refused: Sequence[tuple[RowState, LarkError]]) -> list[LarkError]:
    """Return the errors of *refused*, clearer where the database takes the key of a new row for another's."""
    keys = [state.key for state, error in refused if _is_refused_insert(state, error) and state.key is not None]
    others = tx.sql.namesakes(keys) if keys else {}
    owners = tx.pairs.record_ids_of(sorted(set(others.values())))
    return [
        _namesake_error(state, others[state.key], owners.get(others[state.key]))
        if state.key in others and _is_refused_insert(state, error)
        else error
        for state, error in refused
    ]


def _is_refused_insert(state: RowState, error: LarkError) -> bool:
    return state.sql is None and isinstance(error, RowRefused)


def _namesake_error(state: RowState, other: Key, owner: RecordId | None) -> DuplicateKey:
    return DuplicateKey(
        f"record {state.record_id} has the key {state.key!r}, which the database treats as equal to the key {other!r} "
        f"of {f'record {owner}' if owner else 'another row'}; give one of them another key, or delete it in Lark"
    )


def _read_sql(tx: Transaction, run: Run, states: list[RowState]) -> None:
    keys = [state.key for state in states if state.key is not None]
    rows = tx.sql.read(keys, for_update=True)
    run.report.rows_sql += len(rows)
    waiting = tx.queue.changed_at(keys)
    for state in states:
        if state.key is not None:
            state.sql = rows.get(state.key)
            state.waiting_ms = waiting.get(state.key)


def key_of(run: Run, values: Values) -> Key | None:
    """Return the SQL key that a record's values name; None when its key fields are empty.

    :raises RowError: the key is empty in part, or is none that the key columns can hold.
    """
    columns = run.binding.rules.key_columns
    parts = [values.get(name) for name in columns]
    if all(part is None for part in parts):
        if not all(run.binding.fills_in(name) for name in columns):
            raise ValueMismatch(
                f"the key field is empty, and the database does not generate a value for {', '.join(columns)}; fill "
                "in the key in Lark"
            )
        return None
    if any(part is None for part in parts):
        raise ValueMismatch(f"only a part of the key ({', '.join(columns)}) is filled in; fill in all of it or none")
    return run.binding.key_codec.to_key(
        [run.binding.codecs[name].to_sql(part) for name, part in zip(columns, parts, strict=True)]
    )
