"""The SQL table that a transfer writes to: found, or created with matching columns, and checked against the fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table, inspect

from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec, build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.field_column import UserKey
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.fields.sqltypes import sql_type_for
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.sql_side.new_table import TABLE_OPTIONS, exact_text, find_namesakes, refuse_name
from airflow_provider_lark.core.sql_side.reflection import (
    as_reflected,
    check_name,
    columns_of,
    key_columns_of,
    reflect_table,
)
from airflow_provider_lark.core.transfer.pairing import Names, missing

RECORD_ID_COLUMN = "lark_record_id"
RECORD_ID_LENGTH = 64

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class TargetPlace:
    """Where the rows go.

    :param record_id_column: the column that keeps the records' ids; empty for none.
    :param key_fields: the fields that tell rows apart, instead of the record id.
    """

    table: str
    schema: str | None = None
    record_id_column: str = RECORD_ID_COLUMN
    key_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.table:
            raise ConfigError("target_table: is empty; give the name of the SQL table to write to")

    @property
    def label(self) -> str:
        """The table's name with its schema."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True, slots=True)
class BoundColumn:
    """A field and the column that its cells go to."""

    field: Field
    column: Column
    codec: ValueCodec

    def bind(self, cell: Any) -> Any:
        """Return the value to bind for a cell as Lark shows it.

        :raises ValueMismatch: the column cannot hold it.
        """
        bound = self.codec.to_sql(self.codec.from_lark(cell))
        if bound is None and not self.column.nullable:
            bound = self.codec.empty_sql
            if bound is None:
                raise ValueMismatch(
                    f"field {self.field.describe()}: the cell is empty, but column {self.column.describe()} is NOT "
                    "NULL; fill in the cell"
                )
        return bound


@dataclass(frozen=True, slots=True)
class TargetTable:
    """A table that fits the fields.

    :param bound: one for each column that a field fills.
    :param record_id_column: the column that keeps the records' ids; empty where the table has none.
    :param key: the columns that tell rows apart; empty where nothing does.
    """

    table: Table
    bound: tuple[BoundColumn, ...]
    record_id_column: str
    key: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class SourceFields:
    """The fields that are to be stored, and how their values are read.

    :param table: the Bitable table that has them, for messages.
    :param choice: the listed pairs of field and column; None binds equal names.
    :param zone: in which dates are taken.
    :param users: keep users by id or by e-mail.
    """

    table: str
    fields: Sequence[Field]
    choice: Names | None
    zone: Zone
    users: UserKey


def find_target(
    conn: Connection, place: TargetPlace, source: SourceFields, *, create: bool, would: Foreseen | None = None
) -> TargetTable:
    """Reflect the table of *place*, or create it, and bind the fields of *source* to its columns.

    :param would: counts a table that would be created, and none is.
    :raises SchemaMismatch: the table or a column is missing, or a field does not fit.
    """
    fields, choice = source.fields, source.choice
    check_name(conn.dialect, place.table, f"table {place.label!r}")
    is_new = create and not inspect(conn).has_table(place.table, schema=place.schema)
    if is_new and would is not None:
        would.add("sql.make", [f"table {place.label}"])
        table = as_reflected(_design(conn, place, source.table, fields, choice), conn.dialect.name)
    else:
        if is_new:
            _design(conn, place, source.table, fields, choice).create(conn)
            conn.commit()
        table = _reflect(conn, place)
    columns = {column.name: column for column in columns_of(table)}
    pairs = choice if choice is not None else _equal_names(place, fields, columns)
    named = {name: find_field(name, fields, where=source.table) for name, _ in pairs}
    bound = tuple(
        _bind(place, named[name], column, columns, table, source.zone, source.users) for name, column in pairs
    )
    record_id_column = place.record_id_column if place.record_id_column in columns else ""
    if record_id_column in [each.column.name for each in bound]:
        raise ConfigError(f"record_id_column: {record_id_column!r} is also filled from a field")
    unused = [field.name for field in fields if field.name not in named]
    _check_filled(place, columns, {record_id_column, *(each.column.name for each in bound)}, unused)
    left_out = () if choice is not None else tuple(unused)
    key = _key(place, table, bound, record_id_column)
    return TargetTable(table, bound, record_id_column, key, left_out, is_new)


def _reflect(conn: Connection, place: TargetPlace) -> Table:
    try:
        return reflect_table(conn, place.table, place.schema)
    except SchemaMismatch as error:
        raise SchemaMismatch(f"{error.message}; create it, or set create_table=True") from error


