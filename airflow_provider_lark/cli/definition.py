"""What ``airflow lark …`` offers. Every ``airflow`` command imports this, so it imports only what they all import."""

from __future__ import annotations

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ARG_YES,
    ActionCommand,
    CLICommand,
    GroupCommand,
    lazy_load_command,
)

from airflow_provider_lark.cli.arguments import ARG_CONN_ID as _ARG_CONN_ID
from airflow_provider_lark.cli.arguments import POSITIVE as _SECONDS
from airflow_provider_lark.cli.arguments import arg as _arg
from airflow_provider_lark.cli.inbox_definition import INBOX_COMMANDS
from airflow_provider_lark.cli.sync.definitions.arguments import ARG_MAPPING, ARG_MAPPING_NAME, ARG_SQL_CONN_ID
from airflow_provider_lark.cli.sync.definitions.commands import SYNC_COMMANDS

_DOCTOR_ARGS = (
    _ARG_CONN_ID,
    _arg(
        "-m",
        "--mapping",
        help="YAML file of mappings to check as well; may be repeated",
        action="append",
        default=[],
        metavar="FILE",
    ),
    ARG_MAPPING_NAME,
    ARG_SQL_CONN_ID,
    _arg(
        "--max-queue-age",
        help="Report queued changes older than this as a problem, in seconds (default: 3600)",
        type=_SECONDS,
        default=3600,
        metavar="SECONDS",
    ),
    _arg("--events", help="Also check whether Lark's events and clicks arrive; changes nothing", action="store_true"),
    _arg(
        "--receiver-url",
        help="Also check the receiver at this address, as Lark does when it is entered in the developer console; "
        "implies --events",
        metavar="URL",
    ),
    ARG_OUTPUT,
    ARG_VERBOSE,
)

_APP_ADD_ARGS = (
    _ARG_CONN_ID,
    _arg("--app-id", help="App ID (cli_…) from the developer console", required=True),
    _arg(
        "--app-secret",
        help="App Secret. Other users of this machine may see it on the command line; prefer --app-secret-stdin, or "
        "leave both out to be prompted",
    ),
    _arg("--app-secret-stdin", help="Read the App Secret from standard input", action="store_true"),
    _arg("--name", help="Display name"),
    _arg("--description", help="What the app is for"),
    _arg(
        "--region",
        help="Platform the app belongs to (default: feishu)",
        choices=("feishu", "lark"),
        default="feishu",
    ),
    _arg("--host", help="Address of your own deployment; overrides --region"),
    _arg("--replace", help="Replace an existing connection with this id", action="store_true"),
    ARG_VERBOSE,
)

