"""Dates and times of day. Beside a DateTime field a date is the instant of its midnight, beside a text its ISO text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from airflow_provider_lark.core.fields.canonical.time import (
    DAY_MS,
    EPOCH,
    GREATEST_MS,
    LEAST_MS,
    NAIVE_EPOCH,
    SANE,
    from_ms,
    is_utc,
    lark_date_time,
    to_ms,
)
from airflow_provider_lark.core.fields.column import has_whole_seconds, is_offset_time
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, TextForm
from airflow_provider_lark.core.fields.iso import parse_date, parse_offset_time, parse_time


def _same(value: Any) -> Any:
    return value


def _parse_date_text(text: str) -> str:
    return parse_date(text).isoformat()


DATE = TextForm("date", _parse_date_text, _same, "a date such as 2026-05-01")


def sql_date(pair: FieldColumn) -> Converter:
    """A DATE column beside a text: canonical is the ISO date."""
    refuse = pair.refuse_sql

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            return _date_of(value).isoformat()
        except (ValueError, TypeError):
            raise refuse(value, "a date") from None

    def write(text: str | None) -> date | None:
        return None if text is None else date.fromisoformat(text)

    return Converter(read, write)


def _date_of(value: Any) -> date:
    if type(value) is date:
        return value
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return parse_date(value)
    raise TypeError


def midnight_of(zone: tzinfo) -> tuple[Callable[[date], int], Callable[[int], date]]:
    """Return the functions from a date to the instant of its midnight in *zone*, and from an instant to its date."""
    if is_utc(zone):
        return (
            lambda day: (day.toordinal() - 719_163) * DAY_MS,
            lambda instant: date.fromordinal(instant // DAY_MS + 719_163),
        )

    @lru_cache(maxsize=8192)
    def midnight(day: date) -> int:
        return to_ms(datetime(day.year, day.month, day.day, tzinfo=zone) - EPOCH)

    def local_date(instant: int) -> date:
        return (EPOCH + from_ms(instant)).astimezone(zone).date()

    return midnight, local_date


def lark_day(pair: FieldColumn) -> Converter:
    """A DateTime field beside a DATE column: the day in the mapping's time zone, as the instant of its midnight."""
    inner = lark_date_time(pair)
    read_instant, refuse = inner.read, pair.refuse_lark
    midnight, local_date = midnight_of(pair.time_zone)

    def read(wire: Any) -> int | None:
        instant = read_instant(wire)
        if instant is None:
            return None
        try:
            return midnight(local_date(instant))
        except (OverflowError, ValueError):
            raise refuse(wire, SANE) from None

    return Converter(read, _same)


def sql_day(pair: FieldColumn) -> Converter:
    """A DATE column beside a DateTime field."""
    refuse, refuse_lark = pair.refuse_sql, pair.refuse_lark
    midnight, local_date = midnight_of(pair.time_zone)

    def read(value: Any) -> int | None:
        if value is None:
            return None
        try:
            instant = midnight(_date_of(value))
        except (ValueError, TypeError, OverflowError):
            raise refuse(value, "a date") from None
        if not LEAST_MS <= instant <= GREATEST_MS:
            raise refuse(value, SANE)
        return instant

    def write(instant: int | None) -> date | None:
        if instant is None:
            return None
        try:
            return local_date(instant)
        except (OverflowError, ValueError):
            raise refuse_lark(instant, SANE) from None

    return Converter(read, write)


def time_form(pair: FieldColumn) -> TextForm:
    """Return the form of a time of day as text, to the second where the column keeps no more."""
    whole = has_whole_seconds(pair.column)
    read = parse_offset_time if is_offset_time(pair.column) else parse_time
    example = "09:30+08:00" if is_offset_time(pair.column) else "09:30 or 09:30:15"

    def parse(text: str) -> str:
        clock = read(text)
        return (clock.replace(microsecond=0) if whole else clock).isoformat()

    return TextForm("time", parse, _same, f"a time of day such as {example}")


def sql_time(pair: FieldColumn) -> Converter:
    """A TIME column; MySQL's drivers give a duration, which must lie within a day."""
    refuse, parse, keeps_offset = pair.refuse_sql, time_form(pair).parse, is_offset_time(pair.column)

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            if isinstance(value, timedelta):
                if not timedelta() <= value < timedelta(days=1):
                    raise ValueError
                value = (NAIVE_EPOCH + value).time()
            text: str = value if isinstance(value, str) else value.isoformat()
            # a query's column does not say whether its times have an offset
            text = parse(text) if getattr(value, "tzinfo", None) is None or keeps_offset else text
        except (ValueError, AttributeError, TypeError):
            raise refuse(value, "a time of day") from None
        return text

    def write(text: str | None) -> time | None:
        return None if text is None else time.fromisoformat(text)

    return Converter(read, write)
