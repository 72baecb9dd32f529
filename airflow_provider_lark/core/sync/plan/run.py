"""A run that writes nothing: the same steps and decisions, over a copy of the ledger.

It is the run itself, so that what it foresees and what is done cannot drift apart: only where a run reads and writes,
a plan reads and notes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Key, RecordId, Values
from airflow_provider_lark.core.sql_side.foreseen_refusals import ForeseenRefusals
from airflow_provider_lark.core.sql_side.store import SqlStore
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.binding.links import LINK_TYPES
from airflow_provider_lark.core.sync.plan.actions import (
    Action,
    ActionSide,
    Change,
    differences,
    names_in,
    without_own_name,
)
from airflow_provider_lark.core.sync.plan.checks import Checks
from airflow_provider_lark.core.sync.plan.database import PlanDatabase
from airflow_provider_lark.core.sync.plan.made import StandIns, link_texts, with_stand_ins
from airflow_provider_lark.core.sync.plan.records import LarkWrite, PlannedTable
from airflow_provider_lark.core.sync.plan.rows import PlannedRows, RowPlanner
from airflow_provider_lark.core.sync.plan.sightings import sightings
from airflow_provider_lark.core.sync.pull.persist import WAITS
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.children import Child, Children, Reference
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import PutOff, Rows, Transaction

T = TypeVar("T")
P = ParamSpec("P")

UNSETTLED = "its record was changed in Lark less than settle_seconds ago; it is synced once nobody changes it any more"


class PlanTransaction(Transaction):
    """The ledger's copy, and the rows as they would be.

    :param rows: the session with the real database, which only reads.
    """

    def __init__(
        self,
        conn: Connection,
        rows: Connection,
        binding: Binding,
        checks: Checks,
        refusals: ForeseenRefusals,
        count: _Count,
    ) -> None:
        super().__init__(conn, binding, "plan")
        self._rows = rows
        self._checks = checks
        self._plan = checks.database
        self._refusals = refusals
        self._count = count

    @cached_property
    def sql(self) -> Rows:
        """The rows of SQL, with what would be written."""
        return self._planned_rows

    @cached_property
    def _planned_rows(self) -> PlannedRows:
        store = SqlStore(self._rows, self._binding.spec, self._binding.codecs)
        return PlannedRows(self.conn, store, self.pairs, self._binding.row_would_belong)

    @property
    def outside(self) -> Connection:
        """The session with the real database, which only reads."""
        return self._rows

    def change_children(self, child: Child, references: Sequence[Reference]) -> None:
        """Leave the rows of other tables as they are; which they are is told."""

    def enqueue_children(self, children: Children, child: Child, references: Sequence[Reference]) -> None:
        """Leave the queue of other tables as it is."""

    def admit(self, decided: Sequence[T], grounds: Callable[[T], Grounds]) -> Sequence[T]:
        """Note what the decisions rest on, and let all of them be carried out."""
        told = [ground for each in decided if (ground := grounds(each)).acts]
        made = self._planned_rows.made_among([ground.key for ground in told if ground.key])
        self._checks.note(self.conn, [_as_known(ground, made) for ground in told])
        return decided

    def apply(self, changes: Sequence[SqlChange]) -> None:
        """Note what would be written."""
        planner = RowPlanner(self._planned_rows, self._binding, self._refusals, self._count.next)
        self.note(planner.apply(changes))

    def advance(self, given: object) -> list[str]:
        """Leave the database's numbering alone."""
        return []

    def note_put_off(self, put_off: Sequence[PutOff]) -> None:
        """Note what a run would leave to a later one."""
        self.note([_waiting(each) for each in put_off])

    def note_unsettled(self, left: Sequence[tuple[RecordId, Key | None]]) -> None:
        """Note the records that a run would leave."""
        self.note([Action("sql", "wait", key or Key(id_), id_, why=UNSETTLED) for id_, key in left])

    def note_left(self, keys: Sequence[Key]) -> None:
        """Note the rows that a run would leave."""
        self.note([Action("lark", "wait", key, why=UNSETTLED) for key in keys])

    def note_changes(self, changes: object) -> None:
        """Keep nothing: what would be written is noted otherwise."""

    def log(self, lines: Sequence[LogLine]) -> None:
        """Note what is no write: who wins a conflict, and what cannot be synced."""
        noted = [action for line in lines if (action := _noted(line))]
        # a run may try a row more than once
        refused = {(each.side, each.key): each for each in reversed(noted) if each.kind == "refuse"}
        known = {
            (side, key)
            for side in {side for side, _ in refused}
            for key in self._plan.names_among(self.conn, [key for _, key in refused], side, ["refuse"])
        }
        self.note([each for each in noted if each.kind != "refuse"])
        self.note([each for name, each in reversed(refused.items()) if name not in known])

    def note(self, actions: Sequence[Action]) -> None:
        """Note *actions*, without the values that only stand for others."""
        links = [pair.column.name for pair in self._binding.pairs if pair.link is not None]
        names = {each.key for each in actions} | link_texts(actions, links)
        names |= {name for each in actions for name in names_in(each.why)}
        ids = {name for name in (self._binding.mapping.record_id_column,) if name}
        stand_ins = StandIns(self._planned_rows.made_among(names), links, ids)
        self._plan.add(self.conn, [stand_ins.hide(each) for each in actions], [each.key for each in actions])


