"""The figures of runs, and of mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_lark.hooks.figures import names
from airflow_provider_lark.hooks.figures.sending import Sender, open_sender

if TYPE_CHECKING:
    from airflow_provider_lark.core.ledger.history.runs import RunLine
    from airflow_provider_lark.core.sync.figures import RunFigures
    from airflow_provider_lark.core.sync.status import Status

_SIDES = {"lark": "to_lark", "sql": "to_sql"}
_CHANGES = ("created", "updated", "deleted")
_COUNTS = {
    "conflicts": names.CONFLICTS,
    "failed": names.FAILURES,
    "near_misses": names.NEAR_MISSES,
    "rewritten": names.REWRITTEN,
    "skipped": names.SKIPPED,
}


class SyncFigures:
    """Sends what an engine tells: see :class:`.SyncObserver`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def ran(self, figures: RunFigures) -> None:
        """Send the figures of a run, and how the mapping is after it."""
        line, count = figures.line, self._sender.count
        count(names.RUNS, 1, mapping=line.mapping, operation=line.operation, status=line.status)
        if figures.error_kind is not None:
            count(names.RUN_ERRORS, 1, mapping=line.mapping, error=figures.error_kind)
        if line.operation == "check":
            self._tell_check(line)
        else:
            self._tell_sync(figures)
        if figures.status is not None:
            self._tell_status(line.mapping, figures.status)

    def lost(self, mapping: str, changes: int) -> None:
        """Count changes of which no event came."""
        self._sender.count(names.LOST_EVENTS, changes, mapping=mapping)

    def removed(self, mapping: str) -> None:
        """Set to 0 what would stay for ever as it was."""
        for figure in names.STATES:
            self._sender.set(figure, 0, mapping=mapping)

    def _tell_sync(self, figures: RunFigures) -> None:
        line, sender = figures.line, self._sender
        now = round(figures.ended_at)
        sender.set(names.LAST_RUN, now, mapping=line.mapping)
        sender.set(names.RUN_SECONDS, line.seconds, mapping=line.mapping)
        if line.status not in ("failed", "stopped"):
            sender.set(names.LAST_SUCCESS, now, mapping=line.mapping)
        self._tell_rows(line)
        for name, figure in _COUNTS.items():
            sender.count(figure, line.counts.get(name, 0), mapping=line.mapping)
        for direction, delay in figures.delays.items():
            sender.count(names.DELAYED_ROWS, delay.rows, mapping=line.mapping, direction=direction)
            sender.count(names.DELAY, round(delay.seconds * 1000), mapping=line.mapping, direction=direction)

    def _tell_check(self, line: RunLine) -> None:
        if "lark_created" in line.counts:
            # it has repaired
            self._tell_rows(line)
        if line.status in ("ok", "drift", "held"):
            self._sender.set(names.DRIFT, line.counts.get("different", 0), mapping=line.mapping)

    def _tell_rows(self, line: RunLine) -> None:
        # also where it is 0: of a counter that begins with its first failure, most databases miss that one
        for side, direction in _SIDES.items():
            for change in _CHANGES:
                rows = line.counts.get(f"{side}_{change}", 0)
                self._sender.count(names.ROWS, rows, mapping=line.mapping, direction=direction, change=change)

    def _tell_status(self, mapping: str, status: Status) -> None:
        backlog = status.backlog
        for figure, value in (
            (names.PENDING, backlog.pending),
            (names.OLDEST, round(backlog.oldest_seconds or 0, 3)),
            (names.FAILED, backlog.failed),
            (names.HELD, backlog.held),
            (names.BLACKLISTED, backlog.blacklisted),
            (names.OPEN_CONFLICTS, status.conflicts),
            (names.LOOPS, status.loops),
        ):
            self._sender.set(figure, value, mapping=mapping)


def sync_figures() -> SyncFigures | None:
    """Return what sends the figures of runs; None where Airflow's stats are off."""
    sender = open_sender()
    return None if sender is None else SyncFigures(sender)
