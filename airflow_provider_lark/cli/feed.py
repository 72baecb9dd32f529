"""``airflow lark feed``: the automations in bases that tell of edits, for apps without event scopes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import wanted_mappings
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.api.address import TableRef
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.feed import Feeds, TableFeed
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.receiving.feed import feed_address, open_feeds, tables_of

Act = Callable[[Feeds, Sequence[TableRef]], Iterable[TableFeed]]


@command
def install(args: Namespace) -> None:
    """Make the feed of each table, or put it right; a second time changes nothing."""
    address = feed_address(args.conn_id, args.address)
    if not address:
        raise ConfigError(
            "--address: is missing, and [lark] receiver_url is not set either; give the address below which Lark "
            "reaches the receiver, such as https://airflow.example.com/lark"
        )
    _run(args, address, Feeds.install, _reading(args))


@command
def status(args: Namespace) -> None:
    """Tell how the feed of each table stands; exit with status 1 when one is not as it should be."""
    _run(args, feed_address(args.conn_id, args.address), Feeds.status, _reading(args))


@command
def uninstall(args: Namespace) -> None:
    """Remove the feed of each table; exit with status 1 when one could only be switched off."""
    _run(args, "", Feeds.uninstall, wanted_mappings(args))


def _reading(args: Namespace) -> list[TableMapping]:
    """Return the mappings that read Lark's edits; of the others, say that they need no feed."""
    mappings = wanted_mappings(args)
    reading = [each for each in mappings if each.direction != "to_lark"]
    if not reading:
        raise ConfigError("the mappings have the direction to_lark: they read no edits of Lark, and need no feed")
    if args.output in ("table", "plain"):
        for each in mappings:
            if each not in reading:
                print(shown(f"{each.name}: has the direction to_lark, reads no edits of Lark, and needs no feed"))
    return reading


def _run(args: Namespace, address: str, act: Act, mappings: Sequence[TableMapping]) -> None:
    hook = LarkHook(args.conn_id)
    done: list[TableFeed] = []
    with hook.client() as client:
        tables = tables_of(hook, client, mappings)
        try:
            done.extend(act(open_feeds(hook, client, address), list(tables)))
        finally:
            # also when a later one fails: what was changed before is to be known
            if done:
                print_rows([_row(each, tables[each.table]) for each in done], args.output)
    if not all(each.is_well for each in done):
        raise SystemExit(1)


def _row(feed: TableFeed, names: Sequence[str]) -> dict[str, str]:
    return {
        "Mapping": ", ".join(names),
        "Table": feed.table.table_id,
        "Automation": feed.workflow_id,
        "Feed": feed.state,
        "Address": feed.address,
        "Found": feed.detail,
    }
