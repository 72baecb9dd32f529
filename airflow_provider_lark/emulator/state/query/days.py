"""Day arithmetic of date filters in a base's time zone (lark-api §4.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Final, ParamSpec
from zoneinfo import ZoneInfo

ANY_OPERATOR: Final = frozenset({"Today", "Tomorrow", "Yesterday"})
ONLY_IS: Final = frozenset(
    {
        *("CurrentWeek", "LastWeek", "CurrentMonth", "LastMonth"),
        *("TheLastWeek", "TheNextWeek", "TheLastMonth", "TheNextMonth"),
    }
)
_DAY: Final = timedelta(days=1)

P = ParamSpec("P")


class BeyondCalendar(ValueError):
    """A day outside the years 1 to 9999."""


def _within_calendar(function: Callable[P, tuple[int, int]]) -> Callable[P, tuple[int, int]]:
    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> tuple[int, int]:
        try:
            return function(*args, **kwargs)
        except (OverflowError, OSError, ValueError) as exc:
            msg = "the day is outside the calendar"
            raise BeyondCalendar(msg) from exc

    return checked


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@_within_calendar
def day_of(instant_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """First ms of the calendar day of *instant_ms* in *zone*, and first ms of the next day.

    :raises BeyondCalendar: there is no such day.
    """
    start = _midnight(datetime.fromtimestamp(instant_ms / 1000, zone))
    return _ms(start), _ms(_midnight(start + _DAY))


@_within_calendar
def day_beside(now_ms: int, days_later: int, zone: ZoneInfo) -> tuple[int, int]:
    """First ms of the day that many days from today in *zone*, and first ms of the day after.

    :raises BeyondCalendar: there is no such day.
    """
    start = _midnight(datetime.fromtimestamp(now_ms / 1000, zone)) + days_later * _DAY
    return _ms(start), _ms(start + _DAY)


def keyword_days(keyword: str, now_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """The span of days that *keyword* means: ``[start, end)`` in ms.

    :raises KeyError: the keyword is unknown; keywords are case sensitive.
    """
    today = _midnight(datetime.fromtimestamp(now_ms / 1000, zone))
    week = today - today.weekday() * _DAY
    month = today.replace(day=1)
    next_month = (month + 32 * _DAY).replace(day=1)
    last_month = (month - _DAY).replace(day=1)
    spans = {
        "Today": (today, today + _DAY),
        "Tomorrow": (today + _DAY, today + 2 * _DAY),
        "Yesterday": (today - _DAY, today),
        "CurrentWeek": (week, week + 7 * _DAY),
        "LastWeek": (week - 7 * _DAY, week),
        "CurrentMonth": (month, next_month),
        "LastMonth": (last_month, month),
        # "7 days" and "30 days" (§4.4); that today counts is our reading
        "TheLastWeek": (today - 6 * _DAY, today + _DAY),
        "TheNextWeek": (today, today + 7 * _DAY),
        "TheLastMonth": (today - 29 * _DAY, today + _DAY),
        "TheNextMonth": (today, today + 30 * _DAY),
    }
    start, end = spans[keyword]
    return _ms(start), _ms(end)
