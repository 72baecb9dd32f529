"""``airflow lark sync held …``: the deletes that are held back, and what becomes of them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.cli.sync.places import read_ledgers, write_ledger
from airflow_provider_lark.cli.sync.words import shell_user
from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.decisions import DecisionChoice
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.choices import Shown, decide_held, held_set

_SIDES: dict[Side, tuple[str, str]] = {"lark": ("Lark", "SQL"), "sql": ("SQL", "Lark")}
"""Where a delete is held: the side that keeps what it has, and the one where it was deleted."""

_WORDS: dict[DecisionChoice, str] = {"release": "carried out", "keep": "undone"}


@command
def list_held(args: Namespace) -> None:
    """Print the deletes that are held back."""
    read = read_ledgers(args, lambda mapping, ledger: _held_rows(mapping, ledger, args.limit))
    print_rows(read.found, args.output)
    read.tell_errors()


def _held_rows(mapping: TableMapping, ledger: Ledger, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for side, (kept_in, deleted_in) in _SIDES.items():
        mine = held_set(ledger, side).decided
        rows += [
            {
                "Mapping": mapping.name,
                "Key": entry.key,
                "Deleted in": deleted_in,
                "Kept in": kept_in,
                "Next run": "" if mine is None else f"{_WORDS[mine.choice]}, as {mine.by} decided",
            }
            for entry in ledger.deletes.page(pulls=side == "sql", after=0, limit=limit)
        ]
    return rows


@command
def release(args: Namespace) -> None:
    """Let the next run carry out the deletes that are held now, and no others."""
    _decide(args, "release")


@command
def discard(args: Namespace) -> None:
    """Let the next run undo the deletes that are held now, on the side where they were made."""
    _decide(args, "keep")


def _decide(args: Namespace, choice: DecisionChoice) -> None:
    mapping = named_mapping(args)
    with write_ledger(mapping, args) as ledger:
        sets = [held_set(ledger, side) for side in _SIDES if args.kept_in in (None, side)]
        held = [each for each in sets if each.count]
        if not held:
            where = "" if args.kept_in is None else f" in {_SIDES[sets[0].kept_in][0]}"
            raise ConfigError(f"mapping {mapping.name!r}: no delete is held{where}")
        if len(held) > 1:
            raise ConfigError(
                f"mapping {mapping.name!r}: deletes are held on both sides, {held[0].count:,} in Lark and "
                f"{held[1].count:,} in SQL; give --kept-in lark or --kept-in sql"
            )
        (mine,) = held
        kept_in = _SIDES[mine.kept_in][0]
        if args.count not in (None, mine.count):
            raise ConfigError(
                f"mapping {mapping.name!r}: {counted(mine.count, 'delete')} held in {kept_in} now, not "
                f"{args.count:,}; nothing was decided. Look at them again: `airflow lark sync held list`"
            )
        decide_held(ledger, mine.kept_in, choice=choice, by=shell_user(), shown=Shown(mine.seen, mine.chosen))
    print(f"{counted(mine.count, 'delete')} held in {kept_in} will be {_WORDS[choice]} by the next run")
