"""A bundle of records on its way into SQL, and its outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Side
from airflow_provider_lark.core.sync.decide import PullDecision
from airflow_provider_lark.core.sync.pull.row_states import Duplicate, RowState
from airflow_provider_lark.core.sync.report import Writes
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.grounds import Grounds


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person decided about a row.

    :param seen: the fingerprint of what they saw, without which the decision does not count; None: whatever it is now.
    :param note: who decided, for the log; empty where nobody says.
    """

    winner: Side
    seen: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Records on their way into SQL.

    :param gone: records that are known to be deleted.
    :param resolutions: what people decided, by key.
    :param claims: the queue entries that asked for these records, by key or record id.
    :param compare_all: also look at the SQL rows of records that are as the base says (a complete scan).
    :param room: how many rows may be deleted in SQL; with more, those deletes are held. None: as many as there are.
    :param floor_ms: records no newer than this were met before; those that could not be ingested then are left to
        the queue.
    :param lost: columns, by record, whose links Lark has emptied because what they led to is gone.
    """

    rows: Sequence[LarkRow]
    gone: Collection[RecordId] = ()
    resolutions: Mapping[Key, Resolution] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    compare_all: bool = False
    floor_ms: int | None = None
    room: int | None = None
    lost: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What became of a bundle.

    :param changed: ids of records that were no echo: new ones, or other than the base.
    :param edited: those of them that Lark calls changed since they were last met, with its time; not those whose
        formulas came out otherwise.
    :param arrived: those of the edited that SQL holds now; not those that wait for a decision or are left alone.
    :param deleted: ids of records of a pair that are gone.
    :param keys_found: keys of which the SQL row exists.
    :param unpaired: records that belong to no pair afterwards.
    :param refused: records that could not be ingested, now or before.
    :param failed: what could not be ingested now, and why, by the name of its dead letter.
    :param referred: keys of rows that are held for the sake of rows that refer to them, and why.
    :param landed: keys and ids of the records that were ingested.
    :param held: keys of rows whose delete the guard against mass deletes holds back.
    :param leaving: records that have left the filter, whose rows wait until the whole table was read.
    :param joined: how many records that only held their keys before form a pair now.
    :param left: names of rows that are left to another run, and ids of such records.
    :param awaited: ids of records that runs before had left alone.
    :param duplicates: records that carry the key of another one; whether that one still exists, Lark has to say.
    """

    changed: set[str] = field(default_factory=set)
    edited: dict[str, int | None] = field(default_factory=dict)
    arrived: dict[str, int | None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    keys_found: set[str] = field(default_factory=set)
    unpaired: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    leaving: set[RecordId] = field(default_factory=set)
    joined: int = 0
    duplicates: list[Duplicate] = field(default_factory=list)
    writes: Writes = field(default_factory=Writes)
    rewritten: int = 0
    conflicts: int = 0
    skipped: int = 0
    warnings: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    referred: dict[Key, str] = field(default_factory=dict)
    landed: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)

    def add(self, other: Outcome) -> None:
        """Add what became of a part that came later."""
        self.changed |= other.changed
        self.edited |= other.edited
        self.arrived |= other.arrived
        self.deleted |= other.deleted
        self.keys_found |= other.keys_found
        self.unpaired |= other.unpaired
        self.refused |= other.refused
        self.held |= other.held
        self.left |= other.left
        self.leaving |= other.leaving
        self.joined += other.joined
        self.duplicates += other.duplicates
        self.writes.created += other.writes.created
        self.writes.updated += other.writes.updated
        self.writes.deleted += other.writes.deleted
        self.rewritten += other.rewritten
        self.conflicts += other.conflicts
        self.skipped += other.skipped
        self.warnings += other.warnings
        self.failed |= other.failed
        self.referred |= other.referred
        self.landed |= other.landed
        self.awaited |= other.awaited


@dataclass(slots=True)
class Step:
    """The state of one row with its decision, and the SQL change that follows.

    :param incomplete: the database wrote more than Lark holds, which Lark has yet to learn.
    :param rewritten: columns that do not hold what was written: the database changed it.
    :param resolution: what a person decided.
    """

    state: RowState
    decision: PullDecision
    change: SqlChange | None
    incomplete: bool = False
    rewritten: tuple[str, ...] = ()
    resolution: Resolution | None = None

    @property
    def leaves_unpaired(self) -> bool:
        """Whether the record belongs to no pair from now on, and was not known for that before."""
        if self.decision.pair == "reserve":
            return self.state.reserved is None
        return self.state.pair is None and self.decision.pair == "keep"

    @property
    def joins(self) -> bool:
        """Whether the record only held its key before, and forms a pair now."""
        return self.state.reserved is not None and self.decision.pair == "save"

    @property
    def key(self) -> Key | None:
        """The row's key; of a new row, the one that the database made."""
        return self.state.key if self.change is None else self.change.key

    @property
    def grounds(self) -> Grounds:
        """What was decided on, and what follows."""
        state, decision = self.state, self.decision
        is_kept = decision.pair in ("keep", "save")
        return Grounds(
            side="sql",
            key=state.key,
            record_id=state.record_id,
            seen=(
                state.base,
                None if state.lark is None else state.lark.values,
                None if state.sql is None else state.sql.values,
            ),
            outcome=(
                decision.sql,
                decision.pair,
                decision.outcome or "",
                *(name for name in ("owes_lark", "conflict", "rests") if getattr(decision, name)),
            ),
            values=decision.values,
            acts=self.change is not None or decision.owes_lark or decision.conflict or not is_kept,
        )
