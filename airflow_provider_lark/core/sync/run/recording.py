"""What a run cost, and the line that it leaves in ``sync_run``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.driver_values import storable
from airflow_provider_lark.core.database.refusals import reason
from airflow_provider_lark.core.errors import LarkError, LeaseHeld, SafetyStop, Stopped, describe_problems
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.history.runs import RunLine
from airflow_provider_lark.core.sync.report import ApplyReport, CheckReport, RepairReport, Report, SyncReport
from airflow_provider_lark.core.sync.run.ledger_rights import missing_right

log = logging.getLogger(__name__)


@dataclass
class Recording:
    """One call of an engine, from its begin.

    :param is_run: whether it leaves a line: not a plan, nor the setup.
    """

    report: Report
    client: LarkClient
    clock: Clock
    run_id: str
    is_run: bool
    is_noted: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._began, self._calls = self.clock.monotonic(), self.client.calls.snapshot()

    def measure(self) -> None:
        """Let the report tell the time and the calls until now."""
        self.report.seconds = round(self.clock.monotonic() - self._began, 3)
        calls = self.client.calls.since(self._calls)
        self.report.api_calls = {**calls, "total": sum(calls.values())}

    def note(self, ledger: Ledger, ended_by: BaseException | None = None) -> None:
        """Write the line, in the last transaction of the run.

        :param ended_by: what ended it early.
        :raises ConfigError: the database user may not write to ``sync_run``.
        """
        self.measure()
        line = line_of(self.report, self.run_id, ended_by)
        held = partial(storable, ledger.conn)
        # of names and errors a database of LATIN1 has not every character
        error = None if line.error is None else held(line.error)
        try:
            ledger.runs.note(replace(line, mapping=held(line.mapping), run_id=held(line.run_id), error=error))
        except DBAPIError as exc:
            if (refused := missing_right(tables.run.name, exc)) is None:
                raise
            raise refused from exc

    def note_failure(self, engine: Engine, table_name: str, error: Exception) -> None:
        """Write the line of a run that failed before it began.

        One that only came too late leaves none, and neither does a plan that is refused: of that nothing is written.
        A database that cannot take the line has most likely ended the run too: that is logged, and *error* is told.
        """
        is_plan = isinstance(self.report, ApplyReport)
        if self.is_noted or not self.is_run or is_plan or isinstance(error, (LeaseHeld, Stopped)):
            return
        try:
            with write_transaction(engine) as conn:
                # into a ledger of another version nothing is written
                if migrate.current_version(conn) == migrate.HEAD:
                    self.note(Ledger(conn, table_name), error)
        except (SQLAlchemyError, LarkError) as exc:
            log.info("this failure is not in %s: %s", tables.run.name, _words(exc))


@contextmanager
def recorded(
    recording: Recording,
    engine: Engine,
    table_name: str,
    *,
    tells_idle: bool,
    forecast: Callable[[], str] | None = None,
) -> Iterator[None]:
    """Measure what is done in the block, log it, and keep a line of a run that failed before it began.

    :param tells_idle: whether the log has a line at INFO for a run that met nothing to do.
    :param forecast: tells what a run would do; by default it was done.
    """
    report = recording.report
    try:
        yield
    except Exception as error:
        recording.note_failure(engine, table_name, error)
        raise
    finally:
        recording.measure()
        is_idle = isinstance(report, SyncReport) and not report.has_done_anything and not tells_idle
        what = report.operation if forecast is None else f"dry run of {report.operation}"
        level = logging.DEBUG if is_idle else logging.INFO
        log.log(level, "%s of %s: %s", what, report.mapping, (forecast or report.summary)())


def line_of(report: Report, run_id: str, error: BaseException | None) -> RunLine:
    """Return what is kept of a run."""
    problem = report.problems[0] if report.problems else None
    return RunLine(
        mapping=report.mapping,
        run_id=run_id,
        operation="apply" if isinstance(report, ApplyReport) else report.operation,
        status=_status_of(report, error),
        seconds=report.seconds,
        api_calls=report.api_calls.get("total", 0),
        counts=_counts_of(report),
        error=problem if error is None else _words(error),
    )


def _status_of(report: Report, error: BaseException | None) -> str:
    if isinstance(error, SafetyStop):
        return "held"
    if error is not None:
        return "failed" if isinstance(error, Exception) and not isinstance(error, Stopped) else "stopped"
    if isinstance(report, CheckReport) and not report.in_step:
        return "drift"
    return "partial" if isinstance(report, SyncReport) and report.failed else report.status


def _counts_of(report: Report) -> dict[str, int]:
    if isinstance(report, RepairReport):
        return {"different": report.differing, **_writes(report), **_others(report, ("conflicts", "held", "failed"))}
    if isinstance(report, CheckReport):
        return {"different": report.differing}
    if not isinstance(report, SyncReport):
        return {}
    return _writes(report) | _others(report, ("rewritten", "near_misses", "conflicts", "skipped", "held", "failed"))


def _others(report: Report, names: Sequence[str]) -> dict[str, int]:
    return {name: getattr(report, name) for name in names}


def _writes(report: SyncReport | RepairReport) -> dict[str, int]:
    sides = {"lark": report.to_lark, "sql": report.to_sql}
    return {
        f"{side}_{kind}": getattr(done, kind)
        for side, done in sides.items()
        for kind in ("created", "updated", "deleted")
    }


def _words(error: BaseException) -> str:
    """Return what an error says, without values: of one that is neither ours nor the database's only its kind."""
    if isinstance(error, LarkError):
        return str(error)
    return reason(error) if isinstance(error, SQLAlchemyError) else type(error).__name__


def tell_problems(error: Exception, report: SyncReport) -> None:
    """Let an error that ends a run carry what had happened to single rows; the report is lost with it."""
    if isinstance(error, LarkError):
        error.problems, error.failed = tuple(report.problems), report.failed
    elif report.problems:
        error.add_note(describe_problems(report.failed, report.problems))
