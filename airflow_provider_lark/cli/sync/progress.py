"""What a command tells on standard error while a run goes on: a line that changes on a terminal, few in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

from rich.console import Console
from rich.markup import escape

from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.cli.sync.words import span
from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.report import CheckReport, Report, SyncReport

TERMINAL_SECONDS = 0.5
FILE_SECONDS = 10.0
"""The first line in a file comes after so long; the next ones after as long again as the run has taken, at most:"""
FILE_SECONDS_MAX = 600.0


@contextmanager
def watched(engine: SyncEngine, *, writes: bool = True) -> Iterator[None]:
    """Tell how far the engine is, until the block ends.

    :param writes: else it only finds out what would be written.
    """
    done, began = Event(), monotonic()
    tell = _on_terminal if sys.stderr.isatty() else _in_file

    def now() -> str:
        return words(engine.mapping.name, engine.progress, monotonic() - began, writes=writes)

    teller = Thread(target=tell, args=(now, done), name="lark-progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def words(name: str, report: Report | None, seconds: float, *, writes: bool = True) -> str:
    """Return how far a run is, in one line."""
    told = [f"{name}: {report.operation}" if report is not None else f"{name}: begins"]
    if isinstance(report, SyncReport | CheckReport):
        told.append(f"read {counted(report.rows_lark, 'record')} and {counted(report.rows_sql, 'row')}")
    if isinstance(report, SyncReport):
        if writes:
            told.append(f"wrote {report.to_lark.total:,} to Lark and {report.to_sql.total:,} to SQL")
        if report.failed:
            told.append(f"{counted(report.failed, 'row')} failed")
    return shown(", ".join([*told, span(seconds)]))


def _on_terminal(now: Callable[[], str], done: Event) -> None:
    console = Console(stderr=True)
    with console.status(escape(now())) as status:
        while not done.wait(TERMINAL_SECONDS):
            status.update(escape(now()))


def _in_file(now: Callable[[], str], done: Event) -> None:
    began, wait = monotonic(), FILE_SECONDS
    while not done.wait(wait):
        print(now(), file=sys.stderr, flush=True)
        wait = min(monotonic() - began, FILE_SECONDS_MAX)
