"""How a mapping is: what waits, how the last hour went, and how the last run ended. All from the ledger, by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.backlog import Backlog, count_backlogs
from airflow_provider_lark.core.ledger.checkpoint import count_unsettled
from airflow_provider_lark.core.ledger.conflicts import count_open
from airflow_provider_lark.core.ledger.history.runs import GOOD, PastRuns, Runs
from airflow_provider_lark.core.ledger.recent import came_within
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
    :param runs: the last ones that synced, the newest first, as many as were asked for.
    :param last_check: None: none has ended since the ledger keeps them.
    :param unsettled: records that the last run left, because they had been changed in Lark just then.
    :param last_good_seconds: how long ago a run ended that did not fail; None: none has.
    """

    backlog: Backlog
    conflicts: int
    hour: LastHour
    loops: int
    runs: Sequence[PastRuns]
    last_check: PastRuns | None
    last_good_seconds: float | None
    unsettled: int = 0

    @property
    def last_run(self) -> PastRuns | None:
        """The last one that synced; None: none has ended since the ledger keeps them."""
        return self.runs[0] if self.runs else None

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
            "unsettled": self.unsettled,
            "loops": self.loops,
            "last_hour": {**asdict(self.hour), "success_rate": self.hour.success_rate},
            **{name: None if run is None else asdict(run) for name, run in past.items()},
            "needs_a_person": self.needs_a_person,
        }


def read_status(ledger: Ledger) -> Status:
    """Return how the mapping of a ledger is, in a few statements."""
    return read_statuses(ledger.conn, [ledger.table_name])[ledger.table_name]


def read_statuses(conn: Connection, table_names: Sequence[str], *, runs: int = 1) -> dict[str, Status]:
    """Return how the mappings of these tables are: in a few statements for all of them, and two or three for each.

    :param runs: so many of the last ones of each are told of.
    """
    backlogs = count_backlogs(conn, table_names)
    conflicts = count_open(conn, table_names)
    hours = _last_hours(conn, table_names)
    loops = _count_loops(conn, table_names)
    unsettled = count_unsettled(conn, table_names)
    found: dict[str, Status] = {}
    for name in table_names:
        past = Runs(conn, name)
        latest, check = past.latest(limit=runs, checks=False), past.latest(limit=1, checks=True)
        good = next((each.ended_seconds for each in latest if each.status in GOOD), None)
        found[name] = Status(
            backlog=backlogs[name],
            conflicts=conflicts.get(name, 0),
            hour=hours.get(name, LastHour(0, 0, None)),
            loops=loops.get(name, 0),
            runs=latest,
            last_check=check[0] if check else None,
            last_good_seconds=past.seconds_since_good() if good is None and latest else good,
            unsettled=unsettled.get(name, 0),
        )
    return found


def _last_hours(conn: Connection, table_names: Sequence[str]) -> dict[str, LastHour]:
    is_done = queue.c.status == "completed"
    took = epoch_ms(queue.c.processed_at) - epoch_ms(queue.c.created_at)
    counted = select(
        queue.c.table_name,
        func.count(case((is_done, 1))).label("completed"),
        func.count(case((queue.c.status == "failed", 1))).label("failed"),
        func.avg(case((is_done, took))).label("took_ms"),
    ).where(
        # as an index has it, or all that the retention keeps would be read
        queue.c.status.in_(("completed", "failed")),
        queue.c.table_name.in_(table_names),
        came_within(conn, queue, HOUR_SECONDS),
    )
    return {
        row.table_name: LastHour(
            row.completed, row.failed, None if row.took_ms is None else max(0.0, float(row.took_ms) / 1000)
        )
        for row in conn.execute(counted.group_by(queue.c.table_name))
    }


def looping_keys(ledger: Ledger, *, limit: int) -> list[str]:
    """Return up to *limit* keys of rows that were synced more than ten times within the last hour."""
    found = _looping(ledger.conn, [ledger.table_name])
    key = found.selected_columns["key"]
    return [row.key for row in ledger.conn.execute(found.order_by(key).limit(limit))]


def _count_loops(conn: Connection, table_names: Sequence[str]) -> dict[str, int]:
    rows = _looping(conn, table_names).subquery()
    counted = select(rows.c.table_name, func.count().label("rows_")).group_by(rows.c.table_name)
    return {row.table_name: row.rows_ for row in conn.execute(counted)}


def _looping(conn: Connection, table_names: Sequence[str]) -> Select[Any]:
    recent = (log.c.table_name.in_(table_names), came_within(conn, log, HOUR_SECONDS))
    # a limit keeps SQLite from merging the two: to group by key it would read the whole log in the order of keys
    lines = select(log.c.table_name, log.c.key).where(*recent, log.c.status == "applied").limit(_LINES_MAX).subquery()
    keys = (lines.c.table_name, lines.c.key)
    return select(*keys).group_by(*keys).having(func.count() > LOOP_CHANGES)
