"""Which tables a mapping of a whole base stands for now: asked of Lark and the database, or of the ledger alone."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger import tables
from airflow_provider_lark.core.ledger.checkpoint import tables_of_base
from airflow_provider_lark.core.sql_side.new_table import name_fold
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.mapping.whole_base import Surroundings


def look_around(client: LarkClient | None, engine: Engine, mapping: TableMapping) -> Surroundings:
    """Return the tables of the base and of the database.

    :param mapping: with its base resolved.
    :param client: None asks the ledger only, for the tables that are synced already.
    :raises ConfigError: without *client*: the base is given by its wiki node, which only Lark can resolve.
    """
    lark = mapping.lark
    if client is None and not lark.app_token:
        raise ConfigError(f"mapping {mapping.name!r}: give the base's app_token in place of its wiki node")
    app_token, found = lark.app_token, None
    if client is not None:
        app_token = client.bitable.locate_base(TableAddress(app_token=lark.app_token, wiki_token=lark.wiki_token))
        found = {table.table_id: table.name for table in client.bitable.list_tables(app_token=app_token)}
    with open_session(engine) as conn:
        inspector = inspect(conn)
        names = inspector.get_table_names(schema=mapping.sql.schema)
        known = tables_of_base(conn, app_token) if inspector.has_table(tables.checkpoint.name) else {}
        return Surroundings(app_token, found, names, name_fold(conn), known)
