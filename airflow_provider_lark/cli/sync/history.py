"""``airflow lark sync runs`` and ``log``: the runs of the past, and what became of each change."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.cli.sync.places import read_ledger, read_ledgers
from airflow_provider_lark.cli.sync.words import moment, span
from airflow_provider_lark.core.ledger.history.runs import PastRuns

_SIDES = (("lark", "In Lark"), ("sql", "In SQL"))
_OTHERS = ("rewritten", "near_misses", "conflicts", "skipped", "held", "failed", "different")


@command
def list_runs(args: Namespace) -> None:
    """Print the runs of each mapping, the newest first."""
    read = read_ledgers(
        args,
        lambda mapping, ledger: [
            _row(mapping.name, each, args.output) for each in ledger.runs.latest(limit=args.limit)
        ],
    )
    print_rows(read.found, args.output)
    read.tell_errors()


@command
def list_log(args: Namespace) -> None:
    """Print lines of the log of one mapping, the newest first."""
    mapping = named_mapping(args)
    with read_ledger(mapping, args) as ledger:
        lines = ledger.sync_log.latest(limit=args.limit, key=args.key, run_id=args.run_id, status=args.status)
    rows = [
        {
            "Time": moment(line.created_ms),
            "Key": line.key,
            "Direction": line.direction,
            "Change": line.operation,
            "Status": line.status,
            "Detail": line.detail,
            "Run": line.run_id,
        }
        for line in lines
    ]
    print_rows(rows, args.output)


def _row(name: str, run: PastRuns, output: str) -> dict[str, Any]:
    if output not in ("table", "plain"):
        # the name in the file, which may have changed since
        return {**asdict(run), "mapping": name}
    counts = run.counts
    return {
        "Mapping": name,
        "Ended": f"{span(run.ended_seconds)} ago",
        "Run": run.operation,
        "Status": run.status if run.runs == 1 else f"{run.status} x {run.runs:,}",
        **{
            title: _writes(counts[f"{side}_created"], counts[f"{side}_updated"], counts[f"{side}_deleted"])
            for side, title in _SIDES
        },
        "Other": ", ".join(f"{each.replace('_', ' ')} {counts[each]:,}" for each in _OTHERS if counts[each]),
        "Pending": run.pending,
        "Took": span(run.seconds),
        "Calls": run.api_calls,
        "Error": run.error or "",
    }


def _writes(created: int, updated: int, deleted: int) -> str:
    words = (("created", created), ("updated", updated), ("deleted", deleted))
    return ", ".join(f"{count:,} {word}" for word, count in words if count)
