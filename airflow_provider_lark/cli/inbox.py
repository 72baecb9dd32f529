"""``airflow lark inbox …``: the events and card clicks that were received, and their state. Bodies are never shown."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.core.accounts import upgrade
from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.inbox import retention, set_aside
from airflow_provider_lark.core.inbox.survey import Group, survey
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.receiving.inbox import find_queue, name_store

SOMETHING_FAILED = 2
"""Exit status when entries were set aside, or could not be replayed: somebody has to look."""

_COLUMNS = ("Status", "Kind", "Type", "Entries", "Oldest", "Newest")


@command
def show_status(args: Namespace) -> None:
    """Print the entries by status and type; exit with status 2 when some were set aside."""
    with _opened(args) as (engine, app_id):
        groups = survey(engine, app_id)
    queue = find_queue(LarkHook(args.conn_id))
    rows: list[dict[str, Any]] = [
        dict(zip(_COLUMNS, (group.status, group.kind, group.type, group.entries, *_times(group)), strict=True))
        for group in groups
    ]
    try:
        waiting, dead = (0, 0) if queue is None else queue.count()
    except LarkError:
        print_rows(rows, args.output)
        raise
    for status, entries in (("in RabbitMQ", waiting), ("dead letter", dead)):
        if entries:
            rows.append({**dict.fromkeys(_COLUMNS, ""), "Status": status, "Entries": entries})
    print_rows(rows, args.output)
    if dead or any(group.status == "failed" for group in groups):
        raise SystemExit(SOMETHING_FAILED)


@command
def list_failed(args: Namespace) -> None:
    """Print the entries that were set aside, without what they say."""
    with _opened(args) as (engine, app_id):
        found = set_aside.list_set_aside(engine, app_id, limit=args.limit)
    rows = [
        {
            "Id": entry.id,
            "Kind": entry.kind,
            "Type": entry.type,
            "Subject": entry.subject,
            "Received": _moment(entry.received_ms),
            "Attempts": entry.attempts,
            "Error": entry.error,
        }
        for entry in found
    ]
    print_rows(rows, args.output)


@command
def replay(args: Namespace) -> None:
    """Let entries that were set aside be handled again: those that are named, or all."""
    if bool(args.ids) == args.all:
        raise ConfigError("give the ids of the entries to replay, or --all; `airflow lark inbox failed` lists them")
    with _opened(args) as (engine, app_id):
        if args.all:
            print(f"Replayed {_entries(set_aside.replay(engine, app_id))}")
            queue = find_queue(LarkHook(args.conn_id))
            if queue is not None:
                print(f"Moved {counted(queue.replay(), 'dead letter')} of RabbitMQ back to the queue")
            return
        ids = list(dict.fromkeys(args.ids))
        refused = [id_ for id_ in ids if not set_aside.replay(engine, app_id, [id_])]
    print(f"Replayed {_entries(len(ids) - len(refused))}")
    if refused:
        print(f"Not failed, or not of this app: {list_names(refused)}")
        raise SystemExit(SOMETHING_FAILED)


@command
def purge(args: Namespace) -> None:
    """Delete what is kept no longer."""
    with _opened(args) as (engine, _):
        purged = retention.purge(engine, waiting_days=args.waiting_days)
    waited = counted(purged.waiting, "event")
    print(
        f"Deleted {_entries(purged.completed)} completed over {retention.COMPLETED_KEPT_DAYS} days ago, "
        f"{_entries(purged.failed)} failed over {retention.FAILED_KEPT_DAYS} days ago, "
        f"and {waited} that nothing handled for {counted(args.waiting_days, 'day')}"
    )


@contextmanager
def _opened(args: Namespace) -> Iterator[tuple[Engine, str]]:
    settings = LarkHook(args.conn_id).settings
    with opened_engine(name_store(args.conn_id, settings.token_store_conn_id)) as engine:
        upgrade(engine)
        yield engine, settings.app_id


def _times(group: Group) -> tuple[str, str]:
    return _moment(group.oldest_ms), _moment(group.newest_ms)


def _entries(count: int) -> str:
    return counted(count, "entry", "entries")


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
