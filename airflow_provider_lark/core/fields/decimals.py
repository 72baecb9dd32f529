"""Arithmetic of canonical numbers: Decimals without trailing zeros, without minus zero, whole ones without exponent."""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation
from math import isfinite

LARK_DIGITS = 15
"""Significant digits that survive Lark's numbers, which are doubles."""

SINGLE_DIGITS = 6
"""Significant digits that survive a four-byte float."""

_SINGLE_LEAST = 1.2e-38
ZERO = Decimal(0)

SAFE = 10**LARK_DIGITS
"""Whole numbers nearer to zero have few enough digits."""

TOO_LONG = f"at most {LARK_DIGITS} significant digits (map the column to a Text field for longer numbers)"
_TEXT_DIGITS = 400

EXACT = Context(prec=20_000, Emin=-99_999, Emax=99_999, traps=[InvalidOperation])
"""Wide enough that nothing is rounded: PostgreSQL's NUMERIC has at most 16,383 decimals."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def tidy_decimal(value: Decimal) -> Decimal:
    """Return *value* in canonical form.

    :raises ValueError: NaN, infinite, or more than 400 digits before or after the point.
    """
    if not value:
        return ZERO
    if not -_TEXT_DIGITS < value.adjusted() < _TEXT_DIGITS or not value.is_finite():
        raise ValueError
    whole = value.to_integral_value()
    if whole == value:
        return whole if whole.same_quantum(ZERO) else Decimal(int(whole))
    tidy = value.normalize(EXACT)
    if tidy != value:
        raise ValueError
    return tidy


def significant_digits(value: Decimal) -> int:
    """Count the digits of a canonical number without leading and trailing zeros."""
    return len("".join(map(str, value.as_tuple().digits)).rstrip("0")) or 1


def decimal_of_float(value: float) -> Decimal:
    """Return the number that a double stands for: a fraction is read to 15 significant digits.

    The digits beyond are the double's own noise (0.1 + 0.2); a whole number is taken as it is.

    :raises ValueError: NaN or infinite.
    """
    if value.is_integer():
        return Decimal(int(value)) if -SAFE < value < SAFE else tidy_decimal(Decimal(repr(value)))
    text = repr(value)
    # 16 characters less the point are at most 15 digits, and repr() has no trailing zeros; inf and nan end in letters
    if len(text) <= LARK_DIGITS + 1 and text[-1] <= "9":
        return Decimal(text)
    return _round(value, LARK_DIGITS)


def decimal_of_single(value: float) -> Decimal:
    """Return what a four-byte float surely keeps: 6 significant digits, and nothing nearer to zero than 1.2e-38.

    :raises ValueError: NaN or infinite.
    """
    return ZERO if abs(value) < _SINGLE_LEAST else _round(value, SINGLE_DIGITS)


def _round(value: float, digits: int) -> Decimal:
    if not isfinite(value):
        raise ValueError
    return tidy_decimal(Decimal(f"{value:.{digits}g}"))


def parse_number(text: str) -> Decimal:
    """Read a decimal number with a point, no thousands separator, any number of digits up to 400.

    :raises ValueError: anything else.
    """
    stripped = text.strip()
    if len(stripped) > 2 * _TEXT_DIGITS or not _NUMBER.fullmatch(stripped):
        raise ValueError
    return tidy_decimal(Decimal(stripped))


def parse_lark_number(text: str) -> Decimal:
    """Read a number that a Number field can hold."""
    return short_number(parse_number(text))


def format_number(value: Decimal | int) -> str:
    """Write a number without exponent: ``"1500"``, ``"0.25"``."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def short_number(value: Decimal) -> Decimal:
    """Return *value*, which Lark's double can hold.

    :raises ValueError: too many digits, or too great.
    """
    if significant_digits(value) > LARK_DIGITS or not isfinite(float(value)):
        raise ValueError
    return value


def round_single(value: Decimal) -> Decimal:
    """Round to what a four-byte float surely keeps."""
    return decimal_of_single(float(value))
