"""``airflow lark sync run``, ``full`` and ``check``: a run now, in this process, as a task would do it."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.cli.command import command, explain
from airflow_provider_lark.cli.files import require_folder
from airflow_provider_lark.cli.mappings import chosen, found_mappings
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import opened_sync
from airflow_provider_lark.cli.sync.progress import watched
from airflow_provider_lark.cli.sync.words import span
from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.clock import SYSTEM_CLOCK
from airflow_provider_lark.core.dry_run import tell
from airflow_provider_lark.core.errors import ConfigError, LarkError, SafetyStop
from airflow_provider_lark.core.sync.consistency.files import PLACE, require_paths, write_reports
from airflow_provider_lark.core.sync.consistency.options import ROWS_MAX, CheckOptions
from airflow_provider_lark.core.sync.report import CheckReport, RepairReport, Report, SyncReport
from airflow_provider_lark.hooks.lark import LarkHook

FAILED = 1
LEFT_SOMETHING = 2
"""Exit status when rows failed or differ, or deletes are held."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run of one mapping ended.

    :param report: None where it ended early, *error* says why.
    """

    name: str
    report: Report | None = None
    error: Exception | None = None

    @property
    def status(self) -> str:
        """As in ``sync_run``."""
        if self.error is not None:
            return "held" if isinstance(self.error, SafetyStop) else "failed"
        if isinstance(self.report, CheckReport) and not self.report.in_step:
            return "drift"
        return "ok" if self.report is None else self.report.status

    @property
    def exit_status(self) -> int:
        """0, :data:`FAILED` or :data:`LEFT_SOMETHING`."""
        status = self.status
        return 0 if status == "ok" else FAILED if status == "failed" else LEFT_SOMETHING


@command
def run(args: Namespace) -> None:
    """Carry over what changed since the last run."""
    _act(args, lambda engine: engine.incremental(allow_mass_deletes=args.allow_mass_deletes), _written)


@command
def full(args: Namespace) -> None:
    """Compare every row, and bring both sides in step."""
    _act(
        args,
        lambda engine: engine.full(allow_mass_deletes=args.allow_mass_deletes, uncaptured=args.uncaptured),
        _written,
    )


@command
def check(args: Namespace) -> None:
    """Compare every row, and repair what differs where that is asked for."""
    require_paths(args.report)
    for path in args.report:
        # folders that are named after mappings are made
        require_folder(Path(path.partition(PLACE)[0] + PLACE if PLACE in path else path))
    options = CheckOptions(
        repair=args.repair,
        dry_run=args.dry_run,
        threshold=args.threshold,
        settle_seconds=args.settle_seconds,
        rows=min(args.report_rows, ROWS_MAX) if args.report else 0,
        shows_values=not args.no_values,
        hidden=frozenset(args.hide),
    )
    _act(
        args,
        lambda engine: engine.check(options),
        _compared if args.repair == "no" else _repaired,
        lambda outcomes: _write_reports(args.report, outcomes),
    )


def _write_reports(paths: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    reports = [each.report for each in outcomes if isinstance(each.report, CheckReport)]
    errors = {each.name: explain(each.error) for each in outcomes if each.error is not None}
    for path in write_reports(paths, reports, now=SYSTEM_CLOCK.now(), errors=errors):
        print(shown(f"report: {path}"), file=sys.stderr)


def _act(
    args: Namespace,
    act: Callable[[SyncEngine], Report],
    columns: Callable[[Report | None], dict[str, Any]],
    note: Callable[[Sequence[Outcome]], None] = lambda _: None,
) -> None:
    """Do it for each mapping; one that fails does not keep the others from their turn."""
    hook = LarkHook(args.conn_id)
    wanted = found_mappings(args)
    outcomes: list[Outcome] = []
    if not args.mapping_name:
        outcomes = [Outcome(name, error=ConfigError(text)) for name, text in wanted.refused.items()]
    for text in wanted.told:
        print(shown(text), file=sys.stderr)
    with hook.client() as client:
        for mapping in chosen(wanted.mappings, args):
            try:
                with opened_sync(client, hook, mapping, args) as engine, watched(engine):
                    outcomes.append(Outcome(mapping.name, act(engine)))
            except (LarkError, SQLAlchemyError) as exc:
                outcomes.append(Outcome(mapping.name, error=exc))
    _tell(outcomes, args.output, columns)
    note(outcomes)
    found = {outcome.exit_status for outcome in outcomes} - {0}
    if found:
        raise SystemExit(min(found))


def _tell(outcomes: Sequence[Outcome], output: str, columns: Callable[[Report | None], dict[str, Any]]) -> None:
    is_text = output in ("table", "plain")
    if is_text:
        rows = [
            {"Mapping": each.name, "Status": each.status, **columns(each.report), **_cost(each.report)}
            for each in outcomes
        ]
    else:
        rows = [
            {"mapping": each.name, **(_plain(each.report) if each.report else {}), "status": each.status}
            for each in outcomes
        ]
    print_rows(rows, output)
    for each in outcomes:
        if is_text and each.report is not None:
            for remark in (*each.report.problems, *each.report.warnings):
                print(shown(f"{each.name}: {remark}"))
        if each.error is not None:
            print(shown(f"{each.name}: {explain(each.error)}"), file=sys.stderr)


def _plain(report: Report) -> dict[str, Any]:
    if isinstance(report, CheckReport) and report.would:
        return tell(report.to_dict(), report.would)
    return report.to_dict()


def _written(report: Report | None) -> dict[str, Any]:
    names = ("In Lark", "In SQL", "Conflicts", "Failed", "Held")
    if not isinstance(report, SyncReport):
        return dict.fromkeys(names, "")
    sides = (report.to_lark, report.to_sql)
    writes = (f"{side.created} created, {side.updated} updated, {side.deleted} deleted" for side in sides)
    return dict(zip(names, (*writes, report.conflicts, report.failed, report.held), strict=True))


def _compared(report: Report | None) -> dict[str, Any]:
    names = ("Equal", "Different", "Only in SQL", "Only in Lark", "Pending")
    if not isinstance(report, CheckReport):
        return dict.fromkeys(names, "")
    counts = (report.equal, report.different, report.only_sql, report.only_lark, report.pending)
    return dict(zip(names, counts, strict=True))


def _repaired(report: Report | None) -> dict[str, Any]:
    found = _compared(report)
    if isinstance(report, RepairReport) and report.would:
        would = {name: each["count"] for name, each in report.would.items()}
        return {**found, "Would": ", ".join(f"{name} {count}" for name, count in would.items())}
    names = ("Repaired", "In Lark", "In SQL", "Changed since", "Held", "Left", "Failed")
    if not isinstance(report, RepairReport):
        return {**found, **dict.fromkeys(names, "")}
    counts = (report.changed, report.held, report.left, report.failed)
    sides = (report.to_lark.total, report.to_sql.total)
    return {**found, **dict(zip(names, (report.repaired, *sides, *counts), strict=True))}


def _cost(report: Report | None) -> dict[str, Any]:
    if report is None:
        return {"Took": "", "Calls": ""}
    return {"Took": span(report.seconds), "Calls": report.api_calls.get("total", 0)}
