"""JSON whose numbers keep all their digits, and the column type that reads and writes it so.

Python, its drivers and SQLAlchemy read ``12345678901234567.89`` as the double 12345678901234568. Here a number that no
double holds is a Decimal, and numbers of one value have one text: 1.0 and 1e0 are 1.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Dialect
from sqlalchemy.types import TypeEngine, UserDefinedType

from airflow_provider_lark.core.fields.decimals import tidy_decimal

# no text that both sides can store begins so
_MARK = "\0"
_MARKED = re.compile(r'"\\u0000([-+.0-9E]+)"')


def load_exact(text: str | bytes) -> Any:
    """Read JSON.

    :raises ValueError: it is none, holds NaN, nests too deep, or a number has more than 400 digits.
    """
    try:
        return json.loads(text, parse_float=_number, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise ValueError from exc


def dump_exact(value: Any) -> str:
    """Write compact JSON with sorted keys; Decimals are numbers.

    :raises ValueError: NaN, or nested too deep.
    :raises TypeError: no JSON value.
    """
    marked: list[Decimal] = []

    def mark(number: Any) -> str:
        if not isinstance(number, Decimal) or not number.is_finite():
            raise TypeError
        marked.append(number)
        return f"{_MARK}{tidy_decimal(number)}"

    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False, default=mark)
    try:
        text = encoder.encode(value)
    except RecursionError as exc:
        raise ValueError from exc
    if not marked:
        return text
    text, count = _MARKED.subn(r"\1", text)
    if count != len(marked):
        raise ValueError
    return text


def _number(text: str) -> int | float | Decimal:
    exact = tidy_decimal(Decimal(text))
    if exact == exact.to_integral_value():
        return int(exact)
    double = float(exact)
    return double if Decimal(repr(double)) == exact else exact


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


class ExactJson(UserDefinedType[Any]):
    """A column of JSON that passes as text between this package and the driver.

    :param own: the column's type as it was reflected.
    """

    cache_ok = True

    def __init__(self, own: TypeEngine[Any]) -> None:
        self.own = own

    def get_col_spec(self, **_: Any) -> str:
        """Return the type as SQL spells it."""
        return str(self.own)

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what makes a value text; None stays NULL, which is not JSON's null."""
        return lambda value: None if value is None else dump_exact(value)

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """Return the parameter as PostgreSQL takes it, which takes no text for JSON."""
        return sa.cast(bindvalue, self.own) if type(self.own).__module__.startswith(_POSTGRES) else bindvalue

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what reads the driver's text; what a driver has read already stays as it is."""
        return lambda value: load_exact(value) if isinstance(value, (str, bytes)) else value

    def as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return *column* so that no driver reads its JSON by itself."""
        return sa.cast(column, sa.Text()) if type(self.own).__module__.startswith(_POSTGRES) else column


_POSTGRES = "sqlalchemy.dialects.postgresql"
