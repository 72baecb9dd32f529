"""``airflow lark tokens …``: the database in which workers share tokens and looked-up users."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.core.accounts import upgrade, users
from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.sealed_rows import count_older, reencrypt_rows
from airflow_provider_lark.core.accounts.tokens import purge, reencrypt, survey
from airflow_provider_lark.core.alerts import alert_store
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.hitl import store as hitl_store
from airflow_provider_lark.core.inbox import retention
from airflow_provider_lark.core.questions import store as question_store
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook

_OTHERS = "questions, answers and inbox entries"


@command
def look_at_store(args: Namespace) -> None:
    """Make or update the tables, and say what the keys open."""
    keyring = Keyring.from_environment()
    with _store(args) as engine:
        found, older = survey(engine, keyring), count_older(engine, keyring)
    print(
        f"{counted(found.current, 'token')} encrypted with the first key in {VARIABLE}, {found.older} with an older key"
    )
    if older:
        print(f"{counted(older, 'question, answer or inbox entry', _OTHERS)} encrypted with an older key")
    if found.unreadable:
        raise SystemExit(
            f"None of the keys can decrypt {counted(len(found.unreadable), 'token')}: "
            f"{', '.join(map(str, found.unreadable))}"
        )


@command
def reencrypt_store(args: Namespace) -> None:
    """Encrypt all rows under the first key; exit with status 1 when tokens stay behind."""
    keyring = Keyring.from_environment()
    with _store(args) as engine:
        done = reencrypt(engine, keyring, drop_unreadable=args.drop_unreadable)
        others = reencrypt_rows(engine, keyring)
    print(
        f"Re-encrypted {counted(done.moved, 'token')} with the first key in {VARIABLE}; already up to date: "
        f"{done.current}"
    )
    print(f"Re-encrypted {counted(others.moved, 'question, answer or inbox entry', _OTHERS)}")
    if others.unreadable:
        print(
            f"None of the keys can decrypt {counted(others.unreadable, 'question, answer or inbox entry', _OTHERS)}; "
            "they are kept, and deleted when they are old"
        )
    if done.dropped:
        print(f"Deleted {counted(done.dropped, 'token')} that none of the keys could decrypt")
    elif done.unreadable:
        kept = ", ".join(map(str, done.unreadable))
        raise SystemExit(
            f"None of the keys can decrypt {counted(len(done.unreadable), 'token')}: {kept}. Add the old key after "
            f"the new one in {VARIABLE}, or delete the tokens with --drop-unreadable: apps then request new ones, and "
            "users have to authorise again"
        )


@command
def purge_store(args: Namespace) -> None:
    """Delete what has expired."""
    with _store(args) as engine:
        tokens, people, cards = purge(engine), users.purge(engine), alert_store.purge(engine)
        print(
            f"Deleted {counted(tokens, 'expired token')}, {counted(people, 'user cache entry', 'user cache entries')} "
            f"and {counted(cards, 'old failure card')}"
        )
        asked = question_store.purge(engine) + hitl_store.purge(engine)
        print(f"Deleted {counted(asked, 'old question or answer', 'old questions and answers')}")
        print(f"Deleted {counted(retention.purge(engine).total, 'old inbox entry', 'old inbox entries')}")


@contextmanager
def _store(args: Namespace) -> Iterator[Engine]:
    conn_id = args.sql_conn_id or LarkHook(args.conn_id).settings.token_store_conn_id
    if not conn_id:
        raise ConfigError(
            f"connection {args.conn_id!r}: has no token store; set store_conn_id in its extra, or give --sql-conn-id"
        )
    with opened_engine(conn_id) as engine:
        upgrade(engine)
        yield engine
