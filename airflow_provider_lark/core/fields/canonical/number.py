"""Numbers between the wire, INTEGER, NUMERIC and FLOAT columns; :mod:`.decimals` has the arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects.mysql import YEAR

from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    base_type,
    decimal_digits,
    integer_range,
    is_single_precision,
)
from airflow_provider_lark.core.fields.decimals import (
    EXACT,
    LARK_DIGITS,
    SAFE,
    TOO_LONG,
    decimal_of_float,
    decimal_of_single,
    format_number,
    parse_lark_number,
    parse_number,
    short_number,
    significant_digits,
    tidy_decimal,
)
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, Refuse, TextForm

NUMBER = TextForm("number", parse_number, format_number, "a number such as 12 or 0.5")
LARK_NUMBER = TextForm("number", parse_lark_number, format_number, f"a number of {TOO_LONG}")


def lark_number(pair: FieldColumn) -> Converter:
    """Number, Progress, Currency, Rating: the raw JSON number, so 50 % is 0.5."""
    refuse = pair.refuse_lark

    def read(wire: Any) -> Decimal | None:
        kind = type(wire)
        try:
            if kind is int:
                # a great one is a double too, which JSON may show with all its digits
                return Decimal(wire) if -SAFE < wire < SAFE else short_number(decimal_of_float(float(wire)))
            if kind is float:
                return decimal_of_float(wire) if -SAFE < wire < SAFE else short_number(decimal_of_float(wire))
            if wire is None:
                return None
            # the deprecated list call gives numbers as text; a JSON reader may give Decimal
            if kind is str:
                return parse_lark_number(wire) if wire else None
            if kind is Decimal:
                return short_number(tidy_decimal(wire))
        except (ValueError, OverflowError):
            raise refuse(wire, f"a number of {TOO_LONG}") from None
        raise refuse(wire, "a number")

    return Converter(read, write_lark_number)


def write_lark_number(value: Decimal | int | None) -> int | float | None:
    """Return the JSON number: an int where whole, else the nearest double."""
    if value is None:
        return None
    number = float(value)
    return int(number) if number.is_integer() and -SAFE < number < SAFE else number


def _float_reader(pair: FieldColumn) -> Callable[[float], Decimal]:
    return decimal_of_single if is_single_precision(pair.column) else decimal_of_float


def float_text(pair: FieldColumn) -> TextForm:
    """Return the form of a number in a Text field beside a float column: no more digits than the column keeps."""
    from_float = _float_reader(pair)

    def parse(text: str) -> Decimal:
        return from_float(float(parse_number(text)))

    return TextForm("number", parse, format_number, NUMBER.expected)


def sql_number(pair: FieldColumn, *, for_lark_number: bool) -> Converter:
    """An INTEGER, NUMERIC or FLOAT column.

    :param for_lark_number: refuse what a Number field cannot hold; a Text field holds any number of digits.
    """
    kind = pair.column.kind
    if kind is ColumnKind.INTEGER:
        return _sql_integer(pair, for_lark_number)
    if kind is ColumnKind.FLOAT:
        return _sql_float(pair, for_lark_number)
    return _sql_decimal(pair, for_lark_number)


def _is_whole(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _sql_integer(pair: FieldColumn, for_lark_number: bool) -> Converter:
    refuse_sql, refuse_lark = pair.refuse_sql, pair.refuse_lark
    least, greatest = integer_range(pair.column)
    # MySQL takes a year of two digits, or of one, for another
    unheard = range(1, 1901) if isinstance(base_type(pair.column.type), YEAR) else ()
    fits = f"a year from 1901 to {greatest}, or 0" if unheard else f"a whole number from {least} to {greatest}"

    def read(value: Any) -> Decimal | None:
        if type(value) is int:
            number = Decimal(value)
            if for_lark_number and not -SAFE < value < SAFE and significant_digits(number) > LARK_DIGITS:
                raise refuse_sql(value, TOO_LONG)
            return number
        if value is None:
            return None
        # SQLite keeps what it is given: a whole 3.0 still counts
        if _is_whole(value):
            return read(int(value))
        raise refuse_sql(value, "a whole number")

    def write(number: Decimal | int | None) -> int | None:
        if number is None:
            return None
        # compared as Decimals: Decimal against int is slow
        whole = int(number)
        is_whole = type(number) is not Decimal or number.to_integral_value() == number
        if not is_whole or not least <= whole <= greatest or whole in unheard:
            raise refuse_lark(number, fits)
        return whole

    return Converter(read, write)


def _sql_decimal(pair: FieldColumn, for_lark_number: bool) -> Converter:
    refuse_sql = pair.refuse_sql
    before, after = decimal_digits(pair.column)
    always_short = before is not None and after is not None and before + after <= LARK_DIGITS
    # SQLite keeps more digits than the type says
    must_count = for_lark_number and not (always_short and pair.column.dialect != "sqlite")

    def read(value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            if type(value) is Decimal:
                number = tidy_decimal(value)
            elif type(value) is int:
                number = Decimal(value)
            elif type(value) is float:
                number = decimal_of_float(value)
            else:
                raise refuse_sql(value, "a number")
        except ValueError:
            raise refuse_sql(value, "a finite number") from None
        if must_count and significant_digits(number) > LARK_DIGITS:
            raise refuse_sql(value, TOO_LONG)
        return number

    return Converter(read, _write_decimal(pair, before, after))


def _write_decimal(pair: FieldColumn, before: int | None, after: int | None) -> Callable[[Decimal | int | None], Any]:
    refuse = pair.refuse_lark
    # the SQLite driver binds no Decimal
    plain = pair.column.dialect == "sqlite" or not getattr(base_type(pair.column.type), "asdecimal", True)
    step = None if after is None else Decimal(1).scaleb(-after)
    unsigned = bool(getattr(base_type(pair.column.type), "unsigned", False))
    fits = f"at most {before} digits before and {after} after the decimal point" + (", 0 or more" if unsigned else "")

    def write(number: Decimal | int | None) -> Decimal | float | None:
        if number is None:
            return None
        exact = number if type(number) is Decimal else Decimal(number)
        if step is not None and before is not None:
            exact = exact.quantize(step, context=EXACT)
            # zero's place is its scale
            if exact != number or exact.adjusted() >= before or (unsigned and exact < 0):
                raise refuse(number, fits)
        return _as_double(exact, refuse) if plain else exact

    return write


def _as_double(exact: Decimal, refuse: Refuse) -> int | float | None:
    """Return what a column that has doubles only keeps of a number, which must be all of it."""
    if exact == exact.to_integral_value() and -(2**63) <= exact < 2**63:
        return int(exact)
    double = write_lark_number(exact)
    if isinstance(double, float) and decimal_of_float(double) != exact:
        raise refuse(exact, "at most 15 significant digits, which SQLite keeps; a TEXT column keeps more")
    return double


def _sql_float(pair: FieldColumn, for_lark_number: bool) -> Converter:
    refuse = pair.refuse_sql
    refuse_lark = pair.refuse_lark
    from_float = _float_reader(pair)
    fits, check = _float_bounds(pair.column)

    def read(value: Any) -> Decimal | None:
        if value is None:
            return None
        if not isinstance(value, (float, int, Decimal)) or isinstance(value, bool):
            raise refuse(value, "a number")
        try:
            double = float(value)
            number = from_float(double)
        except (ValueError, OverflowError):
            raise refuse(value, "a finite number") from None
        if for_lark_number and not -SAFE < double < SAFE and significant_digits(number) > LARK_DIGITS:
            raise refuse(value, TOO_LONG)
        return number

    def write(number: Decimal | int | None) -> float | None:
        if number is None:
            return None
        double = float(number)
        if not check(number, double):
            raise refuse_lark(number, fits)
        return double

    return Converter(read, write)


def _float_bounds(column: Column) -> tuple[str, Callable[[Decimal | int, float], bool]]:
    """Return what a float column holds, in words, and what tells whether a number is of these.

    MySQL's ``DOUBLE(m, d)`` rounds what has more decimals without a word, and its ``UNSIGNED`` starts at 0.
    """
    greatest = 3.4e38 if is_single_precision(column) else 1.7e308
    base: Any = base_type(column.type)
    least = 0.0 if getattr(base, "unsigned", False) else -greatest
    after = getattr(base, "scale", None) if column.is_mysql else None
    floor = ", 0 or more" if least == 0 else ""
    if after is None:
        return f"a number of at most {greatest}{floor}", lambda number, double: least <= double <= greatest
    before, step = base.precision - after, Decimal(1).scaleb(-after)
    limit = Decimal(10) ** before

    def check(number: Decimal | int, double: float) -> bool:
        exact = Decimal(number)
        return least <= double and abs(exact) < limit and exact.quantize(step, context=EXACT) == exact

    return f"at most {before} digits before and {after} after the decimal point{floor}", check


def json_number(pair: FieldColumn) -> Converter:
    """A number in a JSON column."""
    refuse: Refuse = pair.refuse_sql

    def read(value: Any) -> Decimal | None:
        if value is None:
            return None
        if type(value) in (int, float, Decimal):
            try:
                return short_number(decimal_of_float(value) if type(value) is float else tidy_decimal(Decimal(value)))
            except ValueError:
                raise refuse(value, f"a number of {TOO_LONG}") from None
        raise refuse(value, "a JSON number")

    return Converter(read, write_lark_number)
