"""What Lark computes: formulas, lookups, stages. One way, in the form of the column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import ColumnKind
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn
from airflow_provider_lark.core.fields.schema import Field, FieldType

BasicConverters = Callable[[int], tuple[Converter, Converter]]
"""Lark's and SQL's converter for a basic field type beside the pair's column; raises SchemaMismatch."""

_LISTS = frozenset(
    {
        FieldType.MULTI_SELECT,
        FieldType.USER,
        FieldType.ATTACHMENT,
        FieldType.GROUP_CHAT,
        FieldType.CREATED_USER,
        FieldType.MODIFIED_USER,
    }
)


def basic_type(field: Field) -> int | None:
    """Return the type of a formula's result where the field list tells."""
    told = field.property.get("type")
    code = told.get("data_type") if isinstance(told, dict) else None
    return code if isinstance(code, int) and code else None


def lark_derived(pair: FieldColumn, column: Converter, converters: BasicConverters) -> Converter:
    """Decode ``{"type": …, "value": […]}`` as its basic type, then take what the column would hold of it."""
    by_type: dict[int, Callable[[list[Any]], Any]] = {}
    refuse = pair.refuse_lark
    told = basic_type(pair.field)
    if told is not None:
        by_type[told] = _list_reader(pair, told, converters)

    def read(wire: Any) -> Any:
        if wire is None:
            return None
        code, values = unwrap_result(wire, told)
        decode = by_type.get(code)
        if decode is None:
            try:
                decode = by_type[code] = _list_reader(pair, code, converters)
            except SchemaMismatch:
                raise refuse(wire, f"a result that fits the column (type {code} does not)") from None
        if not values:
            return None
        return column.read(decode(values))

    return Converter(read, _refuse_write(pair))


def _refuse_write(pair: FieldColumn) -> Callable[[Any], Any]:
    def write(value: Any) -> Any:
        raise pair.refuse_sql(value, "no value, because Lark computes this field")

    return write


def refuse_writes(pair: FieldColumn, converter: Converter) -> Converter:
    """Return *converter* of a read-only field: its write raises."""
    return Converter(converter.read, _refuse_write(pair))


def unwrap_result(wire: Any, told: int | None) -> tuple[int, list[Any]]:
    """Return the basic type and the items of a computed cell; without a word of either the first item tells."""
    if isinstance(wire, dict) and "value" in wire:
        values, code = wire["value"], wire.get("type")
        items = values if isinstance(values, list) else [] if values is None else [values]
        return (code if isinstance(code, int) else told or _guess(items)), items
    items = wire if isinstance(wire, list) else [wire]
    return told or _guess(items), items


def _guess(items: list[Any]) -> int:
    """Tell the basic type of a bare result by its first item."""
    first = items[0] if items else None
    if isinstance(first, bool):
        return FieldType.CHECKBOX
    if isinstance(first, (int, float)):
        return FieldType.NUMBER
    if isinstance(first, dict):
        for key, code in _MARKS:
            if key in first:
                return code
    return FieldType.TEXT if isinstance(first, dict) or len(items) < 2 else FieldType.MULTI_SELECT


_MARKS = (
    ("link_record_ids", FieldType.SINGLE_LINK),
    ("file_token", FieldType.ATTACHMENT),
    ("location", FieldType.LOCATION),
    ("avatar_url", FieldType.USER),
    ("type", FieldType.TEXT),
    ("link", FieldType.URL),
)


def _list_reader(pair: FieldColumn, code: int, converters: BasicConverters) -> Callable[[list[Any]], Any]:
    """Return the function from a result's list to the value that the column binds."""
    lark, sql = converters(code)
    if code in _LISTS:
        return lambda values: sql.write(lark.read(flatten(values)))
    if code == FieldType.TEXT and pair.field.type != FieldType.LOOKUP:
        return lambda values: sql.write(lark.read([run if isinstance(run, dict) else {"text": run} for run in values]))
    if code in (FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK):
        return lambda values: sql.write(lark.read({"link_record_ids": flat_link_ids(values)}))
    return _scalars_reader(pair, lark, sql)


def flatten(values: list[Any]) -> list[Any]:
    """Put the items of lists among *values* in their place."""
    flat: list[Any] = []
    for value in values:
        flat.extend(value) if isinstance(value, list) else flat.append(value)
    return flat


def flat_link_ids(values: list[Any]) -> list[Any]:
    """Return the record ids of several link cells."""
    return flatten([value.get("link_record_ids") or [] if isinstance(value, dict) else value for value in values])


def _scalars_reader(pair: FieldColumn, lark: Converter, sql: Converter) -> Callable[[list[Any]], Any]:
    kind, refuse = pair.column.kind, pair.refuse_lark

    def read_one(value: Any) -> Any:
        # a run of text outside its list
        return sql.write(lark.read([value] if isinstance(value, dict) and value.get("type") == "text" else value))

    def read(values: list[Any]) -> Any:
        items = flatten(values)
        if len(items) == 1:
            return read_one(items[0])
        bound = [one for one in map(read_one, items) if one is not None]
        if kind is ColumnKind.JSON:
            return bound
        if kind is ColumnKind.TEXT:
            # as Lark shows a lookup of several
            return ",".join(map(str, bound)) or None
        if len(bound) < 2:
            return bound[0] if bound else None
        raise refuse(values, f"one result, or a text or JSON column for {len(bound)}")

    return read
