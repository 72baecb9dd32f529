"""A mapping that fits its tables: which field meets which column, and which way each flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from airflow_provider_lark.core.conditions.matching import Truth
from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.record_filter import RecordFilter
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of
from airflow_provider_lark.core.sync.binding.links import LinkedColumn, Links
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.mapping.targets import Direction
from airflow_provider_lark.core.sync.rules import Rules


@dataclass(frozen=True, slots=True)
class BothTables:
    """The two tables as they are now.

    :param fields: all fields of the Bitable table.
    :param table: the SQL table, reflected.
    :param dialect: SQLAlchemy's name of the database.
    """

    app_token: str
    table_id: str
    fields: Sequence[Field]
    table: Table
    dialect: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """What setup stored.

    :param contract: the fields by id, to follow those that were renamed.
    :param modified_field_id: the modification-time field that was chosen, to stay with it while it exists.
    """

    contract: Sequence[Mapping[str, Any]] = ()
    modified_field_id: str | None = None

    @classmethod
    def of(cls, state: Checkpoint | None) -> Agreed:
        """Return what *state* says."""
        return cls() if state is None else cls(state.fields, state.modified_field_id)


@dataclass(frozen=True, slots=True)
class BoundField:
    """One field and one column that fit each other; *flow* is the way values may take."""

    named: str
    field: Field
    column: Column
    codec: ValueCodec
    flow: Direction
    link: LinkedColumn | None = None
    by_email: bool = False

    def to_contract(self) -> dict[str, Any]:
        """Return what the checkpoint keeps, to know the field again under another name."""
        return {
            "field": self.named,
            "column": self.column.name,
            "field_id": self.field.field_id,
            "name": self.field.name,
            "type": int(self.field.type),
        }


@dataclass(frozen=True, slots=True)
class Binding:
    """A mapping that fits its tables.

    :param pairs: the bound fields, the key's first.
    :param spec: the SQL table with every column the engine touches.
    :param codecs: by column; also for the soft-delete and the record-id column, which no field is bound to.
    :param modified_field: the table's modification-time field; None where it has none.
    :param change_column: tells which rows of SQL were changed, where the mapping names a column for that.
    :param belongs: which records belong to the mapping, by its filter; None for all.
    :param all_fields: those of the Bitable table, mapped or not.
    :param soft_is_time: the soft-delete column holds the moment of the delete, not a flag.
    """

    mapping: TableMapping
    app_token: str
    table_id: str
    pairs: tuple[BoundField, ...]
    spec: TableSpec
    key_codec: KeyCodec
    codecs: Mapping[str, ValueCodec]
    rules: Rules
    modified_field: Field | None
    soft_is_time: bool = False
    change_column: ChangeColumn | None = None
    belongs: RecordFilter | None = None
    all_fields: Sequence[Field] = ()

    @property
    def table_name(self) -> str:
        """The ledger's name of the SQL table."""
        return self.spec.table_name

    def contract(self) -> list[dict[str, Any]]:
        """Return what the checkpoint keeps of the fields; of a link also what a run of the other table has to know."""
        return [
            pair.to_contract() if pair.link is None else {**pair.to_contract(), "link": self._link(pair.link)}
            for pair in self.pairs
        ]

    def _link(self, link: LinkedColumn) -> dict[str, Any]:
        spec = self.spec
        own = {"schema": spec.schema, "table": spec.name, "key": list(spec.key_columns)}
        return {"to": link.table_name, "on_delete": link.on_delete, "many": link.many, **own}

    @property
    def links(self) -> Links:
        """What translates the link columns."""
        return Links({pair.column.name: pair.link for pair in self.pairs if pair.link is not None})

    @property
    def email_columns(self) -> tuple[str, ...]:
        """The columns that name persons by e-mail address and flow to Lark."""
        return tuple(pair.column.name for pair in self.pairs if pair.by_email and pair.flow != "to_sql")

    @property
    def forgiven(self) -> frozenset[str]:
        """The columns of fields that Lark computes, without the key's."""
        computed = {pair.column.name for pair in self.pairs if pair.field.is_read_only}
        return frozenset(computed - set(self.rules.key_columns))

    @property
    def fields(self) -> dict[str, Field]:
        """The bound fields by column."""
        return {pair.column.name: pair.field for pair in self.pairs}

    def fills_in(self, column: str) -> bool:
        """Tell whether the database gives *column* a value by itself when an insert leaves it out."""
        found = next(each for each in self.spec.columns if each.name == column)
        return found.autoincrement or found.has_default

    @property
    def filtered_columns(self) -> tuple[str, ...]:
        """The columns of the mapped fields by which Lark's filter judges."""
        return () if self.belongs is None else tuple(self.belongs.columns_of(self.fields))

    def row_would_belong(self, values: Values) -> Truth:
        """Tell whether a row of these canonical values would be inside SQL's filter; None where nobody knows yet."""
        if self.spec.filter is None:
            return True
        try:
            stored = {name: self.codecs[name].to_sql(value) for name, value in values.items()}
        except ValueMismatch:
            return None
        return self.spec.filter.foresee(stored)

    def blocking_columns(self) -> list[str]:
        """Return the columns without which no row can be inserted, and that no field fills."""
        filled = {column.name for column in self.spec.columns if column.name in self.rules.to_sql}
        return [
            column.name
            for column in columns_of(self.spec.table)
            if column.name not in filled and not (column.nullable or column.has_default or column.autoincrement)
        ]

    @property
    def watched(self) -> tuple[str, ...]:
        """The columns whose change Lark must hear of."""
        soft = (self.mapping.deletes.column,) if self.mapping.deletes.mode == "soft" else ()
        by_filter = () if self.spec.filter is None else tuple(self.spec.filter.columns)
        return tuple(pair.column.name for pair in self.pairs if pair.flow != "to_sql") + soft + by_filter
