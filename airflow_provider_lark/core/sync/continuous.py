"""Continuous sync for a limited time: run after run, as soon as something is known to have changed.

Polling is the truth. What Lark tells by itself only makes the next run begin sooner, so an event that is lost, doubled
or late costs time and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import LeaseHeld, RetriableError, Stopped
from airflow_provider_lark.core.inbox.hints import Hint
from airflow_provider_lark.core.sync.lost_events import LostEvents
from airflow_provider_lark.core.sync.pull.told import Told, pauses
from airflow_provider_lark.core.sync.report import PROBLEMS_KEPT, SyncReport, Writes

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often the hints are looked at: one small query."""

LISTEN_SECONDS = 5.0
"""How long a wait for a wake-up takes at most: one that was lost is made up for by the next look."""

FAILURES_MAX = 10
"""So many runs in a row may fail for a reason that passes; with the waits between, some five minutes."""

_LONGEST_WAIT_SECONDS = 60.0

_NAMED_MAX = 10
"""So many records of which no event came are named in a line of the log."""

LATE_SECONDS = 7.0
"""So long Lark may take to show what an event of it tells; then it is left to the next poll."""

RunOnce = Callable[[Callable[[], Told]], SyncReport]
"""A run; it asks what events say, before it reads the table."""


class Hints(Protocol):
    """What tells that a table may have changed in Lark."""

    def begin(self) -> None:
        """Make sure that changes are told from now on; the table is read after that."""
        ...

    def take(self) -> Sequence[Hint]:
        """Return hints that have come, and keep others from them."""
        ...

    def done(self, ids: Sequence[int]) -> None:
        """Note that a run which began after they were taken has ended well."""
        ...

    def give_back(self, ids: Sequence[int], error: str) -> None:
        """Let them be taken again: the run failed."""
        ...


@dataclass(slots=True)
class ContinuousReport(SyncReport):
    """What the runs of a while did together.

    :param runs: how many runs ended well.
    :param hints: how many events of Lark made a run begin sooner.
    :param failed_runs: how many failed for a reason that passed.
    :param reconnects: how many runs began sooner because the long connection was made anew.
    :param lost_events: how many changes the runs found of which no event told; see :class:`.LostEvents`.
    """

    runs: int = 0
    hints: int = 0
    failed_runs: int = 0
    reconnects: int = 0
    lost_events: int = 0

    def add(self, report: SyncReport) -> None:
        """Count what one run did."""
        self.runs += 1
        self.status = report.status
        self.time_zone = report.time_zone
        for name in ("rows_lark", "rows_sql", "rewritten", "conflicts", "skipped", "near_misses"):
            setattr(self, name, getattr(self, name) + getattr(report, name))
        # as they are now, not how often they were met
        self.held, self.failed, self.unsettled = report.held, report.failed, report.unsettled
        _add(self.to_sql, report.to_sql)
        _add(self.to_lark, report.to_lark)
        for kind, count in report.api_calls.items():
            self.api_calls[kind] = self.api_calls.get(kind, 0) + count
        for text in report.problems:
            if text not in self.problems:
                self.add_problem(text)
        self.warnings += [text for text in report.warnings if text not in self.warnings][
            : max(0, PROBLEMS_KEPT - len(self.warnings))
        ]


