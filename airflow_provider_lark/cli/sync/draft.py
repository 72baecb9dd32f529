"""``airflow lark sync init``: a first mapping file, and the tables that one side lacks."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from sqlalchemy import Engine

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.files import require_file, write_file
from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.api.address import TableAddress, parse_base
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.draft import creation
from airflow_provider_lark.core.sync.draft.draft import Draft, Place, draft
from airflow_provider_lark.core.sync.draft.sides import Sides, read_sides
from airflow_provider_lark.core.sync.draft.tables import Wanted, pair_tables, read_wanted
from airflow_provider_lark.core.sync.draft.text import render
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook


@command
def init(args: Namespace) -> None:
    """Read a base and a database, and write the mappings that fit them."""
    file = None if args.file in (None, "-") else Path(args.file)
    if file is not None and file.exists() and not args.force:
        raise ConfigError(f"{file}: exists already; give --force to replace it, or another --file")
    if file is not None:
        require_file(file)
    hook = LarkHook(args.conn_id)
    address = parse_base(args.base, bases=hook.bases)
    with hook.client() as client, opened_engine(args.sql_conn_id) as database:
        app_token = client.bitable.locate_base(address)
        sides = read_sides(client, database, app_token, args.schema)
        wanted = read_wanted(args.table, sides)
        if args.create:
            sides = _create(client, database, sides, wanted, args)
    place = Place(_named(address), args.sql_conn_id)
    found = draft(sides, wanted, place)
    if not found.ready:
        _tell_all(found)
        raise SchemaMismatch("no table can be mapped, so no file was written; the lines above say why")
    if file is None:
        print(render(found, place, encoding=sys.stdout.encoding or "utf-8"), end="")
    else:
        write_file(file, render(found, place))
    told = f"{counted(len(found.ready), 'mapping')}, {counted(sum(len(m.pairs.pairs) for m in found.ready), 'field')}"
    left = len(found.mappings) - len(found.ready) + len(found.notes)
    _say(
        f"{file or 'Standard output'}: {told}"
        + (f"; {counted(left, 'table')} left out, see the comments" if left else "")
    )


def _create(client: LarkClient, database: Engine, sides: Sides, wanted: Wanted, args: Namespace) -> Sides:
    """Create what is missing, once a person has seen it, and return both sides as they are then."""
    tables = pair_tables(sides, wanted)
    if args.create == "sql":
        planned = creation.plan_sql(sides, tables, database, args.schema)
    else:
        planned = creation.plan_lark(tables)
    for name, reason in planned.refused.items():
        _say(f"cannot create a table for {name!r}: {reason}")
    if not planned.tables:
        _say("Nothing to create")
        return sides
    _say("Creating:" if args.yes else "Would create:")
    for each in planned.tables:
        for line in each.describe(database) if isinstance(each, creation.NewSqlTable) else each.describe():
            _say(f"  {line}")
    if not args.yes and not agrees(f"Create {counted(len(planned.tables), 'table')}?"):
        raise SystemExit("Nothing was created, and no file was written")
    if args.create == "sql":
        creation.create_sql(planned, database)
    else:
        creation.create_lark(planned, client, sides.app_token, tables)
    _say(f"Created {counted(len(planned.tables), 'table')}")
    return read_sides(client, database, sides.app_token, args.schema)


def _named(address: TableAddress) -> dict[str, str]:
    names = ("base", "app_token", "wiki_token")
    return next({name: getattr(address, name)} for name in names if getattr(address, name))


def _tell_all(found: Draft) -> None:
    for mapping in found.mappings:
        _say(f"Bitable table {mapping.lark.name!r} and SQL table {mapping.sql.label!r}: {mapping.problem}")
    for note in found.notes:
        _say(note)


def _say(text: str) -> None:
    print("\n".join(map(shown, text.split("\n"))), file=sys.stderr)