_APP_COMMANDS = (
    ActionCommand(
        name="add",
        help="Add a Lark app as a connection",
        func=lazy_load_command("airflow_provider_lark.cli.apps.add_app"),
        args=_APP_ADD_ARGS,
    ),
    ActionCommand(
        name="list",
        help="List the connections of Lark apps",
        func=lazy_load_command("airflow_provider_lark.cli.apps.list_apps"),
        args=(
            _arg("--offline", help="Do not query each app's status from Lark", action="store_true"),
            ARG_OUTPUT,
            ARG_VERBOSE,
        ),
    ),
    ActionCommand(
        name="show",
        help="Show an app's connection without its secrets",
        func=lazy_load_command("airflow_provider_lark.cli.apps.show_app"),
        args=(_ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="remove",
        help="Remove an app's connection",
        func=lazy_load_command("airflow_provider_lark.cli.apps.remove_app"),
        args=(_arg("--conn-id", help="Connection of type lark", required=True), ARG_YES, ARG_VERBOSE),
    ),
    ActionCommand(
        name="test",
        help="Test the connection: get a token and query the app's identity",
        func=lazy_load_command("airflow_provider_lark.cli.apps.check_app"),
        args=(_ARG_CONN_ID, ARG_VERBOSE),
    ),
)

_STORE_ARGS = (
    _ARG_CONN_ID,
    _arg(
        "--sql-conn-id",
        help="Connection of the token store's database (default: store_conn_id of the Lark connection)",
    ),
)

_TOKEN_COMMANDS = (
    ActionCommand(
        name="check",
        help="Create or upgrade the token store's tables, and report which tokens the keys can decrypt",
        func=lazy_load_command("airflow_provider_lark.cli.tokens.look_at_store"),
        args=(*_STORE_ARGS, ARG_VERBOSE),
    ),
    ActionCommand(
        name="reencrypt",
        help="Re-encrypt tokens, questions, answers and the inbox with the first key in LARK_CONFIG_ENCRYPTION_KEY",
        func=lazy_load_command("airflow_provider_lark.cli.tokens.reencrypt_store"),
        args=(
            *_STORE_ARGS,
            _arg("--drop-unreadable", help="Delete tokens that none of the keys can decrypt", action="store_true"),
            ARG_VERBOSE,
        ),
    ),
    ActionCommand(
        name="purge",
        help="Delete expired tokens and expired entries of the user cache",
        func=lazy_load_command("airflow_provider_lark.cli.tokens.purge_store"),
        args=(*_STORE_ARGS, ARG_VERBOSE),
    ),
)


_FEED_ARGS = (_ARG_CONN_ID, ARG_MAPPING, ARG_MAPPING_NAME)
_ARG_ADDRESS = _arg(
    "--address",
    help="Where Lark reaches the receiver, without /feed/<connection id> (default: receiver_url of section lark)",
    metavar="URL",
)

_FEED_COMMANDS = (
    ActionCommand(
        name="install",
        help="Make the automation that tells of edits in each table, or put it right",
        func=lazy_load_command("airflow_provider_lark.cli.feed.install"),
        args=(*_FEED_ARGS, _ARG_ADDRESS, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="status",
        help="Check these automations; exit status 1 if one is missing or changed",
        func=lazy_load_command("airflow_provider_lark.cli.feed.status"),
        args=(*_FEED_ARGS, _ARG_ADDRESS, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="uninstall",
        help="Remove these automations, and no others",
        func=lazy_load_command("airflow_provider_lark.cli.feed.uninstall"),
        args=(*_FEED_ARGS, ARG_OUTPUT, ARG_VERBOSE),
    ),
)

_PROBE_ARGS = (
    _ARG_CONN_ID,
    _arg("--file", help="Also write the answers to this JSON file, to attach to an issue", metavar="FILE"),
    ARG_YES,
    ARG_OUTPUT,
    ARG_VERBOSE,
)

_RECEIVE_ARGS = (
    _arg(
        "--conn-id",
        help="Connection of type lark whose app is served; may be repeated (default: lark_default)",
        action="append",
        default=[],
        metavar="CONN_ID",
    ),
    _arg("--http", help="Address to listen on (default: 127.0.0.1:8765)", metavar="HOST:PORT"),
    _arg(
        "--long-connection",
        help="Connect to Lark instead of listening: needs no public URL",
        action="store_true",
    ),
    ARG_VERBOSE,
)


def get_lark_cli_commands() -> list[CLICommand]:
    """Return the group ``lark``, as the provider's ``cli`` entry promises it."""
    return [
        GroupCommand(
            name="lark",
            help="Manage Lark / Feishu connections and syncs",
            subcommands=(
                ActionCommand(
                    name="doctor",
                    help="Check a connection and the mappings that use it; exit status 1 if there is a problem",
                    func=lazy_load_command("airflow_provider_lark.cli.health.examine"),
                    args=_DOCTOR_ARGS,
                ),
                ActionCommand(
                    name="probe",
                    help="Try on a scratch base what Lark does where its documentation is silent or contradictory",
                    func=lazy_load_command("airflow_provider_lark.cli.probe.run_probe"),
                    args=_PROBE_ARGS,
                ),
                GroupCommand(
                    name="sync",
                    help="Manage syncs",
                    subcommands=SYNC_COMMANDS,
                ),
                ActionCommand(
                    name="receive",
                    help="Receive Lark's events and store them for continuous syncs",
                    func=lazy_load_command("airflow_provider_lark.cli.receive.receive"),
                    args=_RECEIVE_ARGS,
                ),
                GroupCommand(
                    name="feed",
                    help="Manage automations that tell of edits, where the app has no event scopes",
                    subcommands=_FEED_COMMANDS,
                ),
                GroupCommand(
                    name="inbox", help="Manage what Lark sent and what waits to be handled", subcommands=INBOX_COMMANDS
                ),
                GroupCommand(name="app", help="Manage Lark apps as connections", subcommands=_APP_COMMANDS),
                GroupCommand(name="tokens", help="Manage the token store", subcommands=_TOKEN_COMMANDS),
            ),
        )
    ]
