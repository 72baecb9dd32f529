"""``airflow lark sync held …``: the deletes that are held back, and what becomes of them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, NamedTuple

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping, wanted_mappings
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.cli.sync.places import read_ledger, write_ledger
from airflow_provider_lark.cli.sync.words import shell_user
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.decisions import DecisionChoice, DecisionKind


class _Set(NamedTuple):
    """The deletes that are held on one side: they are decided together."""

    kind: DecisionKind
    kept_in: str
    deleted_in: str

    @property
    def pulls(self) -> bool:
        return self.kind == "held_rows"


_SETS = {"lark": _Set("held_records", "Lark", "SQL"), "sql": _Set("held_rows", "SQL", "Lark")}
_WORDS: dict[DecisionChoice, str] = {"release": "carried out", "keep": "undone"}


@command
def list_held(args: Namespace) -> None:
    """Print the deletes that are held back."""
    rows: list[dict[str, Any]] = []
    for mapping in wanted_mappings(args):
        with read_ledger(mapping, args) as ledger:
            decided = {each.kind: each for each in ledger.decisions.open()}
            for each in _SETS.values():
                mine = decided.get(each.kind)
                is_same = mine is not None and mine.seen == ledger.deletes.fingerprint(pulls=each.pulls)
                next_run = f"{_WORDS[mine.choice]}, as {mine.by} decided" if mine is not None and is_same else ""
                rows += [
                    {
                        "Mapping": mapping.name,
                        "Key": entry.key,
                        "Deleted in": each.deleted_in,
                        "Kept in": each.kept_in,
                        "Next run": next_run,
                    }
                    for entry in ledger.deletes.page(pulls=each.pulls, after=0, limit=args.limit)
                ]
    print_rows(rows, args.output)


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
    told = []
    with write_ledger(mapping, args) as ledger:
        held = {side: count for side, count in _counts(ledger).items() if count and args.kept_in in (None, side)}
        if not held:
            where = "" if args.kept_in is None else f" in {_SETS[args.kept_in].kept_in}"
            raise ConfigError(f"mapping {mapping.name!r}: no delete is held{where}")
        if len(held) > 1:
            raise ConfigError(
                f"mapping {mapping.name!r}: deletes are held on both sides, {held['lark']:,} in Lark and "
                f"{held['sql']:,} in SQL; give --kept-in lark or --kept-in sql"
            )
        for side, count in held.items():
            if args.count is not None and args.count != count:
                raise ConfigError(
                    f"mapping {mapping.name!r}: {counted(count, 'delete')} held in {_SETS[side].kept_in} now, not "
                    f"{args.count:,}; nothing was decided. Look at them again: `airflow lark sync held list`"
                )
            each = _SETS[side]
            seen = ledger.deletes.fingerprint(pulls=each.pulls)
            ledger.decisions.decide(each.kind, "", seen=seen, choice=choice, by=shell_user())
            told.append(f"{counted(count, 'delete')} held in {each.kept_in} will be {_WORDS[choice]} by the next run")
    print("\n".join(told))


def _counts(ledger: Ledger) -> dict[str, int]:
    count = ledger.deletes.count()
    return {"lark": count.in_lark, "sql": count.in_sql}
