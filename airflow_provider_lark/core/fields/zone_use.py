"""Which pairs of a field and a column need a time zone, and which one."""

from __future__ import annotations

from datetime import UTC, tzinfo

from airflow_provider_lark.core.fields.column import Column, ColumnKind, is_aware
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.zones import Zone, settled_zone

_MOMENTS = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})
# a result of these may be a moment
_MAY_BE_MOMENTS = _MOMENTS | {FieldType.FORMULA, FieldType.LOOKUP}


def depends_on_zone(field: Field, column: Column) -> bool:
    """Whether what a value of the pair means follows from the time zone: a date, a wall clock, a moment as text."""
    if column.kind is ColumnKind.DATE_TIME:
        return not (is_aware(column) and field.type in _MOMENTS)
    return column.kind in (ColumnKind.DATE, ColumnKind.TEXT) and field.type in _MAY_BE_MOMENTS


def zone_of(field: Field, column: Column, given: Zone) -> tzinfo:
    """Return the zone of a pair's values: the named one, the column's own, or the default where one is needed."""
    if column.session_zone is not None and not isinstance(given, tzinfo):
        return column.session_zone
    return settled_zone(given) if depends_on_zone(field, column) else UTC
