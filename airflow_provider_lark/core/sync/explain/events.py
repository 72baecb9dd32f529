"""Pure: the past of a row in the order of time, from what runs wrote and from the log.

A write stands in both: with its values in ``sync_change``, without them in ``sync_log``. It is told once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.history.changes import UNDO, PastChange
from airflow_provider_lark.core.ledger.history.sync_log import PastLine

_DONE = {"INSERT": "created", "UPDATE": "updated", "DELETE": "deleted"}
_PLACES = {"lark": "in Lark", "sql": "in SQL"}
_NAMES = {"lark": "Lark", "sql": "SQL"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a row.

    :param what: ``updated in SQL``, ``conflict``, ``failed`` …
    :param base: what both last agreed on, *lark* and *sql* what they held, *after* what the written side holds since;
        of an update the columns that were written; None: nothing was there, or no values are known.
    :param why: what decided, or the log's reason.
    """

    at_ms: int
    what: str
    base: Mapping[str, Canonical] | None
    lark: Mapping[str, Canonical] | None
    sql: Mapping[str, Canonical] | None
    after: Mapping[str, Canonical] | None
    why: str
    run_id: str

    @property
    def columns(self) -> list[str]:
        """The columns of which it tells."""
        sides = (self.after, self.sql, self.lark, self.base)
        return list(dict.fromkeys(name for side in sides for name in side or ()))


def events_of(changes: Sequence[PastChange], lines: Sequence[PastLine]) -> list[Event]:
    """Return what happened to a row, the oldest first."""
    told = Counter((each.run_id, *name) for each in changes for name in _named(each))
    found = [_of_change(each) for each in changes]
    for line in sorted(lines, key=lambda each: each.id, reverse=True):
        name = (line.run_id, line.direction, line.operation, line.status)
        if told[name] > 0:
            told[name] -= 1
        else:
            found.append(_of_line(line))
    return sorted(found, key=lambda each: each.at_ms)


def _named(change: PastChange) -> list[tuple[str, str, str]]:
    """Return direction, operation and status of the lines that the log has of a write."""
    found = [("both", "UPDATE", "conflict")] if change.outcome else []
    if change.side != "none":
        found.append(("to_lark" if change.side == "lark" else "to_sql", change.operation, "applied"))
    return found


def _of_change(change: PastChange) -> Event:
    what = "conflict" if change.side == "none" else f"{_DONE[change.operation]} {_PLACES[change.side]}"
    return Event(
        change.created_ms, what, change.base, change.lark, change.sql, change.after, _why(change), change.run_id
    )


def _why(change: PastChange) -> str:
    if change.policy == UNDO:
        return "an undo took a run's write back"
    if change.outcome == "open":
        return f"both had changed it; it waits for a decision (policy {change.policy})"
    if change.outcome:
        return f"both had changed it; {_NAMES.get(change.outcome, change.outcome)} won (policy {change.policy})"
    source = "SQL" if change.side == "lark" else "Lark"
    if change.operation == "INSERT":
        return f"only {source} had it"
    return f"deleted in {source}" if change.operation == "DELETE" else f"{source} had changed it"


def _of_line(line: PastLine) -> Event:
    what = line.status
    if line.status == "applied":
        # from a time when no values were kept
        place = "in Lark" if line.direction == "to_lark" else "in SQL"
        what = f"{_DONE.get(line.operation, line.operation)} {place}"
    return Event(line.created_ms, what, None, None, None, None, line.detail, line.run_id)
