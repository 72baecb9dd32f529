"""The filter of a SQL table: a condition that the database judges in every read, by its own rules for texts and NULL.

What the database has not got yet is foreseen from its values; where it may see things otherwise than Python, such as
under a collation that overlooks case, nothing is foreseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table, and_, bindparam, func, not_, or_

from airflow_provider_lark.core.conditions.condition import CONTAIN, EMPTY, ORDER, Condition, Filter
from airflow_provider_lark.core.conditions.matching import Comparable, Truth, matches, meets
from airflow_provider_lark.core.conditions.operands import (
    Span,
    as_days,
    as_flags,
    as_numbers,
    as_spans,
    as_texts,
    without_none,
)
from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.column import Column, ColumnKind, base_type, choices, is_aware
from airflow_provider_lark.core.fields.decimals import decimal_of_float
from airflow_provider_lark.core.fields.zones import Zone, settled_zone
from airflow_provider_lark.core.hints import did_you_mean, list_names

_EQUAL = ("is", "isNot")
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT)
_OPERATORS: dict[ColumnKind, tuple[str, ...]] = {
    ColumnKind.TEXT: (*_EQUAL, *CONTAIN, *EMPTY),
    ColumnKind.UUID: (*_EQUAL, *EMPTY),
    **dict.fromkeys(_NUMBERS, (*_EQUAL, *ORDER, *EMPTY)),
    # a flag that is NULL counts as false, as an unticked checkbox does
    ColumnKind.BOOLEAN: _EQUAL,
    **dict.fromkeys((ColumnKind.DATE, ColumnKind.DATE_TIME), (*_EQUAL, *ORDER, *EMPTY)),
    **dict.fromkeys((ColumnKind.TIME, ColumnKind.JSON, ColumnKind.ARRAY), EMPTY),
}


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows of a table belong to a mapping.

    :param columns: those that it names, by their names.
    :param operands: the values of each condition, in the form in which they are compared.
    """

    filter: Filter
    table: Table
    zone: Zone
    columns: dict[str, Column]
    operands: Mapping[Condition, Sequence[object]]

    @property
    def expression(self) -> ColumnElement[bool]:
        """The condition, for a WHERE."""
        groups = [and_(*(self._sql(condition) for condition in group)) for group in self.filter.groups]
        return or_(*groups)

    def foresee(self, values: Mapping[str, Any]) -> Truth:
        """Tell whether a row of these values, as they are written, would belong; None where only the database knows."""

        def judge(condition: Condition) -> Truth:
            if condition.name not in values:
                return None
            column = self.columns[condition.name]
            try:
                value = values[condition.name]
                cell = bool(value) if _are_flags(self.operands[condition]) else _cell(column, self.zone, value)
            except (TypeError, ValueError):
                return None
            return meets(condition, cell, self.operands[condition], exact=False)

        return matches(self.filter, judge)

    def _sql(self, condition: Condition) -> ColumnElement[bool]:
        column, own = self.columns[condition.name], self.table.c[condition.name]
        empty = _is_empty(column, own)
        if condition.operator in EMPTY:
            return empty if condition.operator == "isEmpty" else not_(empty)
        values, with_empty = without_none(self.operands[condition])
        compare = _comparer(column, own, condition, self.zone)
        if condition.operator in ORDER:
            return compare(values[0])
        parts = [compare(value) for value in values]
        if condition.operator in ("is", "contains"):
            return or_(*parts, *([empty] if with_empty else []))
        denied = not_(or_(*parts)) if parts else None
        if with_empty:
            return and_(not_(empty), *([denied] if denied is not None else []))
        # a comparison with NULL is neither true nor false, and NULL is none of the values
        return or_(own.is_(None), cast("ColumnElement[bool]", denied))


def bind_row_filter(filter_: Filter, table: Table, *, dialect: str, zone: Zone, where: str) -> RowFilter:
    """Hold *filter_* against the columns of *table*.

    :param where: the entry, for messages.
    :raises SchemaMismatch: it names a column that the table has not.
    :raises ConfigError: a comparison or a value does not fit its column.
    """
    names = [column.name for column in table.columns]
    for name in filter_.names:
        if name not in names:
            hint = did_you_mean(name, names, otherwise=f"known: {list_names(names)}")
            raise SchemaMismatch(f"{where}: the SQL table has no column {name!r}; {hint}")
    columns = {name: Column.from_reflected(table.c[name], dialect) for name in filter_.names}
    operands = {
        condition: _read(columns[condition.name], condition, zone, where)
        for group in filter_.groups
        for condition in group
    }
    return RowFilter(filter_, table, zone, columns, operands)


def _read(column: Column, condition: Condition, zone: Zone, where: str) -> Sequence[object]:
    where = f"{where}: column {column.describe()}"
    allowed = _OPERATORS.get(column.kind) if column.kind is not None else None
    if allowed is None:
        raise ConfigError(f"{where}: rows cannot be filtered by this column")
    options = choices(column)
    if condition.operator not in allowed or (options is not None and condition.operator in CONTAIN):
        fitting = [word for word in allowed if options is None or word not in CONTAIN]
        raise ConfigError(f"{where}: {condition.operator} is not supported; use one of {', '.join(fitting)}")
    if options is not None and not options.issuperset(value for value in condition.values if value is not None):
        raise ConfigError(f"{where}: the filter names a value that the column cannot hold")
    if column.kind is ColumnKind.BOOLEAN and None in condition.values:
        raise ConfigError(f"{where}: NULL counts as false; give true or false")
    return _operands(column, condition, zone, where)


