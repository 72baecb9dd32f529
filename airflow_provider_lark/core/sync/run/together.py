"""Rows that can only be written together: two that swap a unique value, two new ones that refer to each other.

First each is written without the colliding value: NULL, or a placeholder. Then each gets its values. Those that are
rejected even so are left out, and the others are tried without them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Table

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    choices,
    decimal_digits,
    integer_range,
    text_limits,
)
from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, unique_columns_of

_DAY_MS = 86_400_000
_FAR = 10**15


@dataclass(frozen=True, slots=True)
class TwoSteps:
    """The values of one row: those that make room for the others, and those that follow."""

    first: Values
    second: Values


def split_values(spec: TableSpec, rows: Iterable[Values]) -> list[TwoSteps]:
    """Divide the values of rows that clash, so that all first steps fit, and then all second ones."""
    rows = list(rows)
    columns = {column.name: column for column in columns_of(spec.table)}
    loose = _clashing_columns(spec.table) - set(spec.key_columns)
    if not any(values.keys() & loose for values in rows):
        # an index on an expression, of which nobody knows the columns
        loose = {name for name, column in columns.items() if column.nullable} - set(spec.key_columns)
    return [_split(values, loose, columns, number) for number, values in enumerate(rows, 1)]


def _clashing_columns(table: Table) -> set[str]:
    referring = {name for foreign_key in table.foreign_key_constraints for name in foreign_key.column_keys}
    return referring.union(*unique_columns_of(table))


def _split(values: Values, loose: Collection[str], columns: Mapping[str, Column], number: int) -> TwoSteps:
    first, second = dict(values), dict[str, Canonical]()
    for name, value in values.items():
        if name not in loose or value is None:
            continue
        room = None if columns[name].nullable else _stand_in(columns[name], number)
        if room is not None or columns[name].nullable:
            first[name], second[name] = room, value
    return TwoSteps(first, second)


def _stand_in(column: Column, number: int) -> Canonical:
    """Return a value that no row is likely to have, another for each *number*; None where there is none."""
    kind = column.kind
    if kind is ColumnKind.INTEGER:
        least, greatest = integer_range(column)
        # of no more digits than every database and driver keeps
        return max(least, -_FAR) + number if least else min(greatest, _FAR) - number
    if kind is ColumnKind.DECIMAL:
        digits = min(decimal_digits(column)[0] or 15, 15)
        return number - int(10**digits)
    if kind is ColumnKind.TEXT and choices(column) is None:
        text = f"~{number}~"
        return text if len(text) <= (text_limits(column)[0] or len(text)) else None
    other = _OTHERS.get(kind)
    return None if other is None else other(number)


_OTHERS: dict[ColumnKind | None, Callable[[int], Canonical]] = {
    ColumnKind.FLOAT: lambda number: -number - 10**9,
    ColumnKind.UUID: lambda number: str(UUID(int=number)),
    ColumnKind.DATE: lambda number: number * _DAY_MS,
    ColumnKind.DATE_TIME: lambda number: number * _DAY_MS,
}
