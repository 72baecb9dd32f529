"""The column by which a mapping notices changes in SQL: found, checked, and what setup and doctor say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, inspect, select, text

from airflow_provider_lark.core.database.dbtime import NowMs
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import as_named
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.hints import did_you_mean, list_names
from airflow_provider_lark.core.sql_side.change_column import PER_SECOND, ChangeColumn, is_usable
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping


def find_capture_column(mapping: TableMapping, columns: Mapping[str, Column], zone: Zone) -> ChangeColumn | None:
    """Return the column that tells which rows were changed; None where the mapping names none.

    :raises SchemaMismatch: there is no such column, or its type is none that grows with each write.
    """
    policy = mapping.capture
    if policy.mode != "column" or mapping.direction == "to_sql":
        return None
    if policy.column not in columns:
        hint = did_you_mean(policy.column, columns, otherwise=f"known: {list_names(columns)}")
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: capture: the SQL table has no column {policy.column!r}; {hint}. Without a "
            "column that grows with each write, use capture: scan"
        )
    column = columns[policy.column]
    if not is_usable(column):
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: capture: column {column.describe()} cannot tell which rows were changed last; "
            "use a datetime, date or whole-number column that grows with each write, or capture: scan"
        )
    found = ChangeColumn(column, PER_SECOND[policy.unit] if policy.unit else None, zone)
    if policy.unit and not found.is_number:
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: capture: column {column.describe()} is no number; remove unit: {policy.unit}"
        )
    return found


def doubts(conn: Connection, binding: Binding) -> list[str]:
    """Return what a person should know about the capture column, each with what to do."""
    change = binding.change_column
    if change is None:
        return []
    name, table = change.column.name, binding.table_name
    told = []
    if change.column.nullable:
        told.append(
            f"capture column {name} of {table} may be NULL: changes of rows without a value wait for the next full "
            f"sync; fill it and make it NOT NULL"
        )
    if ahead := _ahead_of_server(conn, change):
        told.append(
            f"times in capture column {name} of {table} name no zone and are taken for {ahead / 3600:g} h ahead of the "
            "database's own clock: if the database fills the column, a time from the future hides later changes until "
            "the next full sync; set time_zone to the zone in which it is written, or give it a type with a zone"
        )
    if name not in _leading(conn, binding):
        told.append(
            f"capture column {name} of {table} has no index, so every run reads the whole table: CREATE INDEX on "
            f"{table} ({name})"
        )
    return told


_OFFSETS = {
    # CURRENT_TIMESTAMP is UTC
    "sqlite": "SELECT 0",
    "postgresql": "SELECT EXTRACT(TIMEZONE FROM CURRENT_TIMESTAMP)",
    "mysql": "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())",
}


def _ahead_of_server(conn: Connection, change: ChangeColumn) -> int:
    """Return by how many seconds the mapping's zone is east of the session's; 0 where that does not matter."""
    meant = change.utc_offset_seconds(int(conn.scalars(select(NowMs())).one()))
    if meant is None:
        return 0
    # to the minute: an offset is never finer
    own = round(int(conn.scalar(text(_OFFSETS["mysql" if is_mysql(conn.dialect) else conn.dialect.name])) or 0) / 60)
    return max(0, meant - own * 60)


def _leading(conn: Connection, binding: Binding) -> set[str]:
    """Return the columns with which an index begins."""
    spec, inspector = binding.spec, inspect(conn)
    indexes = inspector.get_indexes(spec.name, schema=spec.schema)
    uniques = inspector.get_unique_constraints(spec.name, schema=spec.schema)
    keys = inspector.get_pk_constraint(spec.name, schema=spec.schema)["constrained_columns"]
    # one of a part of the rows is no help
    whole = [each for each in indexes if not any(name.endswith("_where") for name in each.get("dialect_options", {}))]
    named: list[Sequence[str | None]] = [each["column_names"] for each in whole]
    named += [each["column_names"] for each in uniques]
    first = {columns[0] for columns in [*named, keys] if columns}
    return {as_named(conn.dialect, name) for name in first if name is not None}
