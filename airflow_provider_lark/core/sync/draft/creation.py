"""Tables that one side lacks: what they would be, told before anything is made, and their creation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, MetaData, Table

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.column import SqlType
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import KEY_LENGTH, lark_field_for, sql_type_for
from airflow_provider_lark.core.lark_side.table_design import check_design, ensure_table
from airflow_provider_lark.core.sql_side.new_table import TABLE_OPTIONS, exact_text, find_namesakes, refuse_name
from airflow_provider_lark.core.sync.binding.links import LINK_TYPES
from airflow_provider_lark.core.sync.draft.pairs import LinkTargets
from airflow_provider_lark.core.sync.draft.sides import BitableTable, Sides, SqlTable
from airflow_provider_lark.core.sync.draft.tables import PairedTables, linked_first

_KEY_TYPES = frozenset(
    {
        *(FieldType.TEXT, FieldType.NUMBER, FieldType.SINGLE_SELECT, FieldType.PHONE),
        *(FieldType.AUTO_NUMBER, FieldType.FORMULA),
    }
)
"""Types of a primary field whose values can tell rows apart."""


@dataclass(frozen=True, slots=True)
class NewSqlTable:
    """A SQL table that would be created for a Bitable table."""

    table: Table
    left_out: tuple[str, ...]

    def describe(self, engine: Engine) -> list[str]:
        """Return the lines that tell what would be created."""
        columns = [f"{column.name} {column.type.compile(engine.dialect)}" for column in self.table.columns]
        key = ", ".join(column.name for column in self.table.primary_key.columns)
        told = [f"SQL table {self.table.name}: {', '.join(columns)}; key {key}"]
        return [*told, *(f"  without {each}" for each in self.left_out)]

    def make(self, engine: Engine) -> None:
        """Create it unless it is there."""
        self.table.create(engine, checkfirst=True)


@dataclass(frozen=True, slots=True)
class NewBitableTable:
    """A Bitable table that would be created for a SQL table.

    :param links: by column, the SQL table whose Bitable table its field links to.
    """

    name: str
    definitions: tuple[Mapping[str, Any], ...]
    links: Mapping[str, str]
    left_out: tuple[str, ...]

    def describe(self) -> list[str]:
        """Return the lines that tell what would be created."""
        fields = [
            f"{each['field_name']} "
            + (f"link to {self.links[each['field_name']]}" if each["field_name"] in self.links else _label(each))
            for each in self.definitions
        ]
        told = [f"Bitable table {self.name}: {', '.join(fields)}"]
        return [*told, *(f"  without {each}" for each in self.left_out)]

    def make(self, client: LarkClient, app_token: str, table_ids: Mapping[str, str]) -> str:
        """Create it unless it is there, and return its id.

        :param table_ids: the ids of Bitable tables by SQL table.
        """
        definitions = [
            {**each, **_link_to(table_ids[self.links[each["field_name"]]])}
            if each["field_name"] in self.links
            else each
            for each in self.definitions
        ]
        return ensure_table(client, app_token, self.name, definitions, if_exists="skip").id


@dataclass(frozen=True, slots=True)
class Creations:
    """What would be created on one side, in this order, and which tables cannot be, and why."""

    tables: tuple[NewSqlTable | NewBitableTable, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)


def plan_sql(sides: Sides, tables: PairedTables, engine: Engine, schema: str | None) -> Creations:
    """Design a SQL table for each Bitable table that has none."""
    made: list[NewSqlTable] = []
    refused: dict[str, str] = {}
    targets = {lark.table_id: sql for lark, sql in tables.paired}
    for lark in tables.only_lark:
        try:
            made.append(_design_sql(lark, targets, engine, schema))
        except SchemaMismatch as exc:
            refused[lark.name] = exc.message
    names = [each.table.name for each in made] + [each.name for each in sides.sql]
    for name, other in find_namesakes([*reversed(names)]).items():
        refused[name] = f"{name!r} and {other!r} would be the same table here; rename one of them"
    return Creations(tuple(each for each in made if each.table.name not in refused), refused)


def plan_lark(tables: PairedTables) -> Creations:
    """Design a Bitable table for each SQL table that has none; those that others refer to come first."""
    known = {sql.name for _, sql in tables.paired}
    made: dict[str, NewBitableTable] = {}
    refused: dict[str, str] = {}
    alone = {sql.name: sql for sql in tables.only_sql}
    for name in linked_first({name: list(sql.references.values()) for name, sql in alone.items()}):
        try:
            made[name] = _design_bitable(alone[name], known)
        except (SchemaMismatch, ConfigError) as exc:
            refused[name] = exc.message
            continue
        known.add(name)
    return Creations(tuple(made.values()), refused)


def create_sql(creations: Creations, engine: Engine) -> None:
    """Create the tables."""
    for each in creations.tables:
        if isinstance(each, NewSqlTable):
            each.make(engine)


def create_lark(creations: Creations, client: LarkClient, app_token: str, tables: PairedTables) -> None:
    """Create the tables, and link them to each other."""
    ids = {sql.name: lark.table_id for lark, sql in tables.paired}
    for each in creations.tables:
        if isinstance(each, NewBitableTable):
            ids[each.name] = each.make(client, app_token, ids)


def _design_sql(lark: BitableTable, targets: LinkTargets, engine: Engine, schema: str | None) -> NewSqlTable:
    dialect = engine.dialect
    if told := refuse_name(dialect, lark.name):
        raise SchemaMismatch(f"its name cannot be that of a SQL table ({told}); create one and pair it with --table")
    primary = next((each for each in lark.fields if each.is_primary), None)
    if primary is None or primary.type not in _KEY_TYPES or refuse_name(dialect, primary.name):
        kind = "none" if primary is None else primary.describe()
        raise SchemaMismatch(f"its primary field cannot be a key: {kind}; create the table and pair it with --table")
    left_out: list[str] = []
    columns = [_key_column(primary, engine)]
    clashes = find_namesakes([primary.name, *(each.name for each in lark.fields if each is not primary)])
    for each in lark.fields:
        if each is primary:
            continue
        sql_type = _sql_type(each, targets, dialect.name)
        reason = refuse_name(dialect, each.name) or (
            f"the same as {clashes[each.name]!r}" if each.name in clashes else ""
        )
        if sql_type is None or reason:
            left_out.append(f"field {each.describe()}: {reason or 'it holds no values'}")
            continue
        columns.append(sa.Column(each.name, sql_type))
    return NewSqlTable(Table(lark.name, MetaData(), *columns, schema=schema, **TABLE_OPTIONS), tuple(left_out))


def _key_column(primary: Field, engine: Engine) -> sa.Column[Any]:
    if primary.type == FieldType.NUMBER:
        # counts up by itself, so that a record that is added without a number gets one
        whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
        return sa.Column(primary.name, whole, primary_key=True, autoincrement=True)
    text = exact_text(engine.dialect, sa.String(KEY_LENGTH))
    return sa.Column(primary.name, text, primary_key=True, nullable=False, autoincrement=False)


def _sql_type(each: Field, targets: LinkTargets, dialect: str) -> SqlType | None:
    target = targets.get(str(each.property.get("table_id"))) if each.type in LINK_TYPES else None
    if target is not None and len(target.primary_key) == 1 and each.property.get("multiple") is False:
        found: SqlType = target.table.c[target.primary_key[0]].type
        return found
    return sql_type_for(each, dialect)


def _design_bitable(sql: SqlTable, known: set[str]) -> NewBitableTable:
    if not sql.keys:
        raise SchemaMismatch("it has no primary key and no unique columns that are NOT NULL; add one")
    key = sql.keys[0]
    ordered = [*(sql.column(name) for name in key), *(each for each in sql.columns if each.name not in key)]
    definitions: list[Mapping[str, Any]] = []
    links: dict[str, str] = {}
    left_out: list[str] = []
    for column in ordered:
        try:
            definition = lark_field_for(column)
        except SchemaMismatch:
            left_out.append(f"column {column.describe()}: no Lark field can hold this type")
            continue
        if column.name != column.name.strip():
            left_out.append(f"column {column.describe()!r}: Lark drops the blanks around the name")
            continue
        target = sql.references.get(column.name)
        if target in known and column.name not in key and target is not None:
            links[column.name] = target
            definition = {"field_name": column.name, **_link_to("")}
        definitions.append(definition)
    missing = [name for name in key if name not in [each["field_name"] for each in definitions]]
    if missing:
        raise SchemaMismatch(f"its key column {', '.join(missing)} cannot be a field")
    check_design(sql.name, definitions)
    return NewBitableTable(sql.name, tuple(definitions), links, tuple(left_out))


def _link_to(table_id: str) -> dict[str, Any]:
    property_ = {"table_id": table_id, "multiple": False}
    return {"type": int(FieldType.SINGLE_LINK), "ui_type": "SingleLink", "property": property_}


def _label(definition: Mapping[str, Any]) -> str:
    return str(definition.get("ui_type") or FieldType(definition["type"]).label)
