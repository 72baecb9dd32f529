"""What people decided about conflicts and held deletes, until a run has carried it out; each is bound to what they saw.

A conflict is decided in ``sync_conflict.outcome`` too, and on a card in a chat; this is the commands' way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, now_plus
from airflow_provider_lark.core.database.driver_values import storable
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.ledger.parts import LedgerPart
from airflow_provider_lark.core.ledger.tables import decision

NAME_LENGTH = 250

DecisionKind = Literal["conflict", "held_records", "held_rows"]
"""An open conflict; records of Lark whose rows were deleted in SQL; rows of SQL whose records are gone in Lark."""
DecisionChoice = Literal["lark", "sql", "release", "keep"]
"""Of a conflict the side that wins; of held deletes whether they are carried out, or undone on the other side."""


class Decision(NamedTuple):
    """What somebody decided.

    :param key: of the conflict's row; empty for held deletes, which are decided together.
    :param seen: the fingerprint of what they saw.
    :param by: who.
    """

    id: int
    kind: DecisionKind
    key: str
    seen: str
    choice: DecisionChoice
    by: str


class Decisions(LedgerPart):
    """The decisions about one table."""

    def decide(self, kind: DecisionKind, key: str, *, seen: str, choice: DecisionChoice, by: str) -> None:
        """Keep a decision until a run has carried it out, in place of one about the same that none has."""
        same = (decision.c.kind == kind, decision.c.key == key)
        self.conn.execute(update(decision).where(*self._open(), *same).values(status="replaced", closed_at=Now()))
        values = {
            "kind": kind,
            "key": key,
            "seen": seen,
            "choice": choice,
            "decided_by": storable(self.conn, by[:NAME_LENGTH]),
        }
        self.conn.execute(insert(decision).values(table_name=self.table_name, **values))

    def open(self) -> list[Decision]:
        """Return those that no run has carried out, the oldest first."""
        return self._read(*self._open())

    def open_of(self, kind: DecisionKind, keys: Sequence[str]) -> list[Decision]:
        """Return those of one kind about *keys* that no run has carried out, the oldest first."""
        mine = (*self._open(), decision.c.kind == kind)
        return [each for some in split(keys) for each in self._read(*mine, is_among(decision.c.key, some))]

    def close(self, fates: Mapping[int, str]) -> None:
        """Note what became of decisions, by id."""
        for id_, fate in fates.items():
            mine = (decision.c.id == id_, decision.c.table_name == self.table_name)
            self.conn.execute(update(decision).where(*mine).values(status=fate, closed_at=Now()))

    def _read(self, *conditions: ColumnElement[bool]) -> list[Decision]:
        found = self.conn.execute(select(decision).where(*conditions).order_by(decision.c.id))
        return [Decision(row.id, row.kind, row.key, row.seen, row.choice, row.decided_by) for row in found]

    def _open(self) -> tuple[ColumnElement[bool], ...]:
        return decision.c.table_name == self.table_name, decision.c.status == "open"


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete decisions that were closed so long ago, of every table; return how many."""
    old = (decision.c.status != "open", decision.c.closed_at <= now_plus(-older_than_seconds))
    return conn.execute(delete(decision).where(*old)).rowcount
