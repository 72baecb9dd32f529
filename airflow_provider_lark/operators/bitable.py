"""All operators of Bitable tables, records and fields, from one place."""

from __future__ import annotations

from airflow_provider_lark.operators.bitable_attachments import (
    BitableDownloadAttachmentsOperator,
    BitableUploadAttachmentsOperator,
)
from airflow_provider_lark.operators.bitable_records import (
    BitableCreateRecordsOperator,
    BitableDeleteRecordsOperator,
    BitableGetRecordsOperator,
    BitableListRecordsOperator,
    BitableUpdateRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.operators.bitable_tables import (
    BitableCreateFieldOperator,
    BitableCreateTableOperator,
    BitableDeleteTableOperator,
    BitableListFieldsOperator,
    BitableListTablesOperator,
    BitableUpdateFieldOperator,
)

__all__ = [
    "BitableCreateFieldOperator",
    "BitableCreateRecordsOperator",
    "BitableCreateTableOperator",
    "BitableDeleteRecordsOperator",
    "BitableDeleteTableOperator",
    "BitableDownloadAttachmentsOperator",
    "BitableGetRecordsOperator",
    "BitableListFieldsOperator",
    "BitableListRecordsOperator",
    "BitableListTablesOperator",
    "BitableUpdateFieldOperator",
    "BitableUpdateRecordsOperator",
    "BitableUploadAttachmentsOperator",
    "BitableUpsertRecordsOperator",
]