def _as_known(ground: Grounds, made: Collection[str]) -> Grounds:
    """Return *ground* without the names that are the plan's own."""
    key = None if ground.key in made else ground.key
    return replace(ground, key=key, record_id="" if ground.record_id.startswith(NEW_RECORD) else ground.record_id)


def _waiting(each: PutOff) -> Action:
    new = {name: value for name, value in each.new.items() if name in each.missing}
    why = "; ".join(each.missing.values())
    return Action("lark", "wait", each.key, each.record_id, differences(each.old, new), why)


def _noted(line: LogLine) -> Action | None:
    if line.status == "conflict" and line.detail != WAITS:
        return Action("both", "conflict", line.key, why=line.detail or "")
    if line.status == "failed":
        side: ActionSide = "lark" if line.direction == "to_lark" else "sql"
        return Action(side, "refuse", line.key, why=without_own_name(line.detail or ""))
    return None


@dataclass(slots=True)
class _Count:
    number: int = 0

    def next(self) -> int:
        self.number += 1
        return self.number


@dataclass(slots=True)
class PlanRun(Run):
    """What a plan works with.

    :param checks: the decisions, in the plan's database, where it notes.
    :param rows: the session with the real database, which only reads.
    """

    checks: Checks = field(kw_only=True)
    rows: Connection = field(kw_only=True)
    _refusals: ForeseenRefusals = field(init=False)
    _table: PlannedTable = field(init=False)
    _count: _Count = field(init=False, default_factory=_Count)

    @property
    def plan(self) -> PlanDatabase:
        """Where it notes."""
        return self.checks.database

    def __post_init__(self) -> None:
        self.binding = with_stand_ins(self.binding)
        Run.__post_init__(self)
        # a plan keeps nobody from writing
        self.shares_base = False
        self._refusals = ForeseenRefusals(self.rows, self.binding.spec.table, self.binding.rules.to_sql)
        rules = self.binding.rules
        links = [pair.field.name for pair in self.binding.pairs if pair.field.type in LINK_TYPES]
        self.lark.table = self._table = PlannedTable(
            self.lark.table, self.plan, links, self._note, self._now_ms if rules.to_sql - rules.to_lark else None
        )

    def read(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* on the copy of the ledger."""
        return self.transact(work, *args, **kwargs)

    def transact(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* on the copy of the ledger; what it writes to SQL is noted."""
        try:
            with self.plan.write() as conn:
                return work(self._on(conn), *args, **kwargs)
        finally:
            # the next look sees what others have committed, as that of a run does
            self.rows.rollback()

    def _on(self, conn: Connection) -> PlanTransaction:
        return PlanTransaction(conn, self.rows, self.binding, self.checks, self._refusals, self._count)

    def _now_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def note(self, actions: Sequence[Action]) -> None:
        """Note *actions*, without the values that only stand for others."""
        with self.plan.write() as conn:
            self._on(conn).note(actions)

    def look_before_writing(self, records: Mapping[RecordId, Key]) -> Collection[RecordId]:
        """Ask Lark for the records, and note what they hold; all of them may be written to."""
        seen = sightings(self, records, self._table.look_ahead(list(records)))
        self.transact(lambda tx: tx.admit(seen, lambda each: each))
        return records

    def _note(self, conn: Connection, write: LarkWrite) -> None:
        """Note a write to Lark: the values that it sends, and those that stand there."""
        tx, bodies = self._on(conn), dict(write.cells)
        known = tx.pairs.by_records([RecordId(id_) for id_ in bodies])
        # the keys stand in the order of the records in what was noted before the create
        open_ = tx.intents.open("create") if write.kind == "create" else []
        new = [key for each in open_ if each.client_token == write.client_token for key in each.keys]
        keys = dict(zip(bodies, new, strict=False))
        keys |= {str(id_): pair.key for id_, pair in known.items()}
        cells = [WireRecord(record_id=id_, fields=self._table.as_shown(body)) for id_, body in bodies.items()]
        values = self._read_cells(tx, cells)
        old = self._read_cells(tx, write.shown)
        # a row that is there has left the mapping's filter
        there = tx.sql.read(list(keys.values())) if write.kind == "delete" and self.binding.spec.filter else ()
        actions = []
        for id_, body in bodies.items():
            columns = [each.column.name for each in self.binding.pairs if each.field.name in body]
            pair = known.get(RecordId(id_))
            # what cannot be read counts as what both sides last agreed on
            before = {**((pair.base if pair else None) or {}), **old.get(id_, {})}
            after = {name: values[id_].get(name) for name in columns}
            key = keys.get(id_, Key(id_))
            actions.append(_action(write.kind, key, id_, before, after, left=key in there))
        tx.note(actions)

    def _read_cells(self, tx: Transaction, records: Sequence[WireRecord]) -> dict[str, dict[str, Canonical]]:
        """Return canonical values by record and column; a link that leads nowhere yet is told by record id."""
        rows = [self.lark.decode(record) for record in records]
        keyed = self.links.to_keys(tx, rows)
        return {raw.id: {**raw.values, **row.values} for raw, row in zip(rows, keyed, strict=True)}


def _action(kind: str, key: Key, record_id: str, old: Values, new: Values, *, left: bool) -> Action:
    if kind == "create":
        changes = tuple(Change(name, None, value) for name, value in new.items() if value is not None)
        return Action("lark", "create", key, "", changes, "its row has no record")
    if kind == "delete":
        why = "its row left the filter" if left else "its row was deleted in SQL"
        return Action("lark", "delete", key, record_id, why=why)
    return Action("lark", "update", key, record_id, differences(old, new), "its row has different values")
