"""The type of a query's column, guessed from its first values: only to choose the field to create."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import types as sa

from airflow_provider_lark.core.database.lenient_loading import Unloadable
from airflow_provider_lark.core.fields.column import Column, ColumnKind, SqlType, kind_of
from airflow_provider_lark.core.transfer.to_bitable.cells import type_of_value


def guess_column(name: str, values: Sequence[Any]) -> Column:
    """Describe a column by *values*; one without any, or with values of several kinds, is text.

    >>> guess_column("price", [1, Decimal("2.50"), None]).type_label
    'NUMERIC(3, 2)'
    """
    given = [value for value in values if value is not None and not isinstance(value, Unloadable)]
    types = {type(value): type_of_value(value) for value in given}
    kinds = {None if sql_type is None else kind_of(sql_type) for sql_type in types.values()}
    if len(kinds) == 1:
        (sql_type,) = list(types.values())[:1]
        return Column(name, _sized(sql_type, given) if sql_type is not None else sa.LargeBinary())
    if kinds and kinds <= {ColumnKind.INTEGER, ColumnKind.DECIMAL}:
        return Column(name, _numeric(given))
    if kinds and kinds <= {ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT}:
        return Column(name, sa.Double())
    return Column(name, sa.Text())


def _sized(sql_type: SqlType, values: Sequence[Any]) -> SqlType:
    if kind_of(sql_type) in (ColumnKind.INTEGER, ColumnKind.DECIMAL):
        return _numeric(values)
    return sql_type


def _numeric(values: Sequence[Any]) -> SqlType:
    """Return a type of as many digits as the longest value has: more than 15 without decimals become text in Lark."""
    before, after = 1, 0
    for value in values:
        number = Decimal(value)
        if number.is_finite():
            before = max(before, number.adjusted() + 1)
            after = max(after, -int(number.as_tuple().exponent))
    return sa.Numeric(before + after, after)
