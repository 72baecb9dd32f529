"""What ``airflow lark sync`` offers about rows that wait; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, Arg, GroupCommand

from airflow_provider_lark.cli.arguments import HOURS, POSITIVE, arg
from airflow_provider_lark.cli.sync.definitions.arguments import ARG_NAME, FILES, MAPPINGS, command, limit

_ARG_EVERYWHERE = arg("--everywhere", help="For every table of the database, not this one alone", action="store_true")
_HELD = (
    arg("--kept-in", help="Only those that keep records in Lark, or rows in SQL", choices=("lark", "sql")),
    arg("--count", help="Only if it still is so many", type=POSITIVE, metavar="NUMBER"),
)


def _keys(*, nargs: str = "+") -> Arg:
    return arg("keys", help="SQL keys, as the ledger has them: 42, or for several columns a JSON array", nargs=nargs)


WAITING_COMMANDS = (
    command(
        "failed",
        "List the rows that failed for good, with their errors",
        "waiting.list_failed",
        *MAPPINGS,
        limit(100),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command(
        "retry",
        "Let the next run try failed rows again",
        "waiting.retry",
        ARG_NAME,
        _keys(nargs="*"),
        arg("--all", help="Try every failed row of the mapping again", action="store_true"),
        *FILES,
        ARG_VERBOSE,
    ),
    GroupCommand(
        name="blacklist",
        help="Manage rows that the sync leaves alone",
        subcommands=(
            command(
                "list",
                "List the rows that are left alone",
                "blacklist.list_blacklist",
                *MAPPINGS,
                limit(100),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            command(
                "add",
                "Leave rows alone from the next run on",
                "blacklist.add",
                ARG_NAME,
                _keys(),
                arg("--reason", help="A note for others"),
                arg("--hours", help="For so many hours; default: until they are removed", type=HOURS),
                _ARG_EVERYWHERE,
                *FILES,
                ARG_VERBOSE,
            ),
            command(
                "remove",
                "Sync rows again from the next run on",
                "blacklist.remove",
                ARG_NAME,
                _keys(),
                _ARG_EVERYWHERE,
                *FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
    GroupCommand(
        name="conflicts",
        help="Manage rows that both sides changed",
        subcommands=(
            command(
                "list",
                "List the open conflicts",
                "conflicts.list_conflicts",
                *MAPPINGS,
                limit(100),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            command(
                "show",
                "Print the values of a conflict on both sides",
                "conflicts.show_conflict",
                ARG_NAME,
                arg("id", help="Id of the conflict, as `conflicts list` prints it", type=POSITIVE),
                *FILES,
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            command(
                "resolve",
                "Let one side win from the next run on, if the values are the same then",
                "conflicts.resolve",
                ARG_NAME,
                arg(
                    "ids",
                    help="Ids of conflicts, as `conflicts list` prints them",
                    type=POSITIVE,
                    nargs="+",
                    metavar="ID",
                ),
                arg("--take", help="The side that wins", choices=("lark", "sql"), required=True),
                *FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
    GroupCommand(
        name="held",
        help="Manage deletes that are held back",
        subcommands=(
            command("list", "List the held deletes", "held.list_held", *MAPPINGS, limit(100), ARG_OUTPUT, ARG_VERBOSE),
            command(
                "release",
                "Let the next run carry out the deletes that are held now",
                "held.release",
                ARG_NAME,
                *_HELD,
                *FILES,
                ARG_VERBOSE,
            ),
            command(
                "discard",
                "Let the next run undo the deletes that are held now",
                "held.discard",
                ARG_NAME,
                *_HELD,
                *FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
)
