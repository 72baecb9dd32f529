"""Instants: canonical is UTC milliseconds.

Naive values are wall clock in the mapping's time zone. Two wall clock times are special where clocks change:

- one that is skipped in spring is read with the offset before the change, so 02:30 becomes 03:30;
- one that comes twice in autumn means the first; the second is *canonically* the first too, on both sides, because
  a naive column cannot tell them apart. Neither side is rewritten for that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from airflow_provider_lark.core.fields.column import is_aware, is_unix_time, step_ms
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, TextForm
from airflow_provider_lark.core.fields.iso import parse_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock of UTC
DAY_MS = 86_400_000
_ZERO = timedelta()
LEAST_MS = -62_135_596_800_000
GREATEST_MS = 253_402_300_799_999
_GREATEST_UNIX_MS = 2_147_483_647_999
SANE = "a time in milliseconds within the years 1 to 9999"


def to_ms(elapsed: timedelta) -> int:
    """Return the whole milliseconds of *elapsed*, rounded down."""
    return elapsed.days * DAY_MS + elapsed.seconds * 1000 + elapsed.microseconds // 1000


def from_ms(instant: int) -> timedelta:
    """Return the time between the epoch and *instant*."""
    # positional: keywords cost half a microsecond
    return timedelta(0, instant // 1000, instant % 1000 * 1000)


def is_utc(zone: tzinfo) -> bool:
    """Whether *zone* is UTC by name, where arithmetic on milliseconds is enough."""
    return zone is UTC or getattr(zone, "key", None) in ("UTC", "Etc/UTC")


def lark_date_time(pair: FieldColumn) -> Converter:
    """DateTime, CreatedTime, ModifiedTime: milliseconds both ways."""
    refuse_lark = pair.refuse_lark

    def read(wire: Any) -> int | None:
        if type(wire) is int and LEAST_MS <= wire <= GREATEST_MS:
            return wire
        if wire is None:
            return None
        if type(wire) is float and LEAST_MS <= wire <= GREATEST_MS:
            return int(wire // 1)
        raise refuse_lark(wire, SANE)

    return Converter(read, _same)


def _same(value: Any) -> Any:
    return value


def settle_instant(pair: FieldColumn) -> Callable[[int], int] | None:
    """Return what makes an instant one that the datetime column can hold, None where it holds any."""
    zone, step = pair.time_zone, step_ms(pair.column)
    varies = not is_aware(pair.column) and not is_utc(zone) and not isinstance(zone, timezone)
    if not varies:
        return None if step == 1 else lambda instant: instant - instant % step
    refuse = pair.refuse_lark

    def settle(instant: int) -> int:
        try:
            local = (EPOCH + from_ms(instant - instant % step)).astimezone(zone)
            # the second pass of an hour that comes twice is taken for the first
            return to_ms(local.replace(fold=0) - EPOCH) if local.fold else instant - instant % step
        except OverflowError:
            raise refuse(instant, SANE) from None

    return settle


def sql_date_time(pair: FieldColumn) -> Converter:
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
                instant = to_ms(value - NAIVE_EPOCH - (offset_of(value) or _ZERO))
            else:
                instant = to_ms(value - EPOCH)
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise refuse(value, "a datetime") from None
        if not LEAST_MS <= instant <= GREATEST_MS:
            raise refuse(value, SANE)
        return instant - instant % step

    write = _write_aware(pair) if is_aware(pair.column) else _write_naive(pair)
    return Converter(read, _check_span(pair, write) if is_unix_time(pair.column) else write)


def _check_span(pair: FieldColumn, write: Callable[[int | None], Any]) -> Callable[[int | None], Any]:
    refuse = pair.refuse_lark

    def write_checked(instant: int | None) -> Any:
        # without its strict mode MySQL stores a zero date for what it cannot hold
        if instant is not None and not 1000 <= instant <= _GREATEST_UNIX_MS:
            raise refuse(instant, "a time within the years 1970 to 2038 (use DATETIME instead of TIMESTAMP for others)")
        return write(instant)

    return write_checked


def _write_aware(pair: FieldColumn) -> Any:
    def write(instant: int | None) -> datetime | None:
        return None if instant is None else EPOCH + from_ms(instant)

    return write


def _write_naive(pair: FieldColumn) -> Any:
    zone, refuse = pair.time_zone, pair.refuse_lark
    if is_utc(zone):
        return lambda instant: None if instant is None else NAIVE_EPOCH + from_ms(instant)

    def write(instant: int | None) -> datetime | None:
        if instant is None:
            return None
        try:
            local = (EPOCH + from_ms(instant)).astimezone(zone)
            return datetime.combine(local.date(), local.time())
        except OverflowError:
            raise refuse(instant, SANE) from None

    return write


def instant_form(zone: tzinfo, settle: Callable[[int], int] | None = None) -> TextForm:
    """Return the form of an instant as ISO 8601 text with the offset of *zone*: ``2026-05-01T09:30:00+08:00``."""

    def parse(text: str) -> int:
        instant = to_ms(parse_datetime(text, zone) - EPOCH)
        if not LEAST_MS <= instant <= GREATEST_MS:
            raise ValueError
        return settle(instant) if settle else instant

    def write(instant: int) -> str:
        moment = EPOCH + from_ms(instant)
        try:
            local = moment.astimezone(zone)
        except OverflowError:
            # the first and the last day of time exist in UTC only
            local = moment
        return local.isoformat(timespec="milliseconds" if instant % 1000 else "seconds")

    return TextForm("instant", parse, write, "an ISO 8601 datetime such as 2026-05-01T09:30:00+08:00")
