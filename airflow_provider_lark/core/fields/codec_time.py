"""Instants, dates and times of day. An instant is UTC milliseconds; a date beside a DateTime field is its midnight.

Naive values are wall clock in the mapping's time zone. Two wall clock times are special where clocks change:

- one that is skipped in spring is read with the offset before the change, so 02:30 becomes 03:30;
- one that comes twice in autumn means the first; the second is *canonically* the first too, on both sides, because
  a naive column cannot tell them apart. Neither side is rewritten for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from airflow_provider_lark.core.fields.column import has_whole_seconds, is_aware, is_unix_time, step_ms
from airflow_provider_lark.core.fields.pair import Form, Half, Pair

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock of UTC
_DAY_MS = 86_400_000
_ZERO = timedelta()
_LEAST_MS = -62_135_596_800_000
_GREATEST_MS = 253_402_300_799_999
_GREATEST_UNIX_MS = 2_147_483_647_999
_SANE = "an instant of the years 1 to 9999 in milliseconds"

_ISO = re.compile(
    r"(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2})"
    r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)\s*(?P<offset>Z|[+-]\d{2}:?\d{2}(?::\d{2})?)?)?",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})(?::(\d{2}))?", re.ASCII)


def to_ms(elapsed: timedelta) -> int:
    """Return the whole milliseconds of *elapsed*, rounded down."""
    return elapsed.days * _DAY_MS + elapsed.seconds * 1000 + elapsed.microseconds // 1000


def from_ms(instant: int) -> timedelta:
    """Return the time between the epoch and *instant*."""
    # positional: keywords cost half a microsecond
    return timedelta(0, instant // 1000, instant % 1000 * 1000)


def parse_date(text: str) -> date:
    """Read ``2026-05-01``, also ``2026/5/1``.

    :raises ValueError: anything else.
    """
    found = _DATE.fullmatch(text.strip())
    if not found:
        raise ValueError
    return date(*map(int, found.groups()))


def parse_time(text: str) -> time:
    """Read ``09:30``, ``09:30:15`` or ``09:30:15.250``.

    :raises ValueError: anything else.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError
    hour, minute, second, fraction = found.groups()
    micro = int((fraction or "").ljust(6, "0")[:6])
    return time(int(hour), int(minute), int(second or 0), micro)


def parse_datetime(text: str, zone: tzinfo) -> datetime:
    """Read an ISO 8601 datetime, or a date for its midnight; without an offset it is wall clock in *zone*.

    :raises ValueError: anything else.
    """
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise ValueError
    clock = parse_time(found["time"]) if found["time"] else time()
    return datetime.combine(parse_date(found["date"]), clock, _parse_offset(found["offset"], zone))


def _parse_offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    found = _OFFSET.fullmatch(text)
    if not found:
        raise ValueError
    sign, hours, minutes, seconds = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    return timezone(-offset if sign == "-" else offset)


def is_utc(zone: tzinfo) -> bool:
    """Whether *zone* is UTC by name, where arithmetic on milliseconds is enough."""
    return zone is UTC or getattr(zone, "key", None) in ("UTC", "Etc/UTC")


