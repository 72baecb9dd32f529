"""``airflow lark sync move``: a mapping goes on with another Bitable table, on purpose."""

from __future__ import annotations

from argparse import Namespace

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.cli.sync.places import opened_sync
from airflow_provider_lark.core.sync.binding.belonging import look_at_move
from airflow_provider_lark.hooks.lark import LarkHook


@command
def move(args: Namespace) -> None:
    """Let the ledger belong to the Bitable table that the mapping names now."""
    hook, mapping = LarkHook(args.conn_id), named_mapping(args)
    with hook.client() as client, opened_sync(client, hook, mapping, args) as engine:
        found = look_at_move(client, engine.sql_engine, engine.mapping)
        if not found:
            print(shown(f"{mapping.name}: its ledger belongs to this Bitable table; there is nothing to move"))
            return
        print(shown(f"{mapping.name}: {found}"))
        if not args.yes and not agrees("Move it? No row or record is changed."):
            raise SystemExit("Nothing was moved")
        report = engine.setup(move=True)
    for remark in (*report.created, *report.warnings):
        print(shown(f"{mapping.name}: {remark}"))
    print(shown(f"Moved {mapping.name}; the next run compares all rows"))
