"""The mappings that the arguments of a command name."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings
from airflow_provider_lark.core.sync.mapping.whole_base import Expansion
from airflow_provider_lark.hooks.ledgers import configured_files
from airflow_provider_lark.hooks.whole_bases import expand_whole_bases


def all_mappings(args: Namespace) -> list[TableMapping]:
    """Return the mappings of the files that are given, or else of those that the configuration names.

    What a mapping of a whole base cannot take is told on standard error.

    :raises ConfigError: neither names a file, or a file is wrong.
    """
    found = found_mappings(args)
    for text in (*found.told, *found.refused.values()):
        print(shown(text), file=sys.stderr)
    return found.mappings


def found_mappings(args: Namespace) -> Expansion:
    """Return the mappings, and which tables of a whole base are refused.

    A command without a connection of type lark finds the tables of a whole base in the ledger, so that it works while
    Lark is down.
    """
    files: Sequence[str] = args.mapping or configured_files()
    if not files:
        raise ConfigError(
            "no mapping file: give --mapping FILE, or set mapping_files in section [lark] of Airflow's configuration"
        )
    conn_id = getattr(args, "conn_id", None)
    sql_conn_id = getattr(args, "sql_conn_id", None)
    mappings = load_all_mappings(files)
    return expand_whole_bases(mappings, conn_id or "lark_default", sql_conn_id, ask_lark=conn_id is not None)


def wanted_mappings(args: Namespace) -> list[TableMapping]:
    """Return the mappings that are named, by default all.

    :raises ConfigError: a name is in none of the files.
    """
    return chosen(all_mappings(args), args)


def chosen(found: Sequence[TableMapping], args: Namespace) -> list[TableMapping]:
    """Return those that are named, by default all.

    :raises ConfigError: a name is not among them.
    """
    names = [mapping.name for mapping in found]
    for name in args.mapping_name:
        if name not in names:
            raise ConfigError(f"--mapping-name {name}: not in the given files; {did_you_mean(name, names)}")
    return [mapping for mapping in found if not args.mapping_name or mapping.name in args.mapping_name]


def named_mapping(args: Namespace) -> TableMapping:
    """Return the one mapping that is named.

    :raises ConfigError: it is in none of the files.
    """
    found = {mapping.name: mapping for mapping in all_mappings(args)}
    if args.name not in found:
        raise ConfigError(f"mapping {args.name!r}: not in the given files; {did_you_mean(args.name, found)}")
    return found[args.name]
