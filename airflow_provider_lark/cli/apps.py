"""``airflow lark app …``: Lark apps as Airflow connections. Secrets are taken in and never shown."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from airflow.models import Connection
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.hooks.connections.lark import LarkSettings
from airflow_provider_lark.hooks.lark import LarkHook

CONN_TYPE = "lark"


@command
def add_app(args: Namespace) -> None:
    """Add a connection; refuse one that is there, unless it is to be replaced."""
    extra = {"region": args.region, "app_name": args.name, "added_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}
    made = Connection(
        conn_id=args.conn_id,
        conn_type=CONN_TYPE,
        host=args.host,
        login=args.app_id,
        password=_read_secret(args),
        # means nothing here; without one the form's Test button answers "Bad Request" (Airflow 3.3.2)
        port=0,
        description=args.description,
        extra=json.dumps({name: value for name, value in extra.items() if value}, ensure_ascii=False),
    )
    if made.conn_id is None:
        # Airflow's way to refuse it, and the database would then quote the whole row
        raise ConfigError("--conn-id: must be at most 250 characters: letters, digits and any of # ! - _ . : \\ / ( )")
    # whatever would fail in a task fails here
    LarkSettings.from_connection(made)
    with create_session() as session:
        found = _find(session, args.conn_id)
        if found is not None and not args.replace:
            raise ConfigError(
                f"connection {args.conn_id!r}: already exists; add --replace, or choose another --conn-id"
            )
        if found is not None:
            session.delete(found)
            session.flush()
        session.add(made)
    print(f"Added connection {args.conn_id!r}; test it with: airflow lark app test --conn-id {args.conn_id}")


@command
def list_apps(args: Namespace) -> None:
    """Print the apps as a table."""
    with create_session() as session:
        found = session.scalars(
            select(Connection).where(Connection.conn_type == CONN_TYPE).order_by(Connection.conn_id)
        ).all()
        rows = [_row(conn) for conn in found]
    for row in rows:
        row["Status"] = "not checked" if args.offline else _status(row["Connection"])
    print_rows(rows, args.output)


@command
def show_app(args: Namespace) -> None:
    """Print one connection."""
    settings = LarkHook(args.conn_id).settings
    shown: dict[str, Any] = {"App ID": settings.app_id, "App Secret": "***", "Host": settings.host}
    shown |= {"Timeout (seconds)": f"{settings.timeout_seconds:g}", "CA bundle": settings.ca_bundle or ""}
    shown |= {f"Base {name}": token for name, token in settings.bases.items()}
    with create_session() as session:
        found = _find(session, args.conn_id)
        if found is not None:
            row = _row(found)
            shown |= {"Name": row["Name"], "Description": found.description or "", "Created At": row["Created At"]}
    print_rows([{"Entry": name, "Value": value} for name, value in shown.items()], args.output)


@command
def remove_app(args: Namespace) -> None:
    """Delete one connection."""
    with create_session() as session:
        found = _find(session, args.conn_id)
        if found is None:
            raise ConfigError(
                f"connection {args.conn_id!r}: not found in Airflow's database; see `airflow lark app list`. "
                "Connections from environment variables or a secrets backend must be removed there"
            )
        if not args.yes and not agrees(f"Remove connection {args.conn_id!r} of app {found.login}?"):
            raise SystemExit("Nothing was removed")
        session.delete(found)
    print(f"Removed connection {args.conn_id!r}")


@command
def check_app(args: Namespace) -> None:
    """Try a connection; exit with status 1 when it does not work."""
    works, told = LarkHook(args.conn_id).test_connection()
    if not works:
        raise SystemExit(told)
    print(told)


def _read_secret(args: Namespace) -> str:
    if args.app_secret_stdin:
        if args.app_secret is not None:
            raise ConfigError("--app-secret and --app-secret-stdin cannot be used together")
        return sys.stdin.readline().strip()
    if args.app_secret is not None:
        return str(args.app_secret)
    return getpass.getpass("App Secret: ")


def _find(session: Session, conn_id: str) -> Connection | None:
    found: Connection | None = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
    if found is not None and found.conn_type != CONN_TYPE:
        raise ConfigError(
            f"connection {conn_id!r}: has type {found.conn_type!r}, not 'lark'; give the id of a Lark app's connection"
        )
    return found


def _row(conn: Connection) -> dict[str, str]:
    extra = conn.extra_dejson
    return {
        "Connection": conn.conn_id,
        "App ID": conn.login or "",
        "Name": str(extra.get("app_name") or conn.description or ""),
        "Status": "",
        "Created At": str(extra.get("added_at") or ""),
    }


def _status(conn_id: str) -> str:
    try:
        with LarkHook(conn_id).client(max_attempts=1) as client:
            client.bot.info()
    except LarkError as exc:
        return type(exc).__name__ if exc.code is None else f"{type(exc).__name__} ({exc.code})"
    return "Active"
