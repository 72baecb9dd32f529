"""``airflow lark sync uninstall``: the triggers and the state of a mapping, taken away after a look at them."""

from __future__ import annotations

import sys
from argparse import Namespace

from sqlalchemy import Engine

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.cli.sync.places import conn_id_of
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.binding.removal import Removal, look_at_removal, remove
from airflow_provider_lark.core.sync.health.closing import STAYS_RED, close_cards, count_red
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.figures.sync import sync_figures
from airflow_provider_lark.hooks.lark import LarkHook


@command
def uninstall(args: Namespace) -> None:
    """Remove the triggers and the state of a mapping; both tables keep their rows."""
    mapping = named_mapping(args)
    with opened_engine(conn_id_of(mapping, args)) as database:
        found = look_at_removal(database, mapping)
        red = 0 if args.keep_state else count_red(database, mapping.sql.table_name)
        lines = _lines(found, keeps_state=args.keep_state)
        if red:
            lines.append(f"the alarm of {counted(red, 'card')} in a chat, grey from then on")
        if not lines:
            print(shown(f"{mapping.name}: nothing is installed"))
            return
        print(shown(f"{mapping.name}: would remove" if not args.yes else f"{mapping.name}: removing"))
        print("\n".join(f"  {shown(line)}" for line in lines))
        if not args.yes and not agrees("Remove them? Both tables keep their rows."):
            raise SystemExit("Nothing was removed")
        remove(database, mapping, keep_state=args.keep_state, clock=SystemClock())
        if red:
            _close_cards(args, database, mapping)
    if not args.keep_state and (figures := sync_figures()) is not None:
        figures.removed(mapping.name)
    print(shown(f"Uninstalled {mapping.name}"))


def _close_cards(args: Namespace, database: Engine, mapping: TableMapping) -> None:
    try:
        with LarkHook(args.conn_id).client() as client:
            problems = close_cards(client, database, mapping.sql.table_name, mapping.name)
    except LarkError as exc:
        problems = [f"{STAYS_RED}: {exc}"]
    for problem in problems:
        print(shown(f"{mapping.name}: {problem}"), file=sys.stderr)


def _lines(found: Removal, *, keeps_state: bool) -> list[str]:
    lines = [f"trigger {name}" for name in found.triggers]
    if keeps_state:
        return lines
    lines += [f"{counted(count, 'line')} of {name}" for name, count in found.lines.items()]
    if found.waiting:
        lines.append(f"with them {counted(found.waiting, 'change')} in SQL that Lark does not have yet")
    return lines
