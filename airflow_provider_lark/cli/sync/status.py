"""``airflow lark sync status``: how each mapping is."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import read_ledgers
from airflow_provider_lark.cli.sync.words import share, span
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.history.runs import PastRuns
from airflow_provider_lark.core.sync.mapping.table_mapping import DELETES_WAIT, TableMapping
from airflow_provider_lark.core.sync.status import Status, read_status

NEEDS_A_PERSON = 2
"""Exit status when something does not go on by itself; see :attr:`.Status.needs_a_person`."""


@command
def show_status(args: Namespace) -> None:
    """Print how each mapping is; exit with status 2 when one of them needs a person."""
    read = read_ledgers(args, lambda mapping, ledger: [(mapping, read_status(ledger))])
    line = _line if args.output in ("table", "plain") else _document
    print_rows([line(mapping, status) for mapping, status in read.found], args.output)
    if args.output == "table":
        for mapping, status in read.found:
            if status.unsettled:
                count = counted(status.unsettled, "record")
                print(shown(f"{mapping.name}: the last run left {count} that had been changed in Lark just then"))
            if mapping.leaves_deletes:
                print(shown(f"{mapping.name}: capture {mapping.capture.text}: {DELETES_WAIT}"))
    read.tell_errors()
    if any(status.needs_a_person for _, status in read.found):
        raise SystemExit(NEEDS_A_PERSON)


def _line(mapping: TableMapping, status: Status) -> dict[str, Any]:
    backlog, hour = status.backlog, status.hour
    return {
        "Mapping": mapping.name,
        "Last run": _last(status.last_run),
        "Last check": _last(status.last_check),
        "Pending": backlog.pending,
        "Oldest": span(backlog.oldest_seconds),
        "Failed": backlog.failed,
        "Held": backlog.held,
        "Conflicts": status.conflicts,
        "Blacklisted": backlog.blacklisted,
        "Loops": status.loops,
        "Success (1 h)": share(hour.success_rate),
        "Delay (1 h)": span(hour.delay_seconds),
    }


def _last(run: PastRuns | None) -> str:
    if run is None:
        return "none"
    name = "" if run.operation == "check" else f"{run.operation} "
    times = f" x {run.runs:,}" if run.runs > 1 else ""
    return f"{name}{run.status}{times}, {span(run.ended_seconds)} ago"


def _document(mapping: TableMapping, status: Status) -> dict[str, Any]:
    told = {"capture": mapping.capture.text, "deletes_wait_for_full_sync": mapping.leaves_deletes}
    return {"mapping": mapping.name, **told, **status.to_dict()}
