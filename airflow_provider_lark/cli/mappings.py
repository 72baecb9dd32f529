"""The mappings that a command is to use."""

from __future__ import annotations

from argparse import Namespace

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings


def wanted_mappings(args: Namespace) -> list[TableMapping]:
    """Return the mappings of the files in ``--mapping``, or those of them that ``--mapping-name`` names.

    :raises ConfigError: a file cannot be read, or has no mapping of that name.
    """
    found = load_all_mappings(args.mapping)
    names = [mapping.name for mapping in found]
    for name in args.mapping_name:
        if name not in names:
            raise ConfigError(f"--mapping-name {name}: not in the given files; {did_you_mean(name, names)}")
    return [mapping for mapping in found if not args.mapping_name or mapping.name in args.mapping_name]
