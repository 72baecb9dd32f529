"""Pure: whether a row is in step, and if not, why not and what becomes of it next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.parts import HELD, PULL
from airflow_provider_lark.core.ledger.queue import Waiting
from airflow_provider_lark.core.side import LarkRow, SqlRow, Values
from airflow_provider_lark.core.sync.explain.known import Known

StateWord = Literal[
    "in step",
    "kept apart",
    "outside",
    "blacklisted",
    "conflict",
    "held",
    "failed",
    "waiting",
    "different",
    "hidden",
    "deleted",
]
"""``kept apart``: the two differ, both know it, and no run writes until one of them changes."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What the two sides hold now.

    :param lark: None where no record is to be read; then *hidden* says why it is not to be seen, or it is gone.
    :param sql: None where there is no row; *is_deleted* where it is marked as deleted.
    """

    lark: LarkRow | None
    sql: SqlRow | None
    is_deleted: bool = False
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class ValueNow:
    """One column now; *note* says which side is other than agreed."""

    column: str
    base: Canonical
    lark: Canonical
    sql: Canonical
    note: str


@dataclass(frozen=True, slots=True)
class State:
    """How a row is, with all the reasons."""

    word: StateWord
    why: tuple[str, ...]
    values: tuple[ValueNow, ...]


def judge(known: Known, sides: Sides, columns: Sequence[str], mapping_name: str) -> State:
    """Return how a row is.

    :param columns: those that are compared, and the key's.
    """
    values = tuple(_values_now(known, sides, columns))
    found = [*_held_up(known, mapping_name), *_as_they_are(known, sides, values)]
    word, _ = found[0]
    return State(word, tuple(why for _, why in found), values)


def _held_up(known: Known, mapping_name: str) -> list[tuple[StateWord, str]]:
    """Return what keeps the next run from syncing the row, or lets it do so."""
    found: list[tuple[StateWord, str]] = []
    if known.listed is not None:
        until = "" if known.listed.left_seconds is None else f" for another {_span(known.listed.left_seconds)}"
        reason = f" ({known.listed.reason})" if known.listed.reason else ""
        found.append(("blacklisted", f"on the blacklist{reason}: runs leave it alone{until}"))
    if known.conflict is not None:
        found.append(("conflict", _conflict(known, mapping_name)))
    found += [_entry(each) for each in known.waiting]
    if known.unsettled:
        why = "its record had been changed in Lark just before the last run, which left both sides alone"
        found.append(("waiting", f"{why}; a run after settle_seconds without a change takes it"))
    if known.in_doubt:
        found.append(("waiting", "a write to its record got no answer; the next run looks what became of it"))
    order: tuple[StateWord, ...] = ("blacklisted", "conflict", "held", "failed", "waiting")
    return sorted(found, key=lambda each: order.index(each[0]))


def _conflict(known: Known, mapping_name: str) -> str:
    conflict, decision = known.conflict, known.decision
    if conflict is None:
        return ""
    text = f"both sides changed it: conflict {conflict.id} waits for a decision (policy {conflict.policy})"
    if conflict.outcome:
        return f"{text}; {conflict.outcome} wins in the next run, as sync_conflict says"
    if decision is not None:
        return f"{text}; {decision.choice} wins in the next run, as {decision.by} decided"
    return f"{text}: `airflow lark sync conflicts show {mapping_name} {conflict.id}`"


def _entry(entry: Waiting) -> tuple[StateWord, str]:
    tried = f" after {entry.tries} attempts" if entry.tries else ""
    error = f": {entry.error}" if entry.error else ""
    what = "reading its record again" if entry.operation == PULL else f"the {entry.operation} captured in SQL"
    age = _span(entry.age_seconds)
    if entry.status == HELD:
        return "held", f"a delete is held back{error}"
    if entry.status == "failed":
        return "failed", f"{what} failed for good{tried}{error}"
    if entry.status == "processing":
        return "waiting", f"a run is at it now: {what}"
    if entry.due_seconds > 0:
        return "waiting", f"{what} is tried again in {_span(entry.due_seconds)}{tried}{error}"
    return "waiting", f"{what} {age} ago waits for the next run{error}"


def _as_they_are(known: Known, sides: Sides, values: Sequence[ValueNow]) -> list[tuple[StateWord, str]]:
    pair = known.pair
    if sides.hidden:
        return [("hidden", f"its record is not to be seen: {sides.hidden}")]
    is_row, is_record = sides.sql is not None and not sides.is_deleted, sides.lark is not None
    if outside := _outside(known, sides):
        return [("outside", f"{outside} outside the mapping's filter, and no run writes to either side meanwhile")]
    if pair is not None and pair.tombstone:
        return [_tombstone(is_row=is_row, is_record=is_record)]
    if not is_row and not is_record:
        marked = ", and its row is marked as deleted" if sides.is_deleted else ""
        return [("deleted", f"there is neither a row nor a record of it{marked}")]
    if pair is not None and pair.is_reserved:
        return [("waiting", "its record names the key, and could not be applied to SQL yet")]
    if not is_record:
        gone = "its record was deleted in Lark" if pair is not None else "it has no record in Lark yet"
        return [("different", f"{gone}; the next run that scans all records sees to it")]
    if not is_row:
        gone = "its row was deleted in SQL" if pair is not None else "it has no row in SQL yet"
        return [("different", f"{gone}; the next run sees to it")]
    if sides.lark is not None and sides.lark.problems:
        return [("different", f"its record cannot be read: {sides.lark.problems[0]}")]
    if sides.sql is not None and sides.sql.problems:
        return [("different", f"its row cannot be read: {sides.sql.problems[0]}")]
    return [_compared(values)]


def _outside(known: Known, sides: Sides) -> str:
    if sides.sql is not None and sides.sql.outside:
        return "its row is"
    if sides.lark is not None and sides.lark.outside:
        return "its record is"
    return "it was" if known.pair is not None and known.pair.outside else ""


def _tombstone(*, is_row: bool, is_record: bool) -> tuple[StateWord, str]:
    if is_row == is_record:
        word: StateWord = "different" if is_row else "deleted"
        return word, "the pair was ended on both sides"
    left = "row in SQL" if is_row else "record in Lark"
    return "kept apart", f"the pair was ended on the other side; its {left} stays, and no run touches it"


def _compared(values: Sequence[ValueNow]) -> tuple[StateWord, str]:
    open_ = [each for each in values if each.note and each.note != _APART]
    if open_:
        told = "; ".join(f"{each.column}: {each.note}" for each in open_)
        return "different", f"the two sides differ, and the next run that meets the row decides ({told})"
    if apart := [each.column for each in values if each.note == _APART]:
        return "kept apart", f"both sides differ in {', '.join(apart)}, and stay so until one of them changes"
    return "in step", "both sides hold the same"


_APART = "kept apart"


def _values_now(known: Known, sides: Sides, columns: Sequence[str]) -> list[ValueNow]:
    pair = known.pair
    base = None if pair is None or pair.tombstone else pair.base
    near = {} if pair is None or pair.tombstone else pair.near or {}
    lark = None if sides.lark is None else sides.lark.values
    sql = None if sides.sql is None else sides.sql.values
    return [
        ValueNow(
            name,
            (base or {}).get(name),
            (lark or {}).get(name),
            (sql or {}).get(name),
            _note(name, base, lark, sql, near) if lark is not None and sql is not None else "",
        )
        for name in columns
    ]


def _note(name: str, base: Values | None, lark: Values, sql: Values, near: Values) -> str:
    if name not in lark or name not in sql:
        return "not to be read"
    if lark[name] == sql[name]:
        return ""
    if base is None or name not in base:
        return "never agreed"
    by_lark, by_sql = lark[name] != base[name], sql[name] != near.get(name, base[name])
    if by_lark and by_sql:
        return "both changed"
    if by_lark:
        return "Lark changed"
    return "SQL changed" if by_sql else _APART


_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def _span(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
