"""Which fields and columns of two tables belong together, by name and by type, and what is odd about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column, ColumnKind, choices
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import lark_field_for
from airflow_provider_lark.core.sync.binding.links import LINK_TYPES, bind_link
from airflow_provider_lark.core.sync.draft.names import folded, pair_names
from airflow_provider_lark.core.sync.draft.sides import BitableTable, SqlTable
from airflow_provider_lark.core.sync.mapping.targets import Direction

_PEOPLE = frozenset({FieldType.USER, FieldType.CREATED_USER, FieldType.MODIFIED_USER})
_RECORD_IDS = frozenset(map(folded, ("feishu_id", "feishu_record_id", "lark_id", "lark_record_id")))
"""Columns that keep a record's id, by the names that people give them."""

LinkTargets = Mapping[str, SqlTable]
"""The SQL table that a Bitable table is paired with, by the id of the latter."""


@dataclass(frozen=True, slots=True)
class DraftPair:
    """A field and a column.

    :param remarks: what a person should know of it.
    """

    field: Field
    column: Column
    direction: Direction | None = None
    link: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftPairs:
    """Two tables as they fit.

    :param key: the columns that tell rows apart.
    :param left_out: fields and columns without a partner, and why.
    :param refusal: why these tables cannot be synced; empty where they can.
    """

    pairs: tuple[DraftPair, ...]
    key: tuple[str, ...]
    direction: Direction = "both"
    record_id_column: str | None = None
    left_out: tuple[str, ...] = ()
    refusal: str = ""


def draft_pairs(lark: BitableTable, sql: SqlTable, targets: LinkTargets) -> DraftPairs:
    """Pair what fits: equal names, then names that differ in case and marks, then the key with the primary field."""
    fields = {field.name: field for field in lark.fields}
    columns = {column.name: column for column in sql.columns}
    by_name = pair_names(fields, columns)
    found: dict[str, DraftPair] = {}
    misfits: dict[str, str] = {}
    for name, column_name in by_name.items():
        try:
            found[column_name] = _fit(fields[name], columns[column_name], sql, targets)
        except SchemaMismatch as exc:
            misfits[column_name] = exc.message
    if not sql.keys:
        return DraftPairs((), (), refusal="no primary key and no unique columns that are NOT NULL; add one")
    found |= _key_by_type(lark, sql, found, by_name)
    key = next((key for key in sql.keys if all(name in found for name in key)), None)
    if key is None:
        wanted = ", ".join(name for name in sql.keys[0] if name not in found)
        reasons = "".join(f"; {misfits[name]}" for name in sql.keys[0] if name in misfits)
        return DraftPairs((), (), refusal=f"no field for the key column {wanted}{reasons}")
    direction: Direction = "to_sql" if any(found[name].field.is_read_only for name in key) else "both"
    pairs = _narrowed(found, direction, sql, misfits)
    record_id_column = _record_id_column(sql, pairs)
    left_out = _left_out(lark, sql, pairs, misfits, record_id_column)
    ordered = sorted(pairs, key=lambda pair: key.index(pair.column.name) if pair.column.name in key else len(key))
    return DraftPairs(tuple(ordered), key, direction, record_id_column, left_out)


def _fit(field: Field, column: Column, sql: SqlTable, targets: LinkTargets) -> DraftPair:
    """Pair the two.

    :raises SchemaMismatch: their types do not fit.
    """
    link = _link(field, column, targets)
    if link is None:
        build_codec(field, column)
    direction: Direction | None = "to_sql" if field.is_read_only else None
    if sql.table.c[column.name].computed is not None:
        if direction is not None:
            raise SchemaMismatch("the field is read-only in Lark and the column is computed by the database")
        direction = "to_lark"
    return DraftPair(field, column, direction, link, tuple(_remarks(field, column, link)))


def _link(field: Field, column: Column, targets: LinkTargets) -> str | None:
    target = targets.get(str(field.property.get("table_id"))) if field.type in LINK_TYPES else None
    if target is None or len(target.primary_key) != 1:
        return None
    if column.kind not in (target.column(target.primary_key[0]).kind, ColumnKind.JSON, ColumnKind.ARRAY):
        return None
    bind_link(field, column, target.label, UTC)
    return target.label


def _key_by_type(
    lark: BitableTable, sql: SqlTable, found: Mapping[str, DraftPair], by_name: Mapping[str, str]
) -> dict[str, DraftPair]:
    """Pair the primary field with a key of one column, where no key is complete and the types are the same."""
    primary = next((field for field in lark.fields if field.is_primary), None)
    if primary is None or primary.name in by_name or any(all(name in found for name in key) for key in sql.keys):
        return {}
    for key in sql.keys:
        if len(key) == 1 and key[0] not in by_name.values():
            column = sql.column(key[0])
            try:
                pair = _fit(primary, column, sql, {})
            except SchemaMismatch:
                continue
            told = "paired by type, not by name: check that the primary field holds this key"
            return {column.name: replace(pair, remarks=(told, *pair.remarks))}
    return {}


