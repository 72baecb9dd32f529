"""What ``airflow lark sync …`` offers; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ARG_YES,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
)

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, POSITIVE, arg
from airflow_provider_lark.cli.sync.check_definition import CHECK_ARGUMENTS
from airflow_provider_lark.cli.sync.explain_definition import EXPLAIN_ARGUMENTS, EXPLAIN_HELP, UNDO_ARGUMENTS, UNDO_HELP
from airflow_provider_lark.cli.sync.init_definition import INIT_COMMAND

ARG_MAPPING_NAME = arg(
    "--mapping-name",
    help="Use only this mapping from the files; may be repeated",
    action="append",
    default=[],
    metavar="NAME",
)

ARG_SQL_CONN_ID = arg("--sql-conn-id", help="Connection of the database; overrides the mappings' sql.conn_id")

ARG_MAPPING = arg(
    "-m",
    "--mapping",
    help="YAML file of mappings; may be repeated (default: mapping_files in section [lark] of the configuration)",
    action="append",
    default=[],
    metavar="FILE",
)
_ARG_ALLOW = arg("--allow-mass-deletes", help="Delete without a limit, and release held deletes", action="store_true")
_ARG_NAME = arg("name", help="Name of the mapping", metavar="MAPPING")
_ARG_EVERYWHERE = arg("--everywhere", help="For every table of the database, not this one alone", action="store_true")

_HELD = (
    arg("--kept-in", help="Only those that keep records in Lark, or rows in SQL", choices=("lark", "sql")),
    arg("--count", help="Only if it still is so many", type=POSITIVE, metavar="NUMBER"),
)
_FILES = (ARG_MAPPING, ARG_SQL_CONN_ID)
_MAPPINGS = (ARG_MAPPING, ARG_MAPPING_NAME, ARG_SQL_CONN_ID)


def _limit(default: int) -> Arg:
    return arg(
        "--limit",
        help=f"List at most this many of each mapping, the newest ones (default: {default})",
        type=POSITIVE,
        default=default,
        metavar="NUMBER",
    )


def _keys(*, nargs: str = "+") -> Arg:
    return arg("keys", help="SQL keys, as the ledger has them: 42, or for several columns a JSON array", nargs=nargs)


def _command(name: str, text: str, function: str, *args: Any) -> ActionCommand:
    return ActionCommand(
        name=name, help=text, func=lazy_load_command(f"airflow_provider_lark.cli.sync.{function}"), args=args
    )


SYNC_COMMANDS = (
    INIT_COMMAND,
    _command(
        "status",
        "Print how each mapping is; exit status 2 if something does not go on by itself",
        "status.show_status",
        *_MAPPINGS,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command(
        "run",
        "Sync what changed since the last run; exit status 2 if rows failed or deletes are held",
        "run.run",
        ARG_CONN_ID,
        *_MAPPINGS,
        _ARG_ALLOW,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command(
        "full",
        "Compare every row and sync the differences; exit status 2 if rows failed or deletes are held",
        "run.full",
        ARG_CONN_ID,
        *_MAPPINGS,
        _ARG_ALLOW,
        arg(
            "--uncaptured",
            help="Which side counts where SQL differs and no trigger captured a change: lark after the table was "
            "restored from a backup, sql after it was filled with triggers off",
            choices=("lark", "sql"),
        ),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command(
        "check",
        "Compare every row, and repair what differs if asked to; exit status 2 if rows differ",
        "run.check",
        *_MAPPINGS,
        *CHECK_ARGUMENTS,
    ),
    _command(
        "plan",
        "Print what a sync run would do without doing it; exit status 2 if there is anything to do",
        "plan.plan",
        ARG_CONN_ID,
        *_MAPPINGS,
        arg("--full", help="Plan a full sync; default: an incremental one", action="store_true"),
        arg("--allow-mass-deletes", help="Plan as if mass deletes were allowed", action="store_true"),
        arg("--save", help="Also save the plan to FILE, without values, for `airflow lark sync apply`", metavar="FILE"),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command(
        "apply",
        "Apply a saved plan; exit status 2 if a part of it was skipped or failed",
        "plan.apply",
        arg("plan", help="Plan file written by `airflow lark sync plan --save`", metavar="FILE"),
        ARG_CONN_ID,
        *_FILES,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command("runs", "List the runs of the past", "history.list_runs", *_MAPPINGS, _limit(20), ARG_OUTPUT, ARG_VERBOSE),
    _command(
        "log",
        "List what became of the changes of one mapping",
        "history.list_log",
        _ARG_NAME,
        *_FILES,
        arg("--key", help="Only of this row, by its SQL key"),
        arg("--run-id", help="Only of this run"),
        arg("--status", help="Only lines of this status: applied, failed, conflict, …"),
        _limit(100),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command("explain", EXPLAIN_HELP, "explain.explain", *EXPLAIN_ARGUMENTS, *_MAPPINGS),
    _command("undo", UNDO_HELP, "undo.undo", *UNDO_ARGUMENTS, *_MAPPINGS),
    _command(
        "failed",
        "List the rows that failed for good, with their errors",
        "waiting.list_failed",
        *_MAPPINGS,
        _limit(100),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    _command(
        "retry",
        "Let the next run try failed rows again",
        "waiting.retry",
        _ARG_NAME,
        _keys(nargs="*"),
        arg("--all", help="Try every failed row of the mapping again", action="store_true"),
        *_FILES,
        ARG_VERBOSE,
    ),
    GroupCommand(
        name="blacklist",
        help="Manage rows that the sync leaves alone",
        subcommands=(
            _command(
                "list",
                "List the rows that are left alone",
                "blacklist.list_blacklist",
                *_MAPPINGS,
                _limit(100),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            _command(
                "add",
                "Leave rows alone from the next run on",
                "blacklist.add",
                _ARG_NAME,
                _keys(),
                arg("--reason", help="A note for others"),
                arg("--hours", help="For so many hours; default: until they are removed", type=POSITIVE),
                _ARG_EVERYWHERE,
                *_FILES,
                ARG_VERBOSE,
            ),
            _command(
                "remove",
                "Sync rows again from the next run on",
                "blacklist.remove",
                _ARG_NAME,
                _keys(),
                _ARG_EVERYWHERE,
                *_FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
    GroupCommand(
        name="conflicts",
        help="Manage rows that both sides changed",
        subcommands=(
            _command(
                "list",
                "List the open conflicts",
                "conflicts.list_conflicts",
                *_MAPPINGS,
                _limit(100),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            _command(
                "show",
                "Print the values of a conflict on both sides",
                "conflicts.show_conflict",
                _ARG_NAME,
                arg("id", help="Id of the conflict, as `conflicts list` prints it", type=int),
                *_FILES,
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
            _command(
                "resolve",
                "Let one side win from the next run on, if the values are the same then",
                "conflicts.resolve",
                _ARG_NAME,
                arg("ids", help="Ids of conflicts, as `conflicts list` prints them", type=int, nargs="+", metavar="ID"),
                arg("--take", help="The side that wins", choices=("lark", "sql"), required=True),
                *_FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
    GroupCommand(
        name="held",
        help="Manage deletes that are held back",
        subcommands=(
            _command(
                "list", "List the held deletes", "held.list_held", *_MAPPINGS, _limit(100), ARG_OUTPUT, ARG_VERBOSE
            ),
            _command(
                "release",
                "Let the next run carry out the deletes that are held now",
                "held.release",
                _ARG_NAME,
                *_HELD,
                *_FILES,
                ARG_VERBOSE,
            ),
            _command(
                "discard",
                "Let the next run undo the deletes that are held now",
                "held.discard",
                _ARG_NAME,
                *_HELD,
                *_FILES,
                ARG_VERBOSE,
            ),
        ),
    ),
    _command(
        "move",
        "Let a mapping continue with the Bitable table that it names now, for example a copy of the base",
        "moving.move",
        _ARG_NAME,
        ARG_CONN_ID,
        *_FILES,
        ARG_YES,
        ARG_VERBOSE,
    ),
    _command(
        "uninstall",
        "Remove the triggers and the state of a mapping; both tables keep their rows",
        "removal.uninstall",
        _ARG_NAME,
        arg("--keep-state", help="Only remove the triggers; the next run installs them anew", action="store_true"),
        *_FILES,
        ARG_YES,
        ARG_VERBOSE,
    ),
)
