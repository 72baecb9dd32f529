"""The report of a run: counts, calls and problems, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal

from airflow_provider_lark.core.dry_run import fit, foretell
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.side import Key, Side

PROBLEMS_KEPT = 20

EXAMPLES = 3
"""How many rows a warning about many names with the reason of each."""

_UNTOLD = frozenset(
    {"arrived", "found_changed", "found_deleted", "not_shown", "referred", "rows", "settles_in_seconds", "would"}
)
_NOT_DELETED = {"lark": ("record", "Lark"), "sql": ("row", "SQL")}


@dataclass(slots=True)
class Writes:
    """Rows written to one side."""

    created: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        """All rows written."""
        return self.created + self.updated + self.deleted


@dataclass(slots=True)
class Report:
    """What every run tells.

    :param api_calls: requests sent to Lark by kind, and ``total``; retries count.
    :param problems: at most 20 texts, each naming what failed, on which row, and what to do; no cell content.
    :param warnings: what did not fail but wants a person's eye.
    :param time_zone: in which dates of the SQL table are taken.
    :param referred: by side the keys of what is not deleted for the sake of other rows, the first with the reason; not
        told.
    :param fallbacks: reads that v1 had to do because base/v3 could not; told only where there were any.
    """

    mapping: str
    operation: str
    status: Literal["ok", "partial", "held"] = "ok"
    seconds: float = 0.0
    api_calls: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    time_zone: str | None = None
    referred: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    fallbacks: int = 0

    def add_problem(self, text: str) -> None:
        """Keep *text* while there is room; the journal keeps them all."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(text)

    def warn_once(self, text: str) -> None:
        """Keep *text* among the warnings unless it is there: a transaction may be run again."""
        if text not in self.warnings:
            self.warnings.append(text)

    def warn_of_referred(self, side: Side, reasons: Mapping[Key, str]) -> None:
        """Keep one warning of all that is not deleted on *side* for the sake of rows that refer to it."""
        known = self.referred.setdefault(side, {})
        before = _not_deleted(side, known)
        for key, reason in reasons.items():
            known.setdefault(key, reason if len(known) < EXAMPLES else "")
        now = _not_deleted(side, known)
        if before in self.warnings:
            self.warnings[self.warnings.index(before)] = now
        elif known:
            self.warnings.append(now)

    def summary(self) -> str:
        """Return the counts in one line, for a log."""
        flat = {k: v for k, v in self.to_dict().items() if isinstance(v, (int, dict)) and v and k != "samples"}
        return ", ".join(f"{k} {v}" for k, v in flat.items())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe plain data, small enough for Airflow's database."""
        untold = _UNTOLD if self.fallbacks else _UNTOLD | {"fallbacks"}
        return fit({name: value for name, value in asdict(self).items() if name not in untold})


def _not_deleted(side: Side, known: Mapping[str, str]) -> str:
    noun, name = _NOT_DELETED[side]
    told = [f"{key!r}: {reason}" for key, reason in islice(known.items(), EXAMPLES)]
    more = [f"and {len(known) - len(told)} more"] if len(known) > len(told) else []
    return f"{counted(len(known), noun)} not deleted in {name}: {'; '.join([*told, *more])}"


