"""Making the fields that Lark left out of a table it created, at once or when the task is tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire import WireField
from airflow_provider_lark.core.errors import SchemaMismatch


def complete_table(
    client: LarkClient, app_token: str, table_id: str, wanted: Sequence[Mapping[str, Any]]
) -> list[WireField]:
    """Make those of the *wanted* fields that the table does not have, and return all fields.

    Lark may answer success and keep 20 of 27 fields.

    :raises SchemaMismatch: Lark keeps some of them out again; names them.
    """
    fields = client.bitable.list_fields(app_token=app_token, table_id=table_id)
    missing = _missing(fields, wanted)
    if not missing:
        return fields
    for each in missing:
        client.bitable.create_field(app_token=app_token, table_id=table_id, field=each, client_token=str(uuid4()))
    fields = client.bitable.list_fields(app_token=app_token, table_id=table_id)
    if still := _missing(fields, wanted):
        names = ", ".join(repr(each["field_name"]) for each in still)
        raise SchemaMismatch(
            f"table {table_id}: Lark answered success and did not keep {len(still)} of {len(wanted)} fields: {names}; "
            "try again, or make them by hand"
        )
    return fields


def is_leftover(client: LarkClient, app_token: str, table_id: str, wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a table looks like the incomplete work of an earlier try: some of the fields, and no record."""
    fields = client.bitable.list_fields(app_token=app_token, table_id=table_id)
    names = {each["field_name"] for each in wanted}
    if not _missing(fields, wanted) or any(field["field_name"] not in names for field in fields):
        return False
    page = client.bitable.search_page(app_token=app_token, table_id=table_id, page_size=1)
    return not page.items and not page.total


def _missing(fields: Sequence[WireField], wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = {field["field_name"] for field in fields}
    return [each for each in wanted if each["field_name"] not in known]
