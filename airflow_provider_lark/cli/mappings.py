"""The mappings that the arguments of a command name."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from airflow.sdk.configuration import conf

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings


def all_mappings(args: Namespace) -> list[TableMapping]:
    """Return the mappings of the files that are given, or else of those that the configuration names.

    :raises ConfigError: neither names a file, or a file is wrong.
    """
    files: Sequence[str] = args.mapping or _configured_files()
    if not files:
        raise ConfigError(
            "no mapping file: give --mapping FILE, or set mapping_files in section [lark] of Airflow's configuration"
        )
    return load_all_mappings(files)


def wanted_mappings(args: Namespace) -> list[TableMapping]:
    """Return the mappings that are named, by default all.

    :raises ConfigError: a name is in none of the files.
    """
    found = all_mappings(args)
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


def _configured_files() -> list[str]:
    return [name.strip() for name in conf.get("lark", "mapping_files", fallback="").split(",") if name.strip()]
