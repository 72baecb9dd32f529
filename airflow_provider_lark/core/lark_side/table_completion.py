"""Making the fields that Lark left out of a table it created, at once or when the task is tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import LarkTable


def complete_table(table: LarkTable, wanted: Sequence[Mapping[str, Any]]) -> list[Field]:
    """Make those of the *wanted* fields that the table does not have, and return all fields.

    Lark may answer success and keep 20 of 27 fields.

    :raises SchemaMismatch: Lark keeps some of them out again; names them.
    """
    fields = table.read_fields()
    missing = _missing(fields, wanted)
    if not missing:
        return fields
    for each in missing:
        table.client.bitable.create_field(**table.ids, field=each, client_token=str(uuid4()))
    fields = table.read_fields()
    if still := _missing(fields, wanted):
        names = ", ".join(repr(each["field_name"]) for each in still)
        raise SchemaMismatch(
            f"{table.label}: Lark reported success but did not create {len(still)} of {counted(len(wanted), 'field')}: "
            f"{names}; try again, or create them manually"
        )
    return fields


def is_leftover(table: LarkTable, wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a table looks like the incomplete work of an earlier try: some of the fields, and no record."""
    fields = table.read_fields()
    names = {each["field_name"] for each in wanted}
    if not _missing(fields, wanted) or any(field.name not in names for field in fields):
        return False
    page = table.first_page(page_size=1)
    return not page.items and not page.total


def _missing(fields: Sequence[Field], wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = {field.name for field in fields}
    return [each for each in wanted if each["field_name"] not in known]
