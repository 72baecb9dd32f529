"""What people decided about a mapping's rows where the sync does not look by itself, and what became of it.

A verdict is bound to what the person saw. Where that has changed since, nothing is done, and they are asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["conflict", "held_records", "held_rows"]
"""An open conflict; records of Lark whose rows were deleted in SQL; rows of SQL whose records are gone in Lark."""
Choice = Literal["lark", "sql", "release", "keep"]
"""Of a conflict the side that wins; of held deletes whether they are carried out, or undone on the other side."""
Fate = Literal["applied", "changed", "settled", "waiting"]
"""Carried out; not, as it is no longer what the person saw; nothing was left to decide; refused for now, tried again
by the next run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody decided.

    :param id: names it, in the log and in the queue.
    :param key: of the conflict's row; empty for held deletes, which are decided together.
    :param seen: the fingerprint of what they saw: :attr:`.Conflict.fingerprint`, :meth:`.HeldDeletes.fingerprint`.
    :param by: who, for the log.
    :param after: what others had decided before, for the log; empty where nobody had.
    :param origin: where it stands: in a question on a card, or in ``sync_decision``.
    """

    id: str
    kind: Kind
    key: str
    seen: str
    choice: Choice
    by: str
    after: str = ""
    origin: Literal["question", "decision"] = "question"


@dataclass(slots=True)
class Verdicts:
    """The verdicts that a run carries out.

    :param take_up: tells more of them when the run can carry them out: until then, people may take them back.
    :param conflicts_told: so many open conflicts are to be told after the run; None: nothing is.
    :param hidden: columns whose values are not told.
    :ivar begun: those that may have been carried out, at least in part, by id.
    :ivar fates: what became of each, by id; a run that ended early knows only of some.
    :ivar left: what waits for people after the run; None where it ended early.
    """

    given: Sequence[Verdict] = ()
    take_up: Callable[[], Sequence[Verdict]] | None = None
    conflicts_told: int | None = None
    hidden: frozenset[str] = frozenset()
    begun: set[str] = field(default_factory=set)
    fates: dict[str, Fate] = field(default_factory=dict)
    left: OpenDecisions | None = None

    def take(self) -> None:
        """Take up those that were decided until now; the run has the lease on its tables."""
        if self.take_up is not None:
            self.given, self.take_up = (*self.given, *self.take_up()), None

    @property
    def untouched(self) -> list[str]:
        """The ids of those that the run has not carried out, not even in part."""
        return [
            each.id
            for each in self.given
            if self.fates.get(each.id) == "waiting" or (each.id not in self.fates and each.id not in self.begun)
        ]

    def of(self, *kinds: Kind) -> list[Verdict]:
        """Return those of *kinds* of which nothing is known yet."""
        return [each for each in self.given if each.kind in kinds and each.id not in self.fates]


@dataclass(frozen=True, slots=True)
class Difference:
    """A column in which the sides differ, as people read it; None: empty, or not to be shown."""

    column: str
    lark: str | None
    sql: str | None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A conflict that waits for a person.

    :param seen: its fingerprint.
    :param gone: the side on which the row was deleted.
    :param differences: empty where the row was deleted on one side.
    """

    key: str
    seen: str
    gone: Literal["lark", "sql"] | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """The deletes that are held on one side.

    :param keys: some of them.
    """

    kind: Kind
    seen: str
    count: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenDecisions:
    """What of a mapping waits for people after a run.

    :param conflicts: the oldest ones.
    :param conflict_count: how many there are in all.
    :param failed: rows that could not be synced and are not tried again by themselves.
    :param failed_rows: what the log says of some of them.
    :param written: how many rows the run wrote to Lark, and to SQL.
    """

    conflicts: tuple[OpenConflict, ...] = ()
    conflict_count: int = 0
    held: tuple[HeldGroup, ...] = ()
    failed: int = 0
    failed_rows: tuple[str, ...] = ()
    written: tuple[int, int] = (0, 0)
