"""The values of a condition in the form in which they are compared: numbers, spans of time, texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from airflow_provider_lark.core.conditions.condition import Condition, Scalar
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.decimals import decimal_of_float, parse_number
from airflow_provider_lark.core.fields.iso import parse_date, parse_datetime
from airflow_provider_lark.core.fields.zones import Zone, settled_zone


class Span(NamedTuple):
    """A moment, or a whole day: from *start* until just before *end*."""

    start: datetime
    end: datetime


def as_texts(condition: Condition, where: str) -> tuple[str | None, ...]:
    """Return the operands for a text.

    :raises ConfigError: one is no text; YAML reads ``007`` and ``yes`` as something else, so that is not guessed.
    """
    return tuple(_text(value, where) for value in condition.values)


def _text(value: Scalar, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: expected a text, found {type(value).__name__}; write it in quotes")
    return value


def as_numbers(condition: Condition, where: str) -> tuple[Decimal | None, ...]:
    """Return the operands for a number.

    :raises ConfigError: one is no number.
    """
    return tuple(None if value is None else _number(value, where) for value in condition.values)


def _number(value: Scalar, where: str) -> Decimal:
    try:
        if isinstance(value, str):
            return parse_number(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, float):
            return decimal_of_float(value)
    except ValueError:
        pass
    raise ConfigError(f"{where}: expected a number with a decimal point and without thousands separators")


def as_flags(condition: Condition, where: str) -> tuple[bool | None, ...]:
    """Return the operands for a flag.

    :raises ConfigError: one is neither true nor false.
    """
    if any(value is not None and not isinstance(value, bool) for value in condition.values):
        raise ConfigError(f"{where}: expected true or false")
    return tuple(value for value in condition.values if value is None or isinstance(value, bool))


def as_days(condition: Condition, where: str) -> tuple[date | None, ...]:
    """Return the operands for a date without a time.

    :raises ConfigError: one is no date.
    """
    return tuple(None if value is None else _day(value, where) for value in condition.values)


def _day(value: Scalar, where: str) -> date:
    try:
        return parse_date(str(value))
    except ValueError:
        raise ConfigError(f"{where}: expected a date such as 2026-05-01") from None


def as_spans(condition: Condition, where: str, zone: Zone) -> tuple[Span | None, ...]:
    """Return the operands for a moment; a date without a time is the whole day in *zone*.

    :raises ConfigError: one is neither date nor moment.
    """
    return tuple(None if value is None else _span(value, where, zone) for value in condition.values)


def _span(value: Scalar, where: str, zone: Zone) -> Span:
    text = str(value)
    try:
        start = parse_datetime(text, None)
    except ValueError:
        raise ConfigError(f"{where}: expected a date or a datetime such as 2026-05-01 09:30:00+08:00") from None
    if start.tzinfo is None:
        start = start.replace(tzinfo=settled_zone(zone))
    is_day = ":" not in text
    if not is_day:
        return Span(start, start + timedelta(milliseconds=1))
    # on the wall clock: a day may have 23 hours
    return Span(start, start + timedelta(days=1))


def without_none(values: Sequence[object]) -> tuple[list[object], bool]:
    """Return the operands that are values, and whether an empty cell is one of them."""
    return [value for value in values if value is not None], None in values
