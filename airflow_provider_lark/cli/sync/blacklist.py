"""``airflow lark sync blacklist …``: the rows that the sync leaves alone."""

from __future__ import annotations

from argparse import Namespace

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import read_ledgers, write_ledger
from airflow_provider_lark.cli.sync.words import span
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted, list_names

_HOUR_SECONDS = 3600.0


@command
def list_blacklist(args: Namespace) -> None:
    """Print the rows that are left alone."""
    read = read_ledgers(
        args,
        lambda mapping, ledger: [
            {
                "Mapping": mapping.name,
                "Key": each.key,
                "Holds for": "every table" if each.table_name is None else each.table_name,
                "Ends in": span(each.left_seconds) or "never",
                "Reason": each.reason,
            }
            for each in ledger.blacklist.entries(limit=args.limit)
        ],
    )
    print_rows(read.found, args.output)
    read.tell_errors()


@command
def add(args: Namespace) -> None:
    """Leave rows alone from the next run on."""
    mapping, keys = named_mapping(args), list(dict.fromkeys(args.keys))
    seconds = None if args.hours is None else args.hours * _HOUR_SECONDS
    with write_ledger(mapping, args) as ledger:
        ledger.blacklist.add(keys, reason=args.reason or "", seconds=seconds, everywhere=args.everywhere)
    until = "until they are removed" if seconds is None else f"for {span(seconds)}"
    where = "every table of the database" if args.everywhere else mapping.sql.table_name
    print(f"{counted(len(keys), 'row')} of {shown(where)} left alone {until}")


@command
def remove(args: Namespace) -> None:
    """Sync rows again from the next run on."""
    mapping, keys = named_mapping(args), list(dict.fromkeys(args.keys))
    with write_ledger(mapping, args) as ledger:
        found = ledger.blacklist.remove(keys, everywhere=args.everywhere)
        if missing := [key for key in keys if key not in found]:
            other = "" if args.everywhere else "; what holds for every table is removed with --everywhere"
            raise ConfigError(
                f"not on the blacklist: {list_names(map(repr, missing))}; nothing was changed (`airflow lark sync "
                f"blacklist list` shows what is){other}"
            )
    print(f"{counted(len(keys), 'row')} synced again from the next run on")
