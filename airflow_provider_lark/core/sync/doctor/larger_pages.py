"""Whether base/v3, where a connection asks for it, serves a table, and in how large pages."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.api.calls.matrix_memory import SIZES
from airflow_provider_lark.core.api.retry import few_attempts
from airflow_provider_lark.core.errors import LarkError, Stopped
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.matrix_scan import doubtful_field
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.sync.doctor.findings import Answer


def look_at_larger_pages(table: LarkTable, fields: Sequence[Field]) -> Answer:
    """Ask for a page of one field, of the sizes that a sync asks for."""
    # a field whose cells are not certain does no harm here
    ids = [next((each for each in fields if doubtful_field([each]) is None), fields[0]).field_id]
    refused: LarkError | None = None
    for size in SIZES:
        try:
            with few_attempts():
                page = table.client.bitable.read_matrix(**table.ids, field_ids=ids, limit=size)
        except Stopped:
            raise
        except LarkError as error:
            refused = error
        else:
            proof = (
                "which tell their revision" if page.rev else "without a revision, so only tables of one page are read"
            )
            return "ok" if page.rev else "warning", f"base/v3 shows pages of up to {size:,} records, {proof}"
    return "warning", f"base/v3 does not serve the table, so it is read as usual: {refused}"
