"""A cell of one value on its way to Lark: texts, options, numbers, checkboxes, datetimes, phones, places.

Lenient only where nothing is lost and nothing is guessed; ``docs/reference/values.md`` has the whole table. Every
encoder gets a value that is not None, and returns None for what means nothing, which clears the cell. It raises
:class:`Unfit` with what is expected, or another error of a value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from airflow_provider_lark.core.fields.canonical.day import midnight_of
from airflow_provider_lark.core.fields.canonical.number import write_lark_number
from airflow_provider_lark.core.fields.canonical.text import (
    LARK_PHONE_MAX,
    LARK_TEXT_MAX,
    PHONE,
    is_clean,
    tidy_location,
    tidy_phone,
)
from airflow_provider_lark.core.fields.canonical.time import EPOCH, GREATEST_MS, LEAST_MS, SANE, to_ms
from airflow_provider_lark.core.fields.decimals import (
    LARK_DIGITS,
    SAFE,
    format_number,
    short_number,
    tidy_decimal,
)
from airflow_provider_lark.core.fields.iso import parse_datetime
from airflow_provider_lark.core.fields.zones import Zone, settled_zone

Encode = Callable[[Any], Any]

CLEAN = "text without NUL characters and lone surrogates"
ANY_TEXT = "text, or a number, date, time or UUID"
DIGITS = f"a finite number of at most {LARK_DIGITS} significant digits (use a Text field for longer ones)"
FLAG = "true or false, 1 or 0"
MOMENT = "a datetime, a date, ISO 8601 text, or whole milliseconds since 1970"
DIALLED = f"at most {LARK_PHONE_MAX} digits with an optional leading plus"
PLACE = 'a location "longitude,latitude" in degrees, or {"location": …}'


class Unfit(ValueError):
    """A value that the field does not take; the text says what it does take."""


def exact_text(value: Any) -> str:
    """Return the one text of *value*.

    :raises TypeError: it has none: a boolean, bytes, a list.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int):
        return format(Decimal(value), "f")
    if isinstance(value, float):
        # repr() is the shortest text that reads back as the same double
        return format_number(tidy_decimal(Decimal(repr(float(value)))))
    if isinstance(value, Decimal):
        # checks the size: a Decimal may stand for a million digits
        tidy_decimal(value)
        return format(value, "f")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def checked_text(text: str) -> str | None:
    """Return *text*, which Lark can store; None when it is empty."""
    if len(text) > LARK_TEXT_MAX:
        raise Unfit(f"at most {LARK_TEXT_MAX:,} characters")
    if "\0" in text or not (text.isascii() or is_clean(text)):
        raise Unfit(CLEAN)
    return text or None


def encode_text(value: Any) -> str | None:
    """Encode a Text, Email or Barcode; also the runs that Lark shows."""
    if type(value) is str:
        return checked_text(value)
    if isinstance(value, list):
        # mentions and links keep their text and lose their target, as everywhere here
        return checked_text("".join([run["text"] for run in value]))
    return checked_text(exact_text(value))


def encode_select(value: Any) -> str | None:
    """Encode the name of an option."""
    return checked_text(value if type(value) is str else exact_text(value))


def encode_number(value: Any) -> int | float:
    """Encode a number as it is: nothing is rounded."""
    if type(value) is float:
        if not isfinite(value):
            raise ValueError
        if not -SAFE < value < SAFE:
            short_number(tidy_decimal(Decimal(repr(value))))
        return value
    if isinstance(value, Decimal):
        return _double(value)
    if isinstance(value, float):
        return encode_number(float(value))
    # also booleans and numpy's integers
    whole = operator.index(value)
    return whole if -SAFE < whole < SAFE else _double(Decimal(whole))


def _double(value: Decimal) -> int | float:
    exact = short_number(tidy_decimal(value))
    double = write_lark_number(exact)
    if double is None or Decimal(repr(double)) != exact:
        # nearer to zero than doubles go
        raise ValueError
    return double


def encode_checkbox(value: Any) -> bool:
    """Encode a checkbox."""
    if value is True or value is False:
        return bool(value)
    if isinstance(value, (str, bytes)) or value not in (0, 1):
        raise TypeError
    return bool(value)


def _date_reader(zone: Zone | None) -> Callable[[date], int]:
    midnights: list[Callable[[date], int]] = []

    def from_date(value: date) -> int:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return to_ms(value - EPOCH)
        if zone is None:
            raise Unfit("a datetime with a UTC offset, or a time zone to interpret it in")
        if isinstance(value, datetime):
            return to_ms(value.replace(tzinfo=settled_zone(zone)) - EPOCH)
        if not midnights:
            midnights.append(midnight_of(settled_zone(zone))[0])
        return midnights[0](value)

    return from_date


def date_time_encoder(zone: Zone | None) -> Encode:
    """Return what encodes a DateTime; what is finer than a millisecond is cut off.

    :param zone: of naive datetimes and of dates; without one they are refused.
    """
    from_date = _date_reader(zone)

    def encode(value: Any) -> int | None:
        if isinstance(value, str):
            if not value:
                return None
            value = parse_datetime(value, None)
        instant = from_date(value) if isinstance(value, date) else _whole(value)
        if not LEAST_MS <= instant <= GREATEST_MS:
            raise Unfit(SANE)
        return instant

    return encode


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, (float, Decimal)):
        if value != value // 1:
            raise TypeError
        return int(value)
    return operator.index(value)


def encode_phone(value: Any) -> str | None:
    """Encode a phone number; blanks, dots, hyphens and brackets are dropped."""
    if isinstance(value, (float, Decimal)):
        raise TypeError
    text = tidy_phone(exact_text(value))
    if len(text) > LARK_PHONE_MAX or (text and not PHONE.fullmatch(text)):
        raise ValueError
    return text or None


def encode_location(value: Any) -> str | None:
    """Encode a point; the address follows from it."""
    text = value["location"] if isinstance(value, Mapping) else value
    return None if text is None or text == "" else tidy_location(text)
