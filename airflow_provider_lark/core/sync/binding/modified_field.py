"""The field by which one search finds what people changed."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.errors import AccessDenied, BadRequest
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.sync.report import SetupReport

MODIFIED_FIELD_NAME = "Last modified"


def create_modified_field(table: LarkTable, fields: Sequence[Field], report: SetupReport) -> Field | None:
    """Make the field by which one search finds what changed; without the right to, incremental runs read all."""
    taken = {field.name for field in fields}
    name = next(name for at in range(1, 100) if (name := _numbered(MODIFIED_FIELD_NAME, at)) not in taken)
    try:
        wire = table.client.bitable.create_field(
            **table.ids,
            field={
                "field_name": name,
                "type": int(FieldType.MODIFIED_TIME),
                "property": {"date_formatter": "yyyy-MM-dd HH:mm"},
            },
        )
    except (AccessDenied, BadRequest) as error:
        report.warnings.append(
            f"the table has no field of type Last modified time and none could be created ({error.code}); "
            "incremental runs read all records until one is added"
        )
        return None
    report.created.append(f"field {name!r} in Lark")
    return Field.from_wire(wire)


def _numbered(name: str, at: int) -> str:
    return name if at == 1 else f"{name} {at}"
