"""``airflow lark sync failed`` and ``retry``: the rows that failed for good, and another try for them."""

from __future__ import annotations

from argparse import Namespace

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import read_ledgers, write_ledger
from airflow_provider_lark.cli.sync.words import span
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.ledger.dead_letters import Retried

_WORDS: dict[Retried, str] = {
    "retried": "The next run tries again",
    "waiting": "Wait for the next run already",
    "processing": "A run is trying them now",
    "held": "Held deletes, which a person has to release",
}


@command
def list_failed(args: Namespace) -> None:
    """Print the rows that failed for good, with their reasons."""
    read = read_ledgers(
        args,
        lambda mapping, ledger: [
            {
                "Mapping": mapping.name,
                "Key": failed.key,
                "Change": failed.operation,
                "Attempts": failed.attempts,
                "Failed": f"{span(failed.age_seconds)} ago",
                "Error": failed.error,
            }
            for failed in ledger.dead_letters.failed_page(limit=args.limit)
        ],
    )
    print_rows(read.found, args.output)
    read.tell_errors()


@command
def retry(args: Namespace) -> None:
    """Let the next run try rows again: those that are named, or all that failed."""
    if bool(args.keys) == args.all:
        raise ConfigError("give the keys to try again, or --all; `airflow lark sync failed` lists them")
    mapping = named_mapping(args)
    with write_ledger(mapping, args) as ledger:
        if args.all:
            print(f"The next run tries {counted(ledger.dead_letters.retry_all(), 'failed row')} again")
            return
        found = ledger.dead_letters.retry(list(dict.fromkeys(args.keys)))
        if unknown := [key for key, state in found.items() if state == "unknown"]:
            raise ConfigError(f"nothing of {list_names(map(repr, unknown))} has failed or waits; nothing was changed")
    for state, words in _WORDS.items():
        if keys := [shown(key) for key, each in found.items() if each == state]:
            print(f"{words}: {list_names(keys)}")
