"""What each run did: a line for each, and one line for runs in a row that changed nothing and ended alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, ScalarSelect, delete, func, insert, select, update

from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus
from airflow_provider_lark.core.ledger.parts import ERROR_LENGTH, LedgerPart
from airflow_provider_lark.core.ledger.tables import COUNTS, queue, run

WRITES = tuple(name for name in COUNTS if name.startswith(("lark_", "sql_")))
GOOD = ("ok", "partial", "held")
"""How a run ends that did not fail."""
_ALIKE = ("mapping", "operation", "status", "error_message", "pending", *COUNTS)


@dataclass(frozen=True, slots=True)
class RunLine:
    """What is kept of a run.

    :param status: that of its report; ``failed`` or ``stopped`` where it ended early.
    :param counts: rows by :data:`.COUNTS`; what is left out is 0.
    :param error: why it ended early, or the first problem of a row; no cell values.
    """

    mapping: str
    run_id: str
    operation: str
    status: str
    seconds: float
    api_calls: int
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PastRuns:
    """A run of the past, or several in a row that changed nothing and ended alike.

    :param runs: how many they are.
    :param ended_seconds: how long ago the last of them ended, by the database's clock.
    :param seconds: how long the last of them took. *api_calls* alike.
    :param pending: entries that waited when it ended, and *oldest_seconds* for how long the first of them had.
    """

    id: int
    mapping: str
    run_id: str
    operation: str
    status: str
    runs: int
    ended_seconds: float
    seconds: float
    api_calls: int
    pending: int
    oldest_seconds: float | None
    counts: Mapping[str, int]
    error: str | None


class PastRun(NamedTuple):
    """When a run of the past began, by the database's clock, and what it counted."""

    began_ms: int
    counts: Mapping[str, int]


class Runs(LedgerPart):
    """The runs of one table."""

    def note(self, line: RunLine) -> None:
        """Keep *line*, with what waits now.

        It becomes one with the line before where neither run changed anything and both ended alike.
        """
        waiting, first = self.conn.execute(
            select(func.count(), func.min(queue.c.id)).where(
                queue.c.table_name == self.table_name, queue.c.status == "pending"
            )
        ).one()
        age = select(NowMs() - epoch_ms(queue.c.created_at)).where(queue.c.id == first)
        oldest_ms = max(0, self.conn.scalars(age).one()) if waiting else None
        alike = {
            "mapping": line.mapping,
            "operation": line.operation,
            "status": line.status,
            "error_message": None if line.error is None else line.error[:ERROR_LENGTH],
            "pending": waiting,
            **{name: line.counts.get(name, 0) for name in COUNTS},
        }
        new = {
            "run_id": line.run_id,
            "api_calls": line.api_calls,
            "duration_ms": round(line.seconds * 1000),
            "oldest_ms": oldest_ms,
        }
        before = self.conn.execute(
            select(run).where(run.c.table_name == self.table_name).order_by(run.c.id.desc()).limit(1)
        ).one_or_none()
        if before is not None and not any(alike[name] for name in WRITES) and _is_like(before, alike):
            again = update(run).where(run.c.id == before.id)
            self.conn.execute(again.values(**new, runs=run.c.runs + 1, finished_at=Now()))
        else:
            began = now_plus(-line.seconds)
            self.conn.execute(insert(run).values(table_name=self.table_name, **alike, **new, started_at=began))

    def find(self, run_id: str) -> PastRun | None:
        """Return a run by its id; of several lines, which one task after the other leaves, the first and the sums.

        None: there is none of this id, or it has become one with later runs that changed nothing.
        """
        mine = (run.c.table_name == self.table_name, run.c.run_id == run_id)
        sums = [func.coalesce(func.sum(run.c[name]), 0).label(name) for name in COUNTS]
        began = func.min(epoch_ms(run.c.started_at)).label("began_ms")
        row = self.conn.execute(select(began, *sums).where(*mine)).one()
        return None if row.began_ms is None else PastRun(int(row.began_ms), {n: int(getattr(row, n)) for n in COUNTS})

    def is_first(self) -> bool:
        """Tell whether at most one run that syncs has ended yet."""
        first, *others = self.conn.scalars(
            select(run.c.runs)
            .where(run.c.table_name == self.table_name, run.c.operation != "check")
            .order_by(run.c.id)
            .limit(2)
        ).all() or [0]
        return not others and first <= 1

    def time_before_last(self) -> ScalarSelect[Any]:
        """Return, as a part of a query, when the run before the newest line ended; NULL where that is the first."""
        times = select(run.c.finished_at).where(run.c.table_name == self.table_name)
        return times.order_by(run.c.id.desc()).limit(1).offset(1).scalar_subquery()

    def latest(self, *, limit: int, checks: bool | None = None, before: int | None = None) -> list[PastRuns]:
        """Return up to *limit* lines, the newest first.

        :param before: only those older than the line of this id.
        :param checks: only those of checks, or only those of runs that sync; None: both.
        """
        ended = (NowMs() - epoch_ms(run.c.finished_at)).label("ended_ms")
        mine = select(run, ended).where(run.c.table_name == self.table_name)
        if before is not None:
            mine = mine.where(run.c.id < before)
        if checks is not None:
            mine = mine.where(run.c.operation == "check" if checks else run.c.operation != "check")
        return [_from_row(row) for row in self.conn.execute(mine.order_by(run.c.id.desc()).limit(limit))]

    def seconds_since_good(self) -> float | None:
        """Return how long ago a run ended that synced and did not fail, by the database's clock; None: none has."""
        good = (run.c.table_name == self.table_name, run.c.operation != "check", run.c.status.in_(GOOD))
        newest = select(NowMs() - epoch_ms(run.c.finished_at)).where(*good).order_by(run.c.id.desc()).limit(1)
        found = self.conn.scalars(newest).one_or_none()
        return None if found is None else max(0.0, found / 1000)


def purge(conn: Connection, older_than_seconds: float) -> int:
    """Delete lines of runs that ended so long ago, of every table; return how many."""
    return conn.execute(delete(run).where(run.c.finished_at <= now_plus(-older_than_seconds))).rowcount


def _is_like(before: Row[tuple[object, ...]], alike: Mapping[str, object]) -> bool:
    return all(getattr(before, name) == alike[name] for name in _ALIKE)


def _from_row(row: Row[tuple[object, ...]]) -> PastRuns:
    return PastRuns(
        id=row.id,
        mapping=row.mapping,
        run_id=row.run_id,
        operation=row.operation,
        status=row.status,
        runs=row.runs,
        ended_seconds=max(0.0, row.ended_ms / 1000),
        seconds=row.duration_ms / 1000,
        api_calls=row.api_calls,
        pending=row.pending,
        oldest_seconds=None if row.oldest_ms is None else row.oldest_ms / 1000,
        counts={name: getattr(row, name) for name in COUNTS},
        error=row.error_message,
    )