@dataclass(slots=True)
class ContinuousSync:
    """Keeps two tables in step until its time is over.

    :param run: carries over what changed, once.
    :param poll_seconds: the longest time between two runs.
    :param hints: what makes a run begin sooner; None: only the clock does.
    :param listen: waits so many seconds for a hint, or less, and returns whether it could; default: the hints are
        looked at every :data:`LOOK_SECONDS`.
    :param lost: finds the changes of which no event came.
    :param tell_lost: told how many they are, each time that some turn out so.
    """

    mapping: str
    run: RunOnce
    poll_seconds: float
    hints: Hints | None = None
    clock: Clock = field(default_factory=SystemClock)
    look_seconds: float = LOOK_SECONDS
    listen: Callable[[float], bool] = lambda _: False
    lost: LostEvents = field(default_factory=LostEvents)
    tell_lost: Callable[[int], None] = lambda _: None
    _not_shown: dict[str, int] = field(init=False, default_factory=dict)
    _settles_in: float | None = field(init=False, default=None)
    _pauses: Iterator[float] = field(init=False, default_factory=lambda: iter(()))

    def run_for(self, seconds: float) -> ContinuousReport:
        """Run until *seconds* have passed; a run that is under way then is finished.

        :raises Stopped: told to stop; what was done is noted in the ledger, and the next run goes on from there.
        :raises LarkError: a run failed for good, or :data:`FAILURES_MAX` in a row failed for a reason that passes.
        """
        total = ContinuousReport(self.mapping, "incremental")
        began = self.clock.monotonic()
        end, due, failures = began + seconds, began, 0
        while (now := self.clock.monotonic()) < end:
            self._count_lost(total, now)
            # after a failure a hint is no reason to try sooner
            waits = failures > 0 and now < due
            taken = list(self.hints.take()) if self.hints is not None and not waits else []
            if not taken and now < due:
                self._pause(min(due - now, end - now))
                continue
            total.hints += sum(not hint.is_gap for hint in taken)
            total.reconnects += any(hint.is_gap for hint in taken)
            for hint in taken:
                self.lost.hear(hint.records, changed_at=hint.changed_at, now=now)
                self.lost.hear(hint.deleted, changed_at=hint.changed_at, now=now, deleted=True)
            failures = self._run_once(total, taken, failures)
            wait = self._next_look() if not failures else min(_LONGEST_WAIT_SECONDS, 2.0 ** (failures - 1))
            due = self.clock.monotonic() + wait
        self._count_lost(total, self.clock.monotonic())
        total.seconds = round(self.clock.monotonic() - began, 3)
        return total

    def _next_look(self) -> float:
        """Return when to run again: sooner, for a while, if Lark does not show yet what an event told.

        And sooner if a record was left because somebody had just changed it.
        """
        longest = self.poll_seconds if self._settles_in is None else min(self._settles_in, self.poll_seconds)
        if self._not_shown:
            for pause in self._pauses:
                return min(pause, longest)
            self._not_shown = {}
        return longest

    def _pause(self, seconds: float) -> None:
        if self.hints is None:
            self.clock.sleep(seconds)
        elif not self.listen(min(seconds, LISTEN_SECONDS)):
            self.clock.sleep(min(seconds, self.look_seconds))

    def _run_once(self, total: ContinuousReport, taken: Sequence[Hint], failures: int) -> int:
        """Run, and return how many runs in a row have failed."""

        def tell() -> Told:
            if self.hints is not None:
                # or what changes between this reading and the first event waited for the next poll
                self.hints.begin()
            told = _told(taken)
            if told.changed:
                self._pauses = pauses(LATE_SECONDS)
            return replace(told, changed={**self._not_shown, **told.changed})

        try:
            report = self.run(tell)
        except BaseException as error:
            _give_back(self.hints, taken, error)
            if not isinstance(error, RetriableError) or isinstance(error, Stopped) or failures + 1 >= FAILURES_MAX:
                raise
            # another worker carries the changes over: nothing is wrong
            if not isinstance(error, LeaseHeld):
                total.failed_runs += 1
            log.warning("a run of %s failed and will be retried: %s", self.mapping, error)
            return failures + 1
        if total.runs and self.hints is not None:
            # what the first run finds was told to the task before, or is the first load
            self.lost.find(report.found_changed, report.found_deleted, now=self.clock.monotonic())
        total.add(report)
        self._not_shown, self._settles_in = report.not_shown, report.settles_in_seconds
        if self.hints is not None and taken:
            self.hints.done([hint.id for hint in taken])
        return 0

    def _count_lost(self, total: ContinuousReport, now: float) -> None:
        lost = self.lost.settle(now=now)
        if lost:
            total.lost_events += len(lost)
            self.tell_lost(len(lost))
            more = f" and {len(lost) - _NAMED_MAX} more" if len(lost) > _NAMED_MAX else ""
            log.warning(
                "%s: of %d changes in Lark no event came; polling found them (%d so far): %s%s",
                self.mapping,
                len(lost),
                total.lost_events,
                ", ".join(map(str, lost[:_NAMED_MAX])),
                more,
            )


def run_once(run: RunOnce, hints: Hints) -> SyncReport:
    """Run once, and follow by it every hint that has come when it begins to read."""
    taken: list[Hint] = []

    def take_all() -> Told:
        while some := hints.take():
            taken.extend(some)
        # nothing may start another run before the next event
        return replace(_told(taken), patience_seconds=LATE_SECONDS)

    try:
        report = run(take_all)
    except BaseException as error:
        _give_back(hints, taken, error)
        raise
    if taken:
        hints.done([hint.id for hint in taken])
    return report


def _give_back(hints: Hints | None, taken: Sequence[Hint], error: BaseException) -> None:
    if hints is not None and taken:
        hints.give_back([hint.id for hint in taken], f"{type(error).__name__}: {error}")


def _told(taken: Sequence[Hint]) -> Told:
    deleted = dict.fromkeys(record_id for hint in taken for record_id in hint.deleted)
    changed: dict[str, int] = {}
    for hint in taken:
        at_ms = int((hint.changed_at or 0) * 1000)
        changed |= {id_: max(at_ms, changed.get(id_, 0)) for id_ in hint.records if id_ not in deleted}
    return Told(deleted.keys(), changed)


def _add(to: Writes, more: Writes) -> None:
    to.created += more.created
    to.updated += more.updated
    to.deleted += more.deleted
