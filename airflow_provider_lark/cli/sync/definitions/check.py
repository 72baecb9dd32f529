"""What ``airflow lark sync check`` takes; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, NOT_NEGATIVE, arg

CHECK_ARGUMENTS = (
    ARG_CONN_ID,
    arg(
        "--repair",
        help="Write to this side, so that it equals the other one; policy: as a full sync would (default: no)",
        choices=("no", "sql", "lark", "policy"),
        default="no",
    ),
    arg("--dry-run", help="Only print what the repair would do", action="store_true"),
    arg(
        "--threshold",
        help="Warn if more rows differ than this (default: 10)",
        type=NOT_NEGATIVE,
        default=10,
        metavar="NUMBER",
    ),
    arg(
        "--settle-seconds",
        help="Look again at what differs after so many seconds (default: 0)",
        type=NOT_NEGATIVE,
        default=0,
        metavar="SECONDS",
    ),
    arg(
        "--report",
        help="Write a report to FILE, .html or .json, {mapping} in it for one of each mapping; may be repeated",
        action="append",
        default=[],
        metavar="FILE",
    ),
    arg(
        "--report-rows",
        help="List at most this many of the rows that differ in it (default: 1000)",
        type=NOT_NEGATIVE,
        default=1000,
        metavar="NUMBER",
    ),
    arg("--no-values", help="List them without their values", action="store_true"),
    arg(
        "--hide",
        help="Do not show the values of this column; may be repeated",
        action="append",
        default=[],
        metavar="COLUMN",
    ),
    ARG_OUTPUT,
    ARG_VERBOSE,
)
