"""Checking a mapping against the two real tables; the result is a :class:`.Binding`.

Binding goes by ``field_id`` once setup has stored it, so a person may rename a field without breaking the sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import Table

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec, build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field, FieldType, find_field
from airflow_provider_lark.core.fields.zones import Zone, read_zone
from airflow_provider_lark.core.hints import did_you_mean, list_names
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec, key_columns_of
from airflow_provider_lark.core.sync.binding.bound import Agreed, Binding, BothTables, BoundField
from airflow_provider_lark.core.sync.binding.capture_column import find_capture_column
from airflow_provider_lark.core.sync.binding.links import bind_link
from airflow_provider_lark.core.sync.binding.scope import bind_filters, check_policies
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.mapping.targets import Direction, FieldPair
from airflow_provider_lark.core.sync.rules import Rules

FindUserId = Callable[[str], str | None]

# a formula's or a lookup's result may be persons
PERSON_TYPES = frozenset(
    {FieldType.USER, FieldType.CREATED_USER, FieldType.MODIFIED_USER, FieldType.FORMULA, FieldType.LOOKUP}
)


def _find_nobody(_: str) -> str | None:
    return None


def bind(
    mapping: TableMapping,
    tables: BothTables,
    agreed: Agreed,
    *,
    find_user_id: FindUserId = _find_nobody,
    zone: Zone = UTC,
) -> Binding:
    """Hold *mapping* against the fields and columns of its *tables*.

    :param find_user_id: the id of the person with an e-mail address; needed to write persons with ``users: email``.
    :param zone: of dates where the mapping names none.
    :raises SchemaMismatch: a field or column is missing, cannot be written, or their types do not fit.
    """
    columns = {column.name: Column.from_reflected(column, tables.dialect) for column in tables.table.columns}
    keys = key_columns_of(tables.table, [_column_name(name, columns) for name in mapping.sql.key])
    named = mapping.fields or _equal_names(mapping, tables.fields, columns, agreed.contract)
    by_contract = {str(entry["field"]): str(entry["field_id"]) for entry in agreed.contract}
    zone = read_zone(mapping.time_zone) if mapping.time_zone else zone
    pairs = [
        _bind_field(
            mapping,
            pair,
            _find_field(mapping, pair.field, tables.fields, by_contract),
            columns,
            tables.table,
            zone,
            find_user_id,
        )
        for pair in named
    ]
    pairs.sort(key=lambda pair: keys.index(pair.column.name) if pair.column.name in keys else len(keys))
    _check_key(mapping, keys, pairs, tables.fields)
    check_policies(mapping, pairs, keys)
    extra, soft_is_time = _extra_columns(mapping, columns, zone, bound={pair.column.name for pair in pairs})
    codecs = {pair.column.name: pair.codec for pair in pairs} | extra
    belongs, filter_ = bind_filters(mapping, tables, {pair.named: pair.field for pair in pairs}, zone)
    spec = TableSpec(
        name=mapping.sql.table,
        schema=mapping.sql.schema,
        columns=tuple(columns[name] for name in codecs),
        key_columns=keys,
        table=tables.table,
        filter=filter_,
    )
    return Binding(
        mapping=mapping,
        app_token=tables.app_token,
        table_id=tables.table_id,
        pairs=tuple(pairs),
        spec=spec,
        key_codec=KeyCodec([columns[name] for name in keys]),
        codecs=codecs,
        rules=_rules(mapping, keys, pairs, named),
        modified_field=_modified_field(tables.fields, agreed.modified_field_id),
        soft_is_time=soft_is_time,
        change_column=find_capture_column(mapping, columns, zone),
        belongs=belongs,
        all_fields=tables.fields,
    )


def _equal_names(
    mapping: TableMapping,
    fields: Sequence[Field],
    columns: Mapping[str, Column],
    contract: Sequence[Mapping[str, Any]],
) -> tuple[FieldPair, ...]:
    """Pair equal names, and what setup paired before: a field that was renamed since has no equal column any more."""
    ids = {field.field_id for field in fields}
    kept = {
        str(entry["column"]): FieldPair(str(entry["field"]), str(entry["column"]))
        for entry in contract
        if entry["field_id"] in ids and entry["column"] in columns
    }
    equal = {field.name: FieldPair(field.name, field.name) for field in fields if field.name in columns}
    pairs = tuple((equal | kept).values())
    if not pairs:
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: no field and column have the same name; list the pairs under fields: (fields: "
            f"{list_names(field.name for field in fields)}; columns: {list_names(columns)})"
        )
    return pairs


def _find_field(mapping: TableMapping, name: str, fields: Sequence[Field], contract: Mapping[str, str]) -> Field:
    by_name = {field.name: field for field in fields}
    if field_id := contract.get(name):
        for field in fields:
            if field.field_id == field_id:
                return field
        if name in by_name:
            # its cells are empty: following it would empty the SQL column
            raise SchemaMismatch(
                f"mapping {mapping.name!r}: field {name!r} was deleted in Lark and a new field has the same name; "
                "restore the old field from the base's history, or run the setup with adopt_fields=True to use the "
                "new one"
            )
    return find_field(name, fields, where=f"mapping {mapping.name!r}: Bitable table")


def _bind_field(
    mapping: TableMapping,
    pair: FieldPair,
    field: Field,
    columns: Mapping[str, Column],
    table: Table,
    zone: Zone,
    find_user_id: FindUserId,
) -> BoundField:
    column = columns.get(_column_name(pair.column, columns))
    if column is None:
        raise SchemaMismatch(_no_such_column(mapping, pair.column, columns))
    link, by_email = None, _names_by_email(mapping, pair, field)
    if pair.link is None:
        codec = build_codec(
            field, column, time_zone=zone, user_key="email" if by_email else "id", find_user_id=find_user_id
        )
    else:
        codec, link = bind_link(field, column, pair.link, zone, pair.on_delete)
    flow = _flow(mapping, pair, field, codec)
    if table.c[column.name].computed is not None:
        flow = _computed_flow(mapping, pair, column, flow)
    return BoundField(pair.field, field, column, codec, flow, link, by_email)


def _names_by_email(mapping: TableMapping, pair: FieldPair, field: Field) -> bool:
    if pair.users is not None and field.type not in PERSON_TYPES:
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: field {field.describe()} is not a user field; remove users: {pair.users} from "
            "its entry"
        )
    return (pair.users or mapping.users) == "email" and field.type in PERSON_TYPES


def _flow(mapping: TableMapping, pair: FieldPair, field: Field, codec: ValueCodec) -> Direction:
    wanted = pair.direction or mapping.direction
    if mapping.direction not in ("both", wanted):
        raise ConfigError(
            f"mapping {mapping.name!r}: field {pair.field!r} has direction {wanted}, which conflicts with direction "
            f"{mapping.direction} of the mapping; change one of them"
        )
    if codec.lark_writable:
        return wanted
    if pair.direction in ("both", "to_lark") or mapping.direction == "to_lark":
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: field {field.describe()} is read-only in Lark and cannot be written; set "
            "direction: to_sql for it, or remove it from fields"
        )
    return "to_sql"


def _computed_flow(mapping: TableMapping, pair: FieldPair, column: Column, flow: Direction) -> Direction:
    if flow == "to_sql" or pair.direction == "both":
        raise SchemaMismatch(
            f"mapping {mapping.name!r}: column {column.describe()} is computed by the database and cannot be written; "
            "set direction: to_lark for it, or remove it from fields"
        )
    return "to_lark"


def _check_key(
    mapping: TableMapping, keys: Sequence[str], pairs: Sequence[BoundField], fields: Sequence[Field]
) -> None:
    bound = {pair.column.name: pair for pair in pairs}
    for name in keys:
        if name not in bound:
            unused = list_names(field.name for field in fields if field not in [pair.field for pair in pairs])
            raise SchemaMismatch(
                f"mapping {mapping.name!r}: key column {name!r} is not mapped; map a field to it, so that rows can be "
                f"matched on both sides (unmapped fields of the Bitable table: {unused or 'none'})"
            )
        if bound[name].link is not None:
            raise SchemaMismatch(
                f"mapping {mapping.name!r}: key column {name!r} cannot be a link; map it to its own field"
            )
        if bound[name].flow == "to_sql" and mapping.direction != "to_sql":
            raise SchemaMismatch(
                f"mapping {mapping.name!r}: key field {bound[name].field.describe()} is read-only in Lark, so new SQL "
                "rows could not be identified there; map the key to a writable field, or use direction: to_sql"
            )


def _extra_columns(
    mapping: TableMapping, columns: Mapping[str, Column], zone: Zone, *, bound: set[str]
) -> tuple[dict[str, ValueCodec], bool]:
    """Return codecs for the columns that the engine writes for itself, and whether the soft-delete one holds a time."""
    wanted: dict[str, tuple[FieldType, ...]] = {}
    if mapping.deletes.mode == "soft":
        wanted[mapping.deletes.column] = (FieldType.CHECKBOX, FieldType.DATE_TIME)
    if mapping.record_id_column:
        wanted[mapping.record_id_column] = (FieldType.TEXT,)
    extra: dict[str, ValueCodec] = {}
    soft_is_time = False
    for name, types in wanted.items():
        if name not in columns:
            raise SchemaMismatch(_no_such_column(mapping, name, columns))
        if name in bound:
            raise ConfigError(
                f"mapping {mapping.name!r}: column {name!r} is also mapped to a field, but the sync writes it itself; "
                "remove one of the two entries"
            )
        kind, extra[name] = _first_codec(mapping, columns[name], types, zone)
        soft_is_time = soft_is_time or kind == FieldType.DATE_TIME
    return extra, soft_is_time


def _first_codec(
    mapping: TableMapping, column: Column, types: Sequence[FieldType], zone: Zone
) -> tuple[FieldType, ValueCodec]:
    for kind in types:
        stand_in = Field(field_id="", name=column.name, type=kind, ui_type="", property={}, is_primary=False)
        try:
            return kind, build_codec(stand_in, column, time_zone=zone)
        except SchemaMismatch:
            continue
    wanted = " or ".join(kind.name.lower() for kind in types)
    raise SchemaMismatch(
        f"mapping {mapping.name!r}: column {column.name!r} has type {column.type}; it must be a {wanted} column"
    )


def _modified_field(fields: Sequence[Field], chosen: str | None) -> Field | None:
    found = [field for field in fields if field.type == FieldType.MODIFIED_TIME]
    return next((field for field in found if field.field_id == chosen), found[0] if found else None)


def _rules(
    mapping: TableMapping, keys: tuple[str, ...], pairs: Sequence[BoundField], named: Sequence[FieldPair]
) -> Rules:
    return Rules(
        columns=tuple(pair.column.name for pair in pairs if pair.column.name not in keys),
        key_columns=keys,
        to_sql=frozenset(pair.column.name for pair in pairs if pair.flow != "to_lark"),
        to_lark=frozenset(pair.column.name for pair in pairs if pair.flow != "to_sql"),
        direction=mapping.direction,
        conflict=mapping.conflict,
        deletes=mapping.deletes,
        tells_deletes=mapping.capture.mode == "trigger",
        skew_ms=mapping.skew_seconds * 1000,
        winners={each.column: each.conflict for each in named if each.conflict},
        owners={each.column: each.owner for each in named if each.owner},
        empty={pair.column.name: empty for pair in pairs if (empty := pair.codec.from_lark(None)) is not None},
    )


def _column_name(name: str, columns: Mapping[str, Column]) -> str:
    """Return the name of the column that a mapping means: the very one, or the one without the blanks around it."""
    return name if name in columns else name.strip()


def _no_such_column(mapping: TableMapping, name: str, columns: Iterable[str]) -> str:
    hint = did_you_mean(name, columns, otherwise=f"known: {list_names(columns)}")
    return f"mapping {mapping.name!r}: the SQL table has no column {name!r}; {hint}"
