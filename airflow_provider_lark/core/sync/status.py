"""How a mapping is: what waits, how the last hour went, and how the last run ended. All from the ledger, by SQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, case, func, select

from airflow_provider_lark.core.database.dbtime import epoch_ms, now_plus
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.backlog import Backlog, count_backlog
from airflow_provider_lark.core.ledger.history.runs import PastRuns
from airflow_provider_lark.core.ledger.tables import log, queue

HOUR_SECONDS = 3600.0
_LINES_MAX = 1_000_000
LOOP_CHANGES = 10
"""A row that was synced more often than this within an hour is in a loop."""


@dataclass(frozen=True, slots=True)
class LastHour:
    """The entries of the queue that came within the last hour.

    :param delay_seconds: from the write in SQL to Lark's answer, on average; None: none is completed.
    """

    completed: int
    failed: int
    delay_seconds: float | None

    @property
    def success_rate(self) -> float | None:
        """The share that is completed of those that ended, 0 to 1; None: none has ended."""
        ended = self.completed + self.failed
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class Status:
    """How a mapping is.

    :param conflicts: those that wait for a person.
    :param loops: rows that were synced more than ten times within the last hour.
    :param last_run: the last one that synced; None: none has ended since the ledger keeps them. *last_check* alike.
    :param last_good_seconds: how long ago a run ended that did not fail; None: none has.
    """

    backlog: Backlog
    conflicts: int
    hour: LastHour
    loops: int
    last_run: PastRuns | None
    last_check: PastRuns | None
    last_good_seconds: float | None

    @property
    def needs_a_person(self) -> bool:
        """Whether something does not go on by itself."""
        is_bad = self.last_run is not None and self.last_run.status == "failed"
        return bool(self.backlog.failed or self.backlog.held or self.conflicts or self.loops or is_bad)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as ``airflow lark sync status --output json`` and the page have it."""
        past = {"last_run": self.last_run, "last_check": self.last_check}
        return {
            **asdict(self.backlog),
            "conflicts": self.conflicts,
            "loops": self.loops,
            "last_hour": {**asdict(self.hour), "success_rate": self.hour.success_rate},
            **{name: None if run is None else asdict(run) for name, run in past.items()},
            "needs_a_person": self.needs_a_person,
        }


def read_status(ledger: Ledger) -> Status:
    """Return how the mapping of a ledger is, in a few statements."""
    run, check = (ledger.runs.latest(limit=1, checks=checks) for checks in (False, True))
    return Status(
        backlog=count_backlog(ledger.conn, ledger.table_name),
        conflicts=ledger.conflicts.count_open(),
        hour=_last_hour(ledger),
        loops=_count_loops(ledger),
        last_run=run[0] if run else None,
        last_check=check[0] if check else None,
        last_good_seconds=ledger.runs.seconds_since_good(),
    )


def _last_hour(ledger: Ledger) -> LastHour:
    is_done = queue.c.status == "completed"
    took = epoch_ms(queue.c.processed_at) - epoch_ms(queue.c.created_at)
    counted = select(
        func.count(case((is_done, 1))).label("completed"),
        func.count(case((queue.c.status == "failed", 1))).label("failed"),
        func.avg(case((is_done, took))).label("took_ms"),
    ).where(
        # by status, or the whole queue would be read
        queue.c.status.in_(("completed", "failed")),
        queue.c.table_name == ledger.table_name,
        queue.c.created_at > now_plus(-HOUR_SECONDS),
    )
    row = ledger.conn.execute(counted).one()
    return LastHour(row.completed, row.failed, None if row.took_ms is None else max(0.0, float(row.took_ms) / 1000))


def looping_keys(ledger: Ledger, *, limit: int) -> list[str]:
    """Return up to *limit* keys of rows that were synced more than ten times within the last hour."""
    found = _looping(ledger)
    return list(ledger.conn.scalars(found.order_by(found.selected_columns[0]).limit(limit)))


def _count_loops(ledger: Ledger) -> int:
    return int(ledger.conn.scalars(select(func.count()).select_from(_looping(ledger).subquery())).one())


def _looping(ledger: Ledger) -> Select[tuple[str]]:
    recent = (log.c.table_name == ledger.table_name, log.c.created_at > now_plus(-HOUR_SECONDS))
    # a limit keeps SQLite from merging the two: to group by key it would read the whole log in the order of keys
    lines = select(log.c.key).where(*recent, log.c.status == "applied").limit(_LINES_MAX).subquery()
    return select(lines.c.key).group_by(lines.c.key).having(func.count() > LOOP_CHANGES)
