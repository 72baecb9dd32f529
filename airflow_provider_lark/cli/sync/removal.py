"""``airflow lark sync uninstall``: the triggers and the state of a mapping, taken away after a look at them."""

from __future__ import annotations

from argparse import Namespace

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import named_mapping
from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.cli.sync.places import conn_id_of
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.binding.removal import Removal, look_at_removal, remove
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.figures.sync import sync_figures


@command
def uninstall(args: Namespace) -> None:
    """Remove the triggers and the state of a mapping; both tables keep their rows."""
    mapping = named_mapping(args)
    with opened_engine(conn_id_of(mapping, args)) as database:
        found = look_at_removal(database, mapping)
        lines = _lines(found, keeps_state=args.keep_state)
        if not lines:
            print(shown(f"{mapping.name}: nothing is installed"))
            return
        print(shown(f"{mapping.name}: would remove" if not args.yes else f"{mapping.name}: removing"))
        print("\n".join(f"  {shown(line)}" for line in lines))
        if not args.yes and not agrees("Remove them? Both tables keep their rows."):
            raise SystemExit("Nothing was removed")
        remove(database, mapping, keep_state=args.keep_state, clock=SystemClock())
    if not args.keep_state and (figures := sync_figures()) is not None:
        figures.removed(mapping.name)
    print(shown(f"Uninstalled {mapping.name}"))


def _lines(found: Removal, *, keeps_state: bool) -> list[str]:
    lines = [f"trigger {name}" for name in found.triggers]
    if keeps_state:
        return lines
    lines += [f"{counted(count, 'line')} of {name}" for name, count in found.lines.items()]
    if found.waiting:
        lines.append(f"with them {counted(found.waiting, 'change')} in SQL that Lark does not have yet")
    return lines
