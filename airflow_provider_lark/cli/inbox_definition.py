"""What ``airflow lark inbox …`` offers; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, lazy_load_command

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, DAYS, POSITIVE, arg

INBOX_COMMANDS = (
    ActionCommand(
        name="status",
        help="Print how many entries wait, are done or failed; exit status 2 if any has failed",
        func=lazy_load_command("airflow_provider_lark.cli.inbox.show_status"),
        args=(ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="failed",
        help="List the entries that failed for good, with their errors",
        func=lazy_load_command("airflow_provider_lark.cli.inbox.list_failed"),
        args=(
            ARG_CONN_ID,
            arg(
                "--limit",
                help="List at most this many, the newest ones (default: 100)",
                type=POSITIVE,
                default=100,
                metavar="NUMBER",
            ),
            ARG_OUTPUT,
            ARG_VERBOSE,
        ),
    ),
    ActionCommand(
        name="replay",
        help="Let failed entries be handled again; exit status 2 if any of the given ids has not failed",
        func=lazy_load_command("airflow_provider_lark.cli.inbox.replay"),
        args=(
            arg(
                "ids",
                help="Ids of entries, as `airflow lark inbox failed` lists them",
                type=POSITIVE,
                nargs="*",
                metavar="ID",
            ),
            arg("--all", help="Replay every failed entry", action="store_true"),
            ARG_CONN_ID,
            ARG_VERBOSE,
        ),
    ),
    ActionCommand(
        name="purge",
        help="Delete old entries of every app in the database. Clicks that still wait are never deleted",
        func=lazy_load_command("airflow_provider_lark.cli.inbox.purge"),
        args=(
            ARG_CONN_ID,
            arg(
                "--waiting-days",
                help="Delete events that have waited for this many days because nothing handles them (default: 14)",
                type=DAYS,
                default=14,
                metavar="DAYS",
            ),
            ARG_VERBOSE,
        ),
    ),
)