def _narrowed(
    found: Mapping[str, DraftPair], direction: Direction, sql: SqlTable, misfits: dict[str, str]
) -> list[DraftPair]:
    """Leave out what a mapping of one direction cannot have."""
    if direction == "both":
        return list(found.values())
    for name, pair in found.items():
        if pair.direction == "to_lark":
            misfits[name] = f"the column is computed by the database, and the mapping goes {direction}"
    return [replace(pair, direction=None) for pair in found.values() if pair.direction != "to_lark"]


def _record_id_column(sql: SqlTable, pairs: Sequence[DraftPair]) -> str | None:
    taken = {pair.column.name for pair in pairs}
    for column in sql.columns:
        is_text = column.kind is ColumnKind.TEXT and choices(column) is None
        if folded(column.name) in _RECORD_IDS and is_text and column.nullable and column.name not in taken:
            return column.name
    return None


def _left_out(
    lark: BitableTable,
    sql: SqlTable,
    pairs: Sequence[DraftPair],
    misfits: Mapping[str, str],
    record_id_column: str | None,
) -> tuple[str, ...]:
    fields = {pair.field.field_id for pair in pairs}
    columns = {pair.column.name for pair in pairs} | {record_id_column}
    lone_fields = [field for field in lark.fields if field.field_id not in fields]
    lone_columns = [column for column in sql.columns if column.name not in columns]
    told = [misfits[column.name] for column in lone_columns if column.name in misfits]
    alike = _alike(lone_fields, lone_columns)
    mismatched = {folded(name) for name in misfits}
    for field in lone_fields:
        if folded(field.name) in mismatched:
            continue
        hint = f"; of its type is {alike[field.name].describe()}" if field.name in alike else ""
        told.append(f"field {field.describe()}: no column of this name{hint}")
    alone = [column for column in lone_columns if column.name not in misfits]
    return (*told, *(f"column {column.describe()}: {_no_field(column)}" for column in alone))


def _no_field(column: Column) -> str:
    try:
        lark_field_for(column)
    except SchemaMismatch:
        return "no Lark field can hold this type"
    if column.nullable or column.has_default or column.autoincrement:
        return "no field of this name"
    return "no field of this name, and NOT NULL without a default: records that are added in Lark get no row"


def _alike(fields: Sequence[Field], columns: Sequence[Column]) -> dict[str, Column]:
    """Return the columns that alone have the type of a field that alone has it."""
    by_type: dict[int, list[Column]] = {}
    for column in columns:
        try:
            by_type.setdefault(lark_field_for(column)["type"], []).append(column)
        except SchemaMismatch:
            continue
    types = [int(field.type) for field in fields]
    return {
        field.name: by_type[field.type][0]
        for field in fields
        if types.count(int(field.type)) == 1 and len(by_type.get(int(field.type), ())) == 1
    }


def _remarks(field: Field, column: Column, link: str | None) -> list[str]:
    return [told for told in (tell(field, column, link) for tell in _REMARKS) if told]


def _read_only_remark(field: Field, column: Column, link: str | None) -> str:
    return "read-only in Lark" if field.is_read_only else ""


def _link_remark(field: Field, column: Column, link: str | None) -> str:
    if field.type not in LINK_TYPES:
        return ""
    return f"holds keys of {link}" if link else "holds record ids; link: <table> would make it a foreign key"


def _people_remark(field: Field, column: Column, link: str | None) -> str:
    return "holds open_ids; users: email would make it addresses" if field.type in _PEOPLE else ""


def _options_remark(field: Field, column: Column, link: str | None) -> str:
    allowed = choices(column)
    options = [str(each.get("name", "")) for each in field.property.get("options") or ()]
    if field.type not in (FieldType.SINGLE_SELECT, FieldType.MULTI_SELECT):
        return ""
    if allowed is not None and (strange := [name for name in options if name not in allowed]):
        return f"the column's ENUM lacks the options {', '.join(strange)}: records with them are refused"
    return "" if allowed is not None else "a value that is no option yet becomes one"


def _number_remark(field: Field, column: Column, link: str | None) -> str:
    if field.type != FieldType.NUMBER:
        return ""
    if column.kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL) and lark_field_for(column)["type"] == FieldType.TEXT:
        return "Lark keeps 15 digits: a longer number is refused; a Text field would hold it"
    if column.kind is ColumnKind.INTEGER and "." in str(field.property.get("formatter", "")):
        return "the field shows decimals, the column holds whole numbers: a fraction is refused"
    return ""


def _files_remark(field: Field, column: Column, link: str | None) -> str:
    return "holds file tokens and names, not the files" if field.type == FieldType.ATTACHMENT else ""


_REMARKS: tuple[Callable[[Field, Column, str | None], str], ...] = (
    _read_only_remark,
    _link_remark,
    _people_remark,
    _options_remark,
    _number_remark,
    _files_remark,
)
