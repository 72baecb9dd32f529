"""Mappings of whole bases become mappings of tables, in the run: over the connections of Airflow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.binding.whole_base import look_around
from airflow_provider_lark.core.sync.mapping.file import refuse_duplicates
from airflow_provider_lark.core.sync.mapping.whole_base import Expansion, expand
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook


def expand_whole_bases(
    mappings: Sequence[TableMapping], lark_conn_id: str, sql_conn_id: str | None, *, ask_lark: bool = True
) -> Expansion:
    """Return the mappings, with one for each table in place of those that stand for a whole base.

    Nothing is asked where there is none of these.

    :param sql_conn_id: overrides the mappings' own.
    :param ask_lark: False finds the tables that are synced already, in the ledger alone.
    :raises ConfigError: a connection is missing.
    """
    plain = [mapping for mapping in mappings if not mapping.is_whole_base]
    patterns = [mapping for mapping in mappings if mapping.is_whole_base]
    done = Expansion(list(plain))
    if not patterns:
        return done
    hook = LarkHook(lark_conn_id)
    with ExitStack() as stack:
        client = stack.enter_context(hook.client()) if ask_lark else None
        for pattern in patterns:
            conn_id = sql_conn_id or pattern.sql.conn_id
            if not conn_id:
                raise ConfigError(
                    f"mapping {pattern.name!r}: no database connection; set sql.conn_id in the mapping, or give one"
                )
            resolved = pattern.with_bases(hook.bases)
            others = [each.with_bases(hook.bases) for each in done.mappings if _may_resolve(each, hook)]
            found = expand(resolved, look_around(client, stack.enter_context(opened_engine(conn_id)), resolved), others)
            done.mappings += found.mappings
            done.refused |= found.refused
            done.told += found.told
    refuse_duplicates(done.mappings, "mappings")
    return done


def _may_resolve(mapping: TableMapping, hook: LarkHook) -> bool:
    return not mapping.lark.base or bool(mapping.lark.app_token) or mapping.lark.base in hook.bases
