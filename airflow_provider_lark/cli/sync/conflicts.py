"""``airflow lark sync conflicts …``: what both sides changed, with all values, and which side wins."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import read_ledger, read_ledgers, write_ledger
from airflow_provider_lark.cli.sync.words import cell_text, shell_user
from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.choices import (
    Chosen,
    chosen_winners,
    differing_columns,
    find_conflict,
    resolve_conflicts,
)
from airflow_provider_lark.core.sync.plan.actions import plain

_SIDES = {"lark": "Lark", "sql": "SQL"}
_GONE = "(deleted)"


@command
def list_conflicts(args: Namespace) -> None:
    """Print the conflicts that are open, without their values."""
    read = read_ledgers(args, lambda mapping, ledger: _conflict_rows(mapping, ledger, args.limit))
    print_rows(read.found, args.output)
    read.tell_errors()


def _conflict_rows(mapping: TableMapping, ledger: Ledger, limit: int) -> list[dict[str, Any]]:
    found = ledger.conflicts.open_page(after=0, limit=limit, undecided=False)
    chosen = chosen_winners(ledger, found)
    return [
        {
            "Mapping": mapping.name,
            "Id": conflict.id,
            "Key": conflict.key,
            "Differs in": ", ".join(differing_columns(conflict)) or "one side deleted it",
            "Next run": _next(chosen.get(conflict.key)),
        }
        for conflict in found
    ]


@command
def show_conflict(args: Namespace) -> None:
    """Print the values of a conflict: those on which both sides agreed last, and those that they have."""
    mapping = named_mapping(args)
    with read_ledger(mapping, args) as ledger:
        conflict = find_conflict(ledger, args.id)
    sides = {"Agreed": conflict.base, "Lark": conflict.lark, "SQL": conflict.sql}
    names = list(dict.fromkeys(name for values in sides.values() for name in values or ()))
    differing = set(differing_columns(conflict))
    rows = [
        {
            "Column": name,
            **{title: _cell(values, name, args.output) for title, values in sides.items()},
            "Differs": "yes" if name in differing or conflict.lark is None or conflict.sql is None else "",
        }
        for name in names
    ]
    print_rows(rows, args.output)
    if args.output in ("table", "plain"):
        won = "" if conflict.outcome is None else f", {_SIDES.get(conflict.outcome, conflict.outcome)} wins"
        print(shown(f"Conflict {conflict.id} of row {conflict.key}: {conflict.status}{won} (policy {conflict.policy})"))


@command
def resolve(args: Namespace) -> None:
    """Let one side win from the next run on, over the values that each conflict has now."""
    mapping = named_mapping(args)
    ids = list(dict.fromkeys(args.ids))
    with write_ledger(mapping, args) as ledger:
        resolve_conflicts(ledger, dict.fromkeys(ids), take=args.take, by=shell_user())
    print(f"{_SIDES[args.take]} wins {counted(len(ids), 'conflict')} in the next run, if the values are the same then")


def _next(chosen: Chosen | None) -> str:
    return "" if chosen is None else f"{_SIDES.get(chosen.choice, chosen.choice)} wins, as {chosen.by} decided"


def _cell(values: Mapping[str, Canonical] | None, name: str, output: str) -> Any:
    if values is None:
        return _GONE if output in ("table", "plain") else None
    found = values.get(name)
    return cell_text(found) if output in ("table", "plain") else plain(found)
