"""What a run tells whoever watches figures: its line, how the mapping is after it, and how long edits took."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.errors import LarkError, LeaseHeld, Stopped, kind_of
from airflow_provider_lark.core.ledger import Ledger, tables
from airflow_provider_lark.core.ledger.history.runs import RunLine
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.run.recording import Recording, line_of, recorded
from airflow_provider_lark.core.sync.status import Status, read_status

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delay:
    """How long edits took to reach the other side: *rows* of them, *seconds* all together."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of one run.

    :param ended_at: seconds since the epoch, by the worker's clock.
    :param error_kind: why it ended early: a kind of error, ``database`` or ``other``; a closed set.
    :param status: how the mapping is; None: its database could not be read.
    :param delays: by direction, ``to_lark`` and ``to_sql``, of what this run carried over; a direction in which
        nothing arrived is missing.
    """

    line: RunLine
    ended_at: float
    error_kind: str | None = None
    status: Status | None = None
    delays: Mapping[str, Delay] = field(default_factory=dict)


class SyncObserver(Protocol):
    """Is told of each run when it has ended; must not fail."""

    def ran(self, figures: RunFigures) -> None:
        """Note a run."""
        ...

    def lost(self, mapping: str, changes: int) -> None:
        """Note changes in Lark of which no event came."""
        ...

    def removed(self, mapping: str) -> None:
        """Note that a mapping is in step no more: it was uninstalled."""
        ...


@contextmanager
def observed(
    observer: SyncObserver | None,
    recording: Recording,
    engine: Engine,
    mapping: TableMapping,
    tells_idle: bool,
    forecast: Callable[[], str] | None,
) -> Iterator[None]:
    """Do as :func:`.recorded`, and tell *observer* of a run; not of one that only came too late."""
    table_name = mapping.sql.table_name
    failure: BaseException | None = None
    try:
        with recorded(recording, engine, table_name, tells_idle=tells_idle, forecast=forecast):
            yield
    except BaseException as error:
        failure = error
        raise
    finally:
        if observer is not None and recording.is_run and not isinstance(failure, LeaseHeld):
            observer.ran(_collect(recording, engine, table_name, failure))


def _collect(recording: Recording, engine: Engine, table_name: str, failure: BaseException | None) -> RunFigures:
    line = line_of(recording.report, recording.run_id, failure)
    ended_at = recording.clock.now()
    if failure is not None and (not isinstance(failure, Exception) or isinstance(failure, Stopped)):
        # it has to end at once
        return RunFigures(line, ended_at)
    kind = None
    if line.status == "failed" and failure is not None:
        kind = "database" if isinstance(failure, SQLAlchemyError) else kind_of(failure)
    try:
        with open_session(engine) as conn:
            if not inspect(conn).has_table(tables.run.name):
                return RunFigures(line, ended_at, kind)
            ledger = Ledger(conn, table_name)
            return RunFigures(line, ended_at, kind, read_status(ledger), _delays(ledger, recording))
    except (SQLAlchemyError, LarkError) as exc:
        log.info("%s: its figures could not be read: %s", line.mapping, type(exc).__name__)
        return RunFigures(line, ended_at, kind)


def _delays(ledger: Ledger, recording: Recording) -> dict[str, Delay]:
    report = recording.report
    # what the first run meets was written before there was a sync
    if not isinstance(report, SyncReport) or ledger.runs.is_first():
        return {}
    found = {"to_lark": _to_lark(ledger, report), "to_sql": _to_sql(report, recording)}
    return {direction: delay for direction, delay in found.items() if delay.rows}


def _to_lark(ledger: Ledger, report: SyncReport) -> Delay:
    """Measure by the database's clock alone, from the trigger to the answer of Lark."""
    if not report.to_lark.total:
        # its line may have become one with that of the run before; what was completed needed no way
        return Delay(0, 0.0)
    took = epoch_ms(queue.c.processed_at) - epoch_ms(queue.c.created_at)
    rows, total_ms = ledger.conn.execute(
        select(func.count(), func.sum(took)).where(
            queue.c.table_name == ledger.table_name,
            queue.c.status == "completed",
            queue.c.processed_at > ledger.runs.time_before_last(),
        )
    ).one()
    return Delay(rows, max(0.0, float(total_ms or 0) / 1000))


def _to_sql(report: SyncReport, recording: Recording) -> Delay:
    """Measure by Lark's clock, which its answers tell to a second."""
    lark_ms = recording.clock.now() * 1000 + (recording.client.server_offset_ms or 0)
    took = [max(0.0, lark_ms - at_ms) for at_ms in report.arrived.values() if at_ms is not None]
    return Delay(len(took), sum(took) / 1000)
