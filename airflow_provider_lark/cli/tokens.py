"""``airflow lark tokens …``: the database in which workers share tokens and what they know of people."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.core.accounts import upgrade, users
from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.tokens import purge, reencrypt, survey
from airflow_provider_lark.core.alerts import alert_store
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.inbox import sql_inbox
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook


@command
def look_at_store(args: Namespace) -> None:
    """Make or update the tables, and say what the keys open."""
    with _store(args) as engine:
        found = survey(engine, Keyring.from_environment())
    print(f"{found.current} tokens under the first key of {VARIABLE}, {found.older} under an older one")
    if found.unreadable:
        raise SystemExit(f"No key opens {len(found.unreadable)} tokens: {', '.join(map(str, found.unreadable))}")


@command
def reencrypt_store(args: Namespace) -> None:
    """Encrypt every token under the first key; exit with status 1 when some stay behind."""
    with _store(args) as engine:
        done = reencrypt(engine, Keyring.from_environment(), drop_unreadable=args.drop_unreadable)
    print(f"{done.moved} tokens moved to the first key of {VARIABLE}, {done.current} were there already")
    if done.dropped:
        print(f"{done.dropped} tokens that no key opens were deleted")
    elif done.unreadable:
        kept = ", ".join(map(str, done.unreadable))
        raise SystemExit(
            f"No key opens {len(done.unreadable)} tokens: {kept}. Put the old key behind the new one, or delete them "
            "with --drop-unreadable: apps then ask for new ones, and people sign in again"
        )


@command
def purge_store(args: Namespace) -> None:
    """Delete what has expired."""
    with _store(args) as engine:
        tokens, people, cards = purge(engine), users.purge(engine), alert_store.purge(engine)
        print(f"Deleted {tokens} expired tokens, {people} entries of the user cache and {cards} cards of old failures")
        print(f"Deleted {sql_inbox.purge(engine)} old entries of the inbox")


@contextmanager
def _store(args: Namespace) -> Iterator[Engine]:
    conn_id = args.sql_conn_id or LarkHook(args.conn_id).settings.token_store_conn_id
    if not conn_id:
        raise ConfigError(f"connection {args.conn_id!r}: names no token store; set it there, or give --sql-conn-id")
    with opened_engine(conn_id) as engine:
        upgrade(engine)
        yield engine