def lark_date_time(pair: Pair) -> Half:
    """DateTime, CreatedTime, ModifiedTime: milliseconds both ways."""
    refuse_lark = pair.refuse_lark

    def read(wire: Any) -> int | None:
        if type(wire) is int and _LEAST_MS <= wire <= _GREATEST_MS:
            return wire
        if wire is None:
            return None
        if type(wire) is float and _LEAST_MS <= wire <= _GREATEST_MS:
            return int(wire // 1)
        raise refuse_lark(wire, _SANE)

    return Half(read, _same)


def _same(value: Any) -> Any:
    return value


def settle_instant(pair: Pair) -> Callable[[int], int] | None:
    """Return what makes an instant one that the datetime column can hold, None where it holds any."""
    zone, step = pair.time_zone, step_ms(pair.column)
    varies = not is_aware(pair.column) and not is_utc(zone) and not isinstance(zone, timezone)
    if not varies:
        return None if step == 1 else lambda instant: instant - instant % step
    refuse = pair.refuse_lark

    def settle(instant: int) -> int:
        try:
            local = (_EPOCH + from_ms(instant - instant % step)).astimezone(zone)
            # the second pass of an hour that comes twice is taken for the first
            return to_ms(local.replace(fold=0) - _EPOCH) if local.fold else instant - instant % step
        except OverflowError:
            raise refuse(instant, _SANE) from None

    return settle


def sql_date_time(pair: Pair) -> Half:
    """A datetime column, with or without an offset; finer digits than a millisecond are cut off."""
    zone, step, refuse = pair.time_zone, step_ms(pair.column), pair.refuse_sql
    offset_of = zone.utcoffset

    def read(value: Any) -> int | None:
        if value is None:
            return None
        try:
            if isinstance(value, str):
                value = parse_datetime(value, zone)
            if value.tzinfo is None:
                # asking the zone is ten times faster than value.replace(tzinfo=zone)
                instant = to_ms(value - _NAIVE_EPOCH - (offset_of(value) or _ZERO))
            else:
                instant = to_ms(value - _EPOCH)
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise refuse(value, "a datetime") from None
        if not _LEAST_MS <= instant <= _GREATEST_MS:
            raise refuse(value, _SANE)
        return instant - instant % step

    write = _write_aware(pair) if is_aware(pair.column) else _write_naive(pair)
    return Half(read, _check_span(pair, write) if is_unix_time(pair.column) else write)


def _check_span(pair: Pair, write: Callable[[int | None], Any]) -> Callable[[int | None], Any]:
    refuse = pair.refuse_lark

    def write_checked(instant: int | None) -> Any:
        # without its strict mode MySQL stores a zero date for what it cannot hold
        if instant is not None and not 1000 <= instant <= _GREATEST_UNIX_MS:
            raise refuse(instant, "an instant of the years 1970 to 2038 (DATETIME holds more than TIMESTAMP)")
        return write(instant)

    return write_checked


def _write_aware(pair: Pair) -> Any:
    def write(instant: int | None) -> datetime | None:
        return None if instant is None else _EPOCH + from_ms(instant)

    return write


def _write_naive(pair: Pair) -> Any:
    zone, refuse = pair.time_zone, pair.refuse_lark
    if is_utc(zone):
        return lambda instant: None if instant is None else _NAIVE_EPOCH + from_ms(instant)

    def write(instant: int | None) -> datetime | None:
        if instant is None:
            return None
        try:
            local = (_EPOCH + from_ms(instant)).astimezone(zone)
            return datetime.combine(local.date(), local.time())
        except OverflowError:
            raise refuse(instant, _SANE) from None

    return write


def instant_form(zone: tzinfo, settle: Callable[[int], int] | None = None) -> Form:
    """Return the form of an instant as ISO 8601 text with the offset of *zone*: ``2026-05-01T09:30:00+08:00``."""

    def parse(text: str) -> int:
        instant = to_ms(parse_datetime(text, zone) - _EPOCH)
        if not _LEAST_MS <= instant <= _GREATEST_MS:
            raise ValueError
        return settle(instant) if settle else instant

    def write(instant: int) -> str:
        moment = _EPOCH + from_ms(instant)
        try:
            local = moment.astimezone(zone)
        except OverflowError:
            # the first and the last day of time exist in UTC only
            local = moment
        return local.isoformat(timespec="milliseconds" if instant % 1000 else "seconds")

    return Form("instant", parse, write, "an ISO 8601 datetime such as 2026-05-01T09:30:00+08:00")


def _parse_date_text(text: str) -> str:
    return parse_date(text).isoformat()


DATE = Form("date", _parse_date_text, _same, "a date such as 2026-05-01")


def sql_date(pair: Pair) -> Half:
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

    return Half(read, write)


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
            lambda day: (day.toordinal() - 719_163) * _DAY_MS,
            lambda instant: date.fromordinal(instant // _DAY_MS + 719_163),
        )

    @lru_cache(maxsize=8192)
    def midnight(day: date) -> int:
        return to_ms(datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH)

    def local_date(instant: int) -> date:
        return (_EPOCH + from_ms(instant)).astimezone(zone).date()

    return midnight, local_date


def lark_day(pair: Pair) -> Half:
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
            raise refuse(wire, _SANE) from None

    return Half(read, _same)


def sql_day(pair: Pair) -> Half:
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
        if not _LEAST_MS <= instant <= _GREATEST_MS:
            raise refuse(value, _SANE)
        return instant

    def write(instant: int | None) -> date | None:
        if instant is None:
            return None
        try:
            return local_date(instant)
        except (OverflowError, ValueError):
            raise refuse_lark(instant, _SANE) from None

    return Half(read, write)


def time_form(pair: Pair) -> Form:
    """Return the form of a time of day as text, to the second where the column keeps no more."""
    whole = has_whole_seconds(pair.column)

    def parse(text: str) -> str:
        clock = parse_time(text)
        return (clock.replace(microsecond=0) if whole else clock).isoformat()

    return Form("time", parse, _same, "a time of day such as 09:30 or 09:30:15")


def sql_time(pair: Pair) -> Half:
    """A TIME column; MySQL's drivers give a duration, which must lie within a day."""
    refuse, parse = pair.refuse_sql, time_form(pair).parse

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            if isinstance(value, timedelta):
                if not timedelta() <= value < timedelta(days=1):
                    raise ValueError
                value = (_NAIVE_EPOCH + value).time()
            text: str = parse(value if isinstance(value, str) else value.replace(tzinfo=None).isoformat())
        except (ValueError, AttributeError, TypeError):
            raise refuse(value, "a time of day") from None
        return text

    def write(text: str | None) -> time | None:
        return None if text is None else time.fromisoformat(text)

    return Half(read, write)
