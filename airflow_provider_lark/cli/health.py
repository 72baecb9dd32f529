"""``airflow lark doctor``: the findings of :mod:`airflow_provider_lark.core.sync.doctor` as a table."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.event_health import examine_events
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.core import LarkClient, TableMapping, load_mappings
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.core.sync.doctor import (
    Finding,
    examine_app,
    examine_base,
    examine_mapping,
    examine_token_store,
)
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.whole_bases import expand_whole_bases


@command
def examine(args: Namespace) -> None:
    """Print every finding; exit with status 1 when one of them is trouble."""
    found = list(_examine(args))
    rows = [{"What": f.subject, "Check": f.check, "Status": f.status, "Found": f.detail} for f in found]
    print_rows(rows, args.output)
    if any(finding.status == "trouble" for finding in found):
        raise SystemExit(1)


def _examine(args: Namespace) -> Iterator[Finding]:
    subject = f"connection {args.conn_id}"
    hook = LarkHook(args.conn_id)
    try:
        settings = hook.settings
    except LarkError as exc:
        yield Finding(subject, "settings", "trouble", str(exc))
        return
    yield Finding(subject, "settings", "ok", f"app {settings.app_id} at {settings.host}")
    with _open_client(hook) as client:
        answers = examine_app(client)
        yield from (replace(finding, subject=subject) for finding in answers)
        if answers[0].status != "ok":
            return
        for name in settings.bases:
            yield examine_base(client, name, settings.bases)
        if settings.token_store_conn_id is not None:
            yield _examine_store(settings.token_store_conn_id)
        for path in dict.fromkeys(args.mapping):
            yield from _examine_file(client, hook, path, args)
        if args.events or args.receiver_url:
            yield from examine_events(client, hook, args)


def _open_client(hook: LarkHook) -> LarkClient:
    try:
        return hook.client()
    except LarkError:
        # what is wrong with the token store gets a line of its own, and the rest is examined without it
        return hook.client(token_store=None)


def _examine_store(conn_id: str) -> Finding:
    subject = f"token store {conn_id}"
    try:
        with opened_engine(conn_id) as engine:
            finding = examine_token_store(engine, Keyring.from_environment())
    except LarkError as exc:
        return Finding(subject, "settings", "trouble", str(exc))
    return replace(finding, subject=subject)


def _examine_file(client: LarkClient, hook: LarkHook, path: str, args: Namespace) -> Iterator[Finding]:
    try:
        found = expand_whole_bases(load_mappings(path), args.conn_id, args.sql_conn_id)
    except LarkError as exc:
        yield Finding(f"file {path}", "mappings", "trouble", str(exc))
        return
    yield from (Finding(f"file {path}", "tables", "warning", text) for text in found.told)
    yield from (Finding(f"mapping {name}", "tables", "trouble", text) for name, text in found.refused.items())
    mappings = found.mappings
    names = {mapping.name for mapping in mappings}
    for missing in sorted(set(args.mapping_name) - names):
        told = f"no mapping {missing!r}; known: {', '.join(sorted(names))}"
        yield Finding(f"file {path}", "mappings", "trouble", told)
    for mapping in mappings:
        if not args.mapping_name or mapping.name in args.mapping_name:
            yield from _examine_mapping(client, hook, mapping, args)


def _examine_mapping(client: LarkClient, hook: LarkHook, mapping: TableMapping, args: Namespace) -> Iterator[Finding]:
    subject = f"mapping {mapping.name}"
    try:
        conn_id = args.sql_conn_id or mapping.sql.conn_id
        if not conn_id:
            raise ConfigError("no database connection; give --sql-conn-id, or set sql.conn_id in the mapping")
        with opened_engine(conn_id) as engine:
            for finding in examine_mapping(
                client,
                engine,
                mapping.with_bases(hook.bases),
                clock=hook.clock,
                max_queue_age_seconds=args.max_queue_age,
            ):
                yield _with_connection(finding, conn_id)
    except LarkError as exc:
        yield Finding(subject, "connections", "trouble", str(exc))


def _with_connection(finding: Finding, conn_id: str) -> Finding:
    if finding.check != "database" or finding.status == "ok":
        return finding
    return replace(finding, detail=f"connection {conn_id!r}: {finding.detail}")