@dataclass(slots=True)
class SetupReport(Report):
    """What ``setup`` found and made.

    :param fields: the pairs as bound: field, column, both types and the direction each flows.
    :param created: what setup made: the modification-time field, the triggers.
    """

    table_id: str = ""
    fields: list[dict[str, str]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SyncReport(Report):
    """What ``full`` and ``incremental`` did.

    :param rows_lark: records read from Lark.
    :param rows_sql: SQL rows read.
    :param rewritten: rows in which the database keeps other values than those of Lark that were written, which Lark
        then gets: a trigger trims, a type rounds.
    :param failed: rows that could not be synced; each stands in the queue or the journal with its reason.
    :param held: deletes that the guard against mass deletes holds back, of this run and of those before.
    :param skipped: rows left alone on purpose: blacklisted, or waiting for a person to resolve a conflict.
    :param found_changed: ids of records that were added or edited in Lark since they were last met, each with Lark's
        time of it in milliseconds, at most 10,000; not told. Likewise *found_deleted*.
    :param arrived: those of them that SQL holds now, each with Lark's time of it, at most 10,000; not told. What waits
        for a decision, or is left alone, is found by each run.
    :param not_shown: ids of records that events say were changed, with the time, and that Lark does not show so yet;
        not told.
    :param unsettled: records that were changed in Lark less than ``settle_seconds`` ago, and left to a later run; in
        *settles_in_seconds* the first of them may be taken, which is not told.
    :param near_misses: rows of which Lark made something else than was sent; both sides stay so until one changes.
    """

    rows_lark: int = 0
    rows_sql: int = 0
    to_sql: Writes = field(default_factory=Writes)
    to_lark: Writes = field(default_factory=Writes)
    rewritten: int = 0
    conflicts: int = 0
    skipped: int = 0
    held: int = 0
    failed: int = 0
    near_misses: int = 0
    unsettled: int = 0
    settles_in_seconds: float | None = field(default=None, repr=False)
    found_changed: dict[str, int | None] = field(default_factory=dict, repr=False)
    found_deleted: set[str] = field(default_factory=set, repr=False)
    arrived: dict[str, int | None] = field(default_factory=dict, repr=False)
    not_shown: dict[str, int] = field(default_factory=dict, repr=False)

    def forecast(self) -> str:
        """Return what a run would do, in one line, for a log."""
        sides = {"SQL": self.to_sql, "Lark": self.to_lark}
        writes = [f"in {side} it {foretell(asdict(done))}" for side, done in sides.items() if done.total]
        counts = {"conflicts": self.conflicts, "held": self.held, "failed": self.failed, "skipped": self.skipped}
        counts["unsettled"] = self.unsettled
        told = [f"{name} {count}" for name, count in counts.items() if count]
        return f"{', '.join([*writes, *told]) or 'nothing to write'}; {counted(self.api_calls.get('total', 0), 'call')}"

    @property
    def has_done_anything(self) -> bool:
        """Whether rows were written, failed, or need a person."""
        counts = (self.to_sql.total, self.to_lark.total, self.rewritten, self.conflicts, self.held, self.failed)
        return any(counts) or bool(self.problems or self.warnings)

    def add_left(self, count: int) -> None:
        """Note rows that were not sent, because too many of their batch were refused."""
        if count:
            self.warnings.append(
                f"{counted(count, 'row')} left for the next run: Lark rejected too many records of their batch"
            )

    def add_failure(self, id_: str, error: object) -> None:
        """Count a row that could not be synced, and keep its reason while there is room."""
        self.failed += 1
        self.add_problem(f"{id_}: {error}")

    def take_back_failure(self, problem: str) -> None:
        """Count a row no more that has been synced after all."""
        self.failed -= 1
        if problem in self.problems:
            self.problems.remove(problem)


@dataclass(slots=True)
class ApplyReport(SyncReport):
    """What a run of a stored plan did.

    :param planned: rows that the plan was to change.
    :param changed: those that were not found as planned, and were left to the next run.
    :param changed_keys: the first of them.
    """

    planned: int = 0
    changed: int = 0
    changed_keys: list[str] = field(default_factory=list)


@dataclass(slots=True)
class UndoReport(SyncReport):
    """What the undo of a run did.

    :param planned: what was to be taken back, row by row.
    :param not_done: values and rows that were left, by the plan or because they had changed since.
    :param left: the first of them, with the reasons; no cell content.
    """

    planned: int = 0
    not_done: int = 0
    left: list[str] = field(default_factory=list)

    def add_not_done(self, texts: list[str]) -> None:
        """Count what was left, and keep the reasons while there is room."""
        self.not_done += len(texts)
        self.left += texts[: PROBLEMS_KEPT - len(self.left)]


@dataclass(slots=True)
class CheckReport(Report):
    """What ``check`` compared.

    :param different: rows that both sides have, with other values; *only_sql* and *only_lark* those of one side.
    :param pending: rows that differ for a reason that is known, which is no drift; *waiting* counts them by reason.
    :param failed: rows among those that differ which have failed for good before.
    :param in_step: there is no drift; after a repair, none that is left.
    :param samples: up to 20 keys (or record ids) by kind of difference.
    :param rows: rows that differ, one by one; not told.
    :param would: what a repair would do, by side and kind, where it is only asked for that; not told.
    """

    rows_lark: int = 0
    rows_sql: int = 0
    equal: int = 0
    different: int = 0
    only_sql: int = 0
    only_lark: int = 0
    pending: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    in_step: bool = True
    samples: dict[str, list[str]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list, repr=False)
    would: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def differing(self) -> int:
        """How many rows differ now."""
        return self.different + self.only_sql + self.only_lark


@dataclass(slots=True)
class RepairReport(CheckReport):
    """What ``check`` compared, and what its repair did; the counts of differences are those that it found.

    :param repair: the side that is written to, or ``policy``.
    :param repaired: rows that are in step now.
    :param changed: rows that were changed since they were compared, and are left to the next run.
    :param changed_keys: the first of them.
    :param held: rows whose delete the limit for deletes holds back.
    :param left: rows that this repair leaves: what one side never had is not deleted, a value cannot be read.
    :param conflicts: rows that now wait for a person.
    """

    repair: str = "no"
    repaired: int = 0
    to_sql: Writes = field(default_factory=Writes)
    to_lark: Writes = field(default_factory=Writes)
    changed: int = 0
    changed_keys: list[str] = field(default_factory=list)
    held: int = 0
    left: int = 0
    conflicts: int = 0

    @property
    def differing(self) -> int:
        """How many rows differ now for no reason that is known."""
        found = self.different + self.only_sql + self.only_lark
        return found - self.repaired - self.changed - self.held - self.conflicts
