"""The filter of a Bitable table, judged on the cells that were read.

Lark is not asked to filter: a search that leaves records out cannot tell one that left the filter from one that was
deleted, and what its comparisons make of case, of blanks and of days is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.conditions.condition import CONTAIN, EMPTY, ORDER, Condition, Filter
from airflow_provider_lark.core.conditions.matching import Comparable, Truth, matches, meets
from airflow_provider_lark.core.conditions.operands import as_flags, as_numbers, as_spans, as_texts
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.decimals import decimal_of_float
from airflow_provider_lark.core.fields.plain.read import Read, cell_reader
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.lark_side.filter_values import LISTS

_EQUAL = ("is", "isNot")
_TEXTS = frozenset({FieldType.TEXT, FieldType.PHONE, FieldType.URL, FieldType.SINGLE_SELECT, FieldType.AUTO_NUMBER})
_DATES = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})
_OPERATORS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys(_TEXTS, (*_EQUAL, *CONTAIN, *EMPTY)),
    **dict.fromkeys(LISTS, (*_EQUAL, *CONTAIN, *EMPTY)),
    **dict.fromkeys(_DATES, (*_EQUAL, *ORDER, *EMPTY)),
    FieldType.NUMBER: (*_EQUAL, *ORDER, *EMPTY),
    FieldType.CHECKBOX: _EQUAL,
    FieldType.ATTACHMENT: EMPTY,
    FieldType.LOCATION: EMPTY,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records of a table belong to a mapping."""

    filter: Filter
    _fields: Mapping[str, Field]
    _readers: Mapping[str, Read]
    _operands: Mapping[Condition, Sequence[object]]

    @property
    def field_names(self) -> list[str]:
        """The fields that have to be read."""
        return list(dict.fromkeys(field.name for field in self._fields.values()))

    def columns_of(self, mapped: Mapping[str, Field]) -> list[str]:
        """Return the columns of those of its fields that are *mapped*, which are given by column."""
        ids = {field.field_id for field in self._fields.values()}
        return [column for column, field in mapped.items() if field.field_id in ids]

    def judge(self, cells: Mapping[str, Any]) -> bool:
        """Tell whether a record of these cells belongs; one with a cell of a shape that is not known does not."""
        return bool(matches(self.filter, lambda condition: self._judge(condition, cells)))

    def foresee(self, cells: Mapping[str, Any]) -> Truth:
        """Tell whether a record that is created with these cells would belong; None where Lark fills a cell in."""

        def judge(condition: Condition) -> Truth:
            field = self._fields[condition.name]
            return None if field.is_read_only and field.name not in cells else self._judge(condition, cells)

        return matches(self.filter, judge)

    def _judge(self, condition: Condition, cells: Mapping[str, Any]) -> Truth:
        field = self._fields[condition.name]
        wire = cells.get(field.name)
        try:
            cell = _comparable(field, None if wire is None else self._readers[condition.name](wire))
        except (TypeError, ValueError, KeyError):
            return False
        return meets(condition, cell, self._operands[condition])


def bind_record_filter(filter_: Filter, find: Callable[[str], Field], *, zone: Zone, where: str) -> RecordFilter:
    """Hold *filter_* against the fields of its table.

    :param find: finds a field by its name, or raises SchemaMismatch.
    :param zone: of dates.
    :param where: the entry, for messages.
    :raises ConfigError: a comparison or a value does not fit its field.
    """
    fields = {name: find(name) for name in filter_.names}
    operands = {
        condition: _read(fields[condition.name], condition, zone, where)
        for group in filter_.groups
        for condition in group
    }
    return RecordFilter(filter_, fields, {name: cell_reader(field, "ms") for name, field in fields.items()}, operands)


def _read(field: Field, condition: Condition, zone: Zone, where: str) -> Sequence[object]:
    where = f"{where}: field {field.describe()}"
    allowed = _OPERATORS.get(field.type)
    if allowed is None:
        raise ConfigError(f"{where}: records cannot be filtered by this field")
    if condition.operator not in allowed:
        raise ConfigError(f"{where}: {condition.operator} is not supported; use one of {', '.join(allowed)}")
    if field.type == FieldType.CHECKBOX and None in condition.values:
        raise ConfigError(f"{where}: an empty checkbox counts as false; give true or false")
    if field.type == FieldType.NUMBER:
        return as_numbers(condition, where)
    if field.type == FieldType.CHECKBOX:
        return as_flags(condition, where)
    return as_spans(condition, where, zone) if field.type in _DATES else as_texts(condition, where)


def _comparable(field: Field, value: Any) -> Comparable | None:
    if field.type == FieldType.CHECKBOX:
        return bool(value)
    if value in (None, "", []):
        return None
    if field.type == FieldType.NUMBER:
        return decimal_of_float(value) if isinstance(value, float) else Decimal(value)
    if field.type in _DATES:
        return _EPOCH + timedelta(milliseconds=value)
    if field.type in LISTS:
        return tuple(str(each["id"]) if isinstance(each, Mapping) else str(each) for each in value)
    if isinstance(value, Mapping):
        # a link is known by what people read
        value = value["text"] if field.type == FieldType.URL else "there"
    return str(value)
