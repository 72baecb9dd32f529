"""What ``airflow lark sync init`` takes; likewise imports only what every ``airflow`` command imports."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_VERBOSE, ARG_YES, ActionCommand, lazy_load_command

from airflow_provider_lark.cli.arguments import ARG_CONN_ID, arg

INIT_COMMAND = ActionCommand(
    name="init",
    help="Write a first mapping file for a base and a database",
    func=lazy_load_command("airflow_provider_lark.cli.sync.draft.init"),
    args=(
        arg("base", help="The base: its name in the connection, its app_token or its URL"),
        ARG_CONN_ID,
        arg("--sql-conn-id", help="Connection of the database", required=True),
        arg("--schema", help="Schema of the SQL tables (default: the connection's)"),
        arg(
            "--table",
            help="Only this table, by its name on either side; LARK=SQL pairs two of different names; may be repeated",
            action="append",
            default=[],
            metavar="NAME",
        ),
        arg("--create", help="First create the tables that this side lacks", choices=("sql", "lark")),
        arg("--file", help="Where to write the mappings (default: standard output)", metavar="FILE"),
        arg("--force", help="Replace the file if it exists", action="store_true"),
        ARG_YES,
        ARG_VERBOSE,
    ),
)
