"""The filters of a mapping, held against the two real tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.lark_side.record_filter import RecordFilter, bind_record_filter
from airflow_provider_lark.core.sql_side.row_filter import RowFilter, bind_row_filter
from airflow_provider_lark.core.sync.binding.bound import BothTables, BoundField
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping


def check_policies(mapping: TableMapping, pairs: Sequence[BoundField], keys: Sequence[str]) -> None:
    """Refuse an owner, or a policy for conflicts, where a field can have none.

    :raises ConfigError: names the field.
    """
    flows = {pair.column.name: pair.flow for pair in pairs}
    for each in mapping.fields or ():
        given = "owner" if each.owner else "conflict" if each.conflict else ""
        if not given:
            continue
        where = f"mapping {mapping.name!r}: field {each.field!r}: {given}"
        if each.owner and each.conflict:
            raise ConfigError(f"{where}: a field with an owner has no conflicts; remove conflict or owner")
        if each.column in keys:
            raise ConfigError(f"{where}: column {each.column!r} is part of the key, which SQL keeps; remove {given}")
        if flows[each.column] != "both":
            raise ConfigError(f"{where}: the field only flows {flows[each.column]}; remove {given}")


def bind_filters(
    mapping: TableMapping, tables: BothTables, mapped: Mapping[str, Field], zone: Zone
) -> tuple[RecordFilter | None, RowFilter | None]:
    """Return the filters of both sides; None where all rows belong.

    :param mapped: the mapped fields by the name in the mapping, under which they are known when people rename them.
    :raises SchemaMismatch: a field or column does not exist.
    :raises ConfigError: a comparison or a value does not fit it.
    """
    where = f"mapping {mapping.name!r}: lark.filter"

    def find(name: str) -> Field:
        return mapped.get(name) or find_field(name, tables.fields, where=where)

    lark, sql = mapping.lark.filter, mapping.sql.filter
    return (
        None if lark is None else bind_record_filter(lark, find, zone=zone, where=where),
        None
        if sql is None
        else bind_row_filter(
            sql, tables.table, dialect=tables.dialect, zone=zone, where=f"mapping {mapping.name!r}: sql.filter"
        ),
    )
