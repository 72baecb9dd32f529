"""What ``explain`` and ``undo`` of ``airflow lark sync`` take; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ARG_YES

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, arg

EXPLAIN_HELP = "Print why a row is not in step, and everything that ever happened to it"
UNDO_HELP = "Print what of a run can be taken back, and take it back; exit status 2 if something waits or was left"

EXPLAIN_ARGUMENTS = (
    arg("key", help="SQL key of the row, or the id of its record", metavar="KEY"),
    ARG_CONN_ID,
    ARG_OUTPUT,
    ARG_VERBOSE,
)

UNDO_ARGUMENTS = (
    arg("run", help="Id of the run, as `log` and `runs --output json` print it", metavar="RUN"),
    ARG_CONN_ID,
    arg("--allow-mass-deletes", help="Remove what the run made without a limit", action="store_true"),
    ARG_YES,
    ARG_OUTPUT,
    ARG_VERBOSE,
)
