"""Where a mapping's Bitable table is: by its ids, or by the names of base and table."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.errors import ConfigError, NotFound
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping


def locate(
    client: LarkClient,
    mapping: TableMapping,
    known: Checkpoint | None = None,
    *,
    warn: Callable[[str], object] = lambda _: None,
) -> tuple[str, str]:
    """Return app_token and table_id, resolving a wiki address and a table's name by a call each.

    :param known: what an earlier setup stored, to follow a table that was renamed since.
    :param warn: is told that it was.
    :raises NotFound: the base has no table of that name; the message lists its tables.
    """
    target = mapping.lark
    if mapping.is_whole_base:
        raise ConfigError(
            f"mapping {mapping.name!r}: stands for every table of a base; run the mappings that list_mappings() gives, "
            "or choose one with mapping_name"
        )
    if target.base:
        mapping.with_bases({})
    address = TableAddress(
        app_token=target.app_token, wiki_token=target.wiki_token, table_id=target.table_id, table=target.table
    )
    try:
        found = client.bitable.locate(address)
    except NotFound as error:
        if error.code is not None:
            raise
        if known is not None and (name := _name_now(client, address, known)):
            warn(
                f"the Bitable table {target.table!r} has been renamed to {name!r}. The sync continues with it; update "
                "the name in the mapping, or use the table id"
            )
            return known.app_token, known.table_id
        raise NotFound(f"mapping {mapping.name!r}: {error.message}") from None
    return found.app_token, found.table_id


def _name_now(client: LarkClient, address: TableAddress, known: Checkpoint) -> str:
    """Return how the table of an earlier setup is named now; empty where the base has it no more."""
    app_token = client.bitable.locate_base(address)
    if app_token != known.app_token:
        return ""
    tables = client.bitable.list_tables(app_token=app_token)
    return next((table.name for table in tables if table.table_id == known.table_id), "")