def _design(conn: Connection, place: TargetPlace, source: str, fields: Sequence[Field], choice: Names | None) -> Table:
    where = f"table {place.label!r}"
    pairs = choice or tuple((field.name, field.name) for field in fields if sql_type_for(field, "") is not None)
    _check_keys(place, [name for name, _ in pairs])
    columns: list[Any] = []
    if place.record_id_column:
        id_type = exact_text(conn.dialect, sa.String(RECORD_ID_LENGTH))
        # with a key, another row may have held the record before: people change keys
        columns.append(sa.Column(place.record_id_column, id_type, primary_key=not place.key_fields, nullable=False))
    for name, column in pairs:
        field, is_key = find_field(name, fields, where=source), name in place.key_fields
        sql_type = sql_type_for(field, conn.dialect.name, is_key=is_key)
        if sql_type is None:
            raise SchemaMismatch(
                f"{where}: field {field.describe()} has no values that a column can store; leave it out"
            )
        sql_type = exact_text(conn.dialect, sql_type) if is_key else sql_type
        columns.append(sa.Column(column, sql_type, primary_key=is_key, nullable=not is_key, autoincrement=False))
    _check_names(conn, where, [column.name for column in columns])
    return Table(place.table, MetaData(), *columns, schema=place.schema, **TABLE_OPTIONS)


def _check_names(conn: Connection, where: str, names: Sequence[str]) -> None:
    for name in names:
        check_name(
            conn.dialect, name, f'{where}: column {name!r} (to use another name: fields={{"field": "column", …}})'
        )
        if told := refuse_name(conn.dialect, name):
            raise SchemaMismatch(
                f"{where}: {name!r} is not a valid column name here ({told}); use another column name: "
                'fields={"field": "column", …}'
            )
        if names.count(name) > 1:
            raise SchemaMismatch(_namesakes(where, name, name))
    for name, other in find_namesakes(names).items():
        raise SchemaMismatch(_namesakes(where, other, name))


def _namesakes(where: str, one: str, other: str) -> str:
    return f"{where}: {one!r} and {other!r} would be the same column; give them different names with fields="


def _equal_names(place: TargetPlace, fields: Sequence[Field], columns: dict[str, Column]) -> Names:
    pairs = tuple(
        (field.name, field.name)
        for field in fields
        if field.name in columns and field.name != place.record_id_column and sql_type_for(field, "") is not None
    )
    if not pairs:
        raise SchemaMismatch(
            f"table {place.label!r}: no column has the same name as a field; list the pairs: "
            f'fields={{"field": "column", …}} (columns: {", ".join(columns)})'
        )
    return pairs


def _bind(
    place: TargetPlace,
    field: Field,
    column_name: str,
    columns: dict[str, Column],
    table: Table,
    zone: Zone,
    users: UserKey,
) -> BoundColumn:
    where = f"table {place.label!r}"
    column = columns.get(column_name)
    if column is None:
        raise SchemaMismatch(f"{where}: column {column_name!r} {missing(column_name, columns, 'column')}")
    if table.c[column_name].computed is not None:
        raise SchemaMismatch(
            f"{where}: column {column.describe()} is computed by the database; leave it out of fields="
        )
    return BoundColumn(field, column, build_codec(field, column, time_zone=zone, user_key=users))


def _check_filled(place: TargetPlace, columns: dict[str, Column], filled: set[str], unused: Sequence[str]) -> None:
    empty = [
        column.name
        for column in columns.values()
        if not (column.name in filled or column.nullable or column.has_default or column.autoincrement)
    ]
    if empty:
        names = (
            f" (fields without a column: {', '.join(unused[:_SHOWN])}; check whether one was renamed in Lark)"
            if unused
            else ""
        )
        raise SchemaMismatch(
            f"table {place.label!r}: column {', '.join(empty)} is NOT NULL, has no default and no field; add a field "
            f"for it with fields=, or give the column a default{names}"
        )


def _key(place: TargetPlace, table: Table, bound: Sequence[BoundColumn], record_id_column: str) -> tuple[str, ...]:
    if not place.key_fields:
        return key_columns_of(table, [record_id_column]) if record_id_column else ()
    columns = {each.field.name: each.column.name for each in bound}
    _check_keys(place, list(columns))
    return key_columns_of(table, [columns[name] for name in place.key_fields])


def _check_keys(place: TargetPlace, written: Sequence[str]) -> None:
    for name in place.key_fields:
        if name not in written:
            raise ConfigError(f"key_fields: {name!r} is not among the fields that are written")