def _operands(column: Column, condition: Condition, zone: Zone, where: str) -> Sequence[object]:
    if column.kind is ColumnKind.INTEGER and _are_flags(condition.values) and condition.operator in _EQUAL:
        # MySQL's BOOLEAN is a TINYINT
        return as_flags(condition, where)
    if column.kind in _NUMBERS:
        return as_numbers(condition, where)
    if column.kind is ColumnKind.BOOLEAN:
        return as_flags(condition, where)
    if column.kind is ColumnKind.DATE:
        return as_days(condition, where)
    if column.kind is ColumnKind.DATE_TIME:
        return as_spans(condition, where, column.session_zone or zone)
    texts = as_texts(condition, where)
    return [_uuid(text, where) for text in texts] if column.kind is ColumnKind.UUID else texts


def _are_flags(values: Sequence[object]) -> bool:
    return bool(values) and all(isinstance(value, bool) for value in values)


def _uuid(text: str | None, where: str) -> str | None:
    try:
        return None if text is None else str(UUID(text))
    except ValueError:
        raise ConfigError(f"{where}: expected a UUID") from None


def _is_empty(column: Column, own: ColumnElement[Any]) -> ColumnElement[bool]:
    if column.kind is ColumnKind.TEXT and choices(column) is None:
        return or_(own.is_(None), own == "")
    return own.is_(None)


_Compare = Callable[[object], ColumnElement[bool]]


def _comparer(column: Column, own: ColumnElement[Any], condition: Condition, zone: Zone) -> _Compare:
    if condition.operator in CONTAIN:
        return lambda value: own.contains(value, autoescape=True)
    if column.kind is ColumnKind.DATE_TIME:
        moment = func.strftime("%Y-%m-%d %H:%M:%f", own) if column.dialect == "sqlite" else own
        return lambda value: _in_span(moment, condition, cast("Span", value), column, zone)
    return lambda value: (
        _flag(column, own, value) if isinstance(value, bool) else _ordered(own, condition, _bound(column, own, value))
    )


def _flag(column: Column, own: ColumnElement[Any], wanted: bool) -> ColumnElement[bool]:
    value: object = wanted if column.kind is ColumnKind.BOOLEAN and column.dialect == "postgresql" else int(wanted)
    equal = own == bindparam(None, value, type_=RAW)
    return equal if wanted else or_(equal, own.is_(None))


def _bound(column: Column, own: ColumnElement[Any], value: object) -> ColumnElement[Any]:
    if column.kind in (*_NUMBERS, ColumnKind.DATE):
        return bindparam(None, value, type_=RAW)
    if column.kind is ColumnKind.UUID and getattr(base_type(column.type), "as_uuid", False):
        value = UUID(str(value))
    return bindparam(None, value, type_=own.type)


def _ordered(own: ColumnElement[Any], condition: Condition, value: ColumnElement[Any]) -> ColumnElement[bool]:
    by_word: dict[str, ColumnElement[bool]] = {
        "isGreater": own > value,
        "isGreaterEqual": own >= value,
        "isLess": own < value,
        "isLessEqual": own <= value,
    }
    return by_word.get(condition.operator, own == value)


def _in_span(
    own: ColumnElement[Any], condition: Condition, span: Span, column: Column, zone: Zone
) -> ColumnElement[bool]:
    start, end = (bindparam(None, _stored(moment, column, zone), type_=RAW) for moment in span)
    by_word: dict[str, ColumnElement[bool]] = {
        "isGreater": own >= end,
        "isGreaterEqual": own >= start,
        "isLess": own < start,
        "isLessEqual": own < end,
    }
    return by_word.get(condition.operator, and_(own >= start, own < end))


def _stored(moment: datetime, column: Column, zone: Zone) -> object:
    """Return *moment* as the column keeps it."""
    if is_aware(column):
        return moment
    local = moment.astimezone(column.session_zone or settled_zone(zone)).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds") if column.dialect == "sqlite" else local


def _cell(column: Column, zone: Zone, value: Any) -> Comparable | None:
    """Return a value that is written to *column* in the form in which it is compared."""
    if column.kind is ColumnKind.BOOLEAN:
        return bool(value)
    if value is None or value == "":
        return None
    if column.kind in _NUMBERS:
        return decimal_of_float(value) if isinstance(value, float) else Decimal(value)
    if column.kind is ColumnKind.DATE_TIME:
        if not isinstance(value, datetime):
            raise TypeError
        own = UTC if value.tzinfo is not None else column.session_zone or settled_zone(zone)
        return value if value.tzinfo is not None else value.replace(tzinfo=own)
    if column.kind is ColumnKind.DATE:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise TypeError
        return value
    return str(value)


def as_mark(expression: ColumnElement[bool]) -> ColumnElement[int]:
    """Return *expression* as a number to select: 1 where it holds, else 0."""
    return sa.case((expression, 1), else_=0)
