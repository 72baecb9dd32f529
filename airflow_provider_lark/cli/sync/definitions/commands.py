"""What ``airflow lark sync …`` offers; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ARG_YES

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, arg
from airflow_provider_lark.cli.sync.definitions.arguments import ARG_NAME, FILES, MAPPINGS, command, limit
from airflow_provider_lark.cli.sync.definitions.check import CHECK_ARGUMENTS
from airflow_provider_lark.cli.sync.definitions.explain import (
    EXPLAIN_ARGUMENTS,
    EXPLAIN_HELP,
    UNDO_ARGUMENTS,
    UNDO_HELP,
)
from airflow_provider_lark.cli.sync.definitions.init import INIT_COMMAND
from airflow_provider_lark.cli.sync.definitions.waiting import WAITING_COMMANDS

_ARG_ALLOW = arg("--allow-mass-deletes", help="Delete without a limit, and release held deletes", action="store_true")

SYNC_COMMANDS = (
    INIT_COMMAND,
    command(
        "status",
        "Print how each mapping is; exit status 2 if something does not go on by itself",
        "status.show_status",
        *MAPPINGS,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command(
        "run",
        "Sync what changed since the last run; exit status 2 if rows failed or deletes are held",
        "run.run",
        ARG_CONN_ID,
        *MAPPINGS,
        _ARG_ALLOW,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command(
        "full",
        "Compare every row and sync the differences; exit status 2 if rows failed or deletes are held",
        "run.full",
        ARG_CONN_ID,
        *MAPPINGS,
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
    command(
        "check",
        "Compare every row, and repair what differs if asked to; exit status 2 if rows differ",
        "run.check",
        *MAPPINGS,
        *CHECK_ARGUMENTS,
    ),
    command(
        "plan",
        "Print what a sync run would do without doing it; exit status 2 if there is anything to do",
        "plan.plan",
        ARG_CONN_ID,
        *MAPPINGS,
        arg("--full", help="Plan a full sync; default: an incremental one", action="store_true"),
        arg("--allow-mass-deletes", help="Plan as if mass deletes were allowed", action="store_true"),
        arg("--save", help="Also save the plan to FILE, without values, for `airflow lark sync apply`", metavar="FILE"),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command(
        "apply",
        "Apply a saved plan; exit status 2 if a part of it was skipped or failed",
        "plan.apply",
        arg("plan", help="Plan file written by `airflow lark sync plan --save`", metavar="FILE"),
        ARG_CONN_ID,
        *FILES,
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command("runs", "List the runs of the past", "history.list_runs", *MAPPINGS, limit(20), ARG_OUTPUT, ARG_VERBOSE),
    command(
        "log",
        "List what became of the changes of one mapping",
        "history.list_log",
        ARG_NAME,
        *FILES,
        arg("--key", help="Only of this row, by its SQL key"),
        arg("--run-id", help="Only of this run"),
        arg("--status", help="Only lines of this status: applied, failed, conflict, …"),
        limit(100),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
    command("explain", EXPLAIN_HELP, "explain.explain", *EXPLAIN_ARGUMENTS, *MAPPINGS),
    command("undo", UNDO_HELP, "undo.undo", *UNDO_ARGUMENTS, *MAPPINGS),
    *WAITING_COMMANDS,
    command(
        "move",
        "Let a mapping continue with the Bitable table that it names now, for example a copy of the base",
        "moving.move",
        ARG_NAME,
        ARG_CONN_ID,
        *FILES,
        ARG_YES,
        ARG_VERBOSE,
    ),
    command(
        "uninstall",
        "Remove the triggers and the state of a mapping; both tables keep their rows",
        "removal.uninstall",
        ARG_NAME,
        ARG_CONN_ID,
        arg("--keep-state", help="Only remove the triggers; the next run installs them anew", action="store_true"),
        *FILES,
        ARG_YES,
        ARG_VERBOSE,
    ),
)
