"""What several of the commands ``airflow lark sync …`` take; imports only what every ``airflow`` command imports."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, lazy_load_command

from airflow_provider_lark.cli.arguments import POSITIVE, arg

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
    help="YAML file of mappings; may be repeated (default: mapping_files in section lark of the configuration)",
    action="append",
    default=[],
    metavar="FILE",
)
ARG_NAME = arg("name", help="Name of the mapping", metavar="MAPPING")

FILES = (ARG_MAPPING, ARG_SQL_CONN_ID)
MAPPINGS = (ARG_MAPPING, ARG_MAPPING_NAME, ARG_SQL_CONN_ID)


def limit(default: int) -> Arg:
    """Return the argument that says how much is listed of each mapping."""
    return arg(
        "--limit",
        help=f"List at most this many of each mapping, the newest ones (default: {default})",
        type=POSITIVE,
        default=default,
        metavar="NUMBER",
    )


def command(name: str, text: str, function: str, *args: Any) -> ActionCommand:
    """Return a command that *function*, a path below ``cli.sync``, carries out."""
    return ActionCommand(
        name=name, help=text, func=lazy_load_command(f"airflow_provider_lark.cli.sync.{function}"), args=args
    )
