"""A column that grows with each write to a row: a time, a day, or a number. What its values mean, and how to compare.

No clock is asked here. A value is kept as text where the database has a type for times, else as the driver gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Numeric,
    String,
    Text,
    bindparam,
    cast,
    func,
    type_coerce,
)
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    decimal_digits,
    is_aware,
    is_single_precision,
    is_unix_time,
)
from airflow_provider_lark.core.fields.zones import Zone, settled_zone

Stored = str | int | float
"""A value of the column, as the ledger keeps it."""

PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}

_NUMBERS = frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT})
_DAY_MS = 86_400_000
_WESTERNMOST = timezone(timedelta(hours=-12))


def is_usable(column: Column) -> bool:
    """Tell whether rows can be put in the order of their last change by *column*."""
    if column.kind in (ColumnKind.DATE_TIME, ColumnKind.DATE, ColumnKind.INTEGER):
        return True
    if column.kind is ColumnKind.DECIMAL:
        return column.dialect == "sqlite" or not decimal_digits(column)[1]
    if column.kind is ColumnKind.FLOAT:
        return not is_single_precision(column)
    # SQLite has no type for times
    return column.dialect == "sqlite" and column.kind is ColumnKind.TEXT


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """The column of one table.

    :param per_second: how much a number grows in a second; None for one that means no time.
    :param zone: of times and days that name none.
    :param between: what stands between day and time where they are text, as in SQLite.
    """

    column: Column
    per_second: int | None
    zone: Zone
    between: str = " "

    @property
    def is_number(self) -> bool:
        """Whether the column counts."""
        return self.column.kind in _NUMBERS

    @property
    def is_bounded(self) -> bool:
        """Whether the database's clock tells which values are still to come."""
        return not self.is_number or self.per_second is not None

    @property
    def needs_utc(self) -> bool:
        """Whether the session's time zone has to be UTC for two hours of the year not to look alike."""
        return is_unix_time(self.column)

    @property
    def settles_ms(self) -> int:
        """How long a value may come again: as long as it is the present one, and a second for clocks of whole ones."""
        return _DAY_MS + 2_000 if self.column.kind is ColumnKind.DATE else 2_000

    def utc_offset_seconds(self, now_ms: int) -> int | None:
        """Return by how much its times are taken to be ahead of UTC; None where they name a zone, or are none."""
        if self.is_number or is_aware(self.column) or self.needs_utc:
            return None
        return round(datetime.fromtimestamp(now_ms / 1000, self._zone()).utcoffset().total_seconds())  # type: ignore[union-attr]  # aware

    def at(self, now_ms: int) -> Stored | None:
        """Return what the column says at a moment; None where it means no time."""
        return self._at(now_ms, self._zone())

    def least_at(self, now_ms: int) -> Stored | None:
        """Return the least that the column may say at a moment: programs that write no zone may use another one."""
        names_none = not is_aware(self.column) and not self.needs_utc
        return self._at(now_ms, _WESTERNMOST if names_none else UTC)

    def _at(self, now_ms: int, zone: tzinfo) -> Stored | None:
        if not self.is_bounded:
            return None
        if self.is_number:
            return now_ms * (self.per_second or 1) // 1_000
        moment = datetime.fromtimestamp(now_ms / 1000, zone)
        if self.column.kind is ColumnKind.DATE:
            return f"{moment:%Y-%m-%d}"
        offset = "+00" if is_aware(self.column) else ""
        return f"{moment:%Y-%m-%d}{self.between}{moment:%H:%M:%S}.{now_ms % 1_000:03d}{offset}"

    def moment_ms(self, value: Stored | None, now_ms: int) -> int:
        """Return when a row with this *value* was changed, no later than now; 0 where it does not tell that."""
        if value is None or not self.is_bounded or self.column.kind is ColumnKind.DATE:
            return 0
        try:
            if self.is_number:
                told_ms = int(Decimal(str(value)) * 1_000 / (self.per_second or 1))
            else:
                moment = datetime.fromisoformat(str(value))
                zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone())
                told_ms = int(zoned.timestamp() * 1000)
        except (ValueError, ArithmeticError, OverflowError):
            # infinity, a date before Christ, or no time at all
            return 0
        return max(0, min(told_ms, now_ms))

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return *column* to select from, as :data:`Stored`."""
        if self.is_number or self.column.dialect == "sqlite":
            return type_coerce(column, RAW)
        # as text: drivers have no value for infinity, nor for the year 0
        return cast(column, mysql.CHAR() if self.column.is_mysql else Text())

    def keep(self, value: Any) -> Stored | None:
        """Return a selected value as the ledger keeps it."""
        return str(value) if isinstance(value, Decimal) else value

    def bound(self, value: Stored) -> ColumnElement[Any]:
        """Return *value* to compare the column with."""
        if self.column.dialect == "sqlite":
            return bindparam(None, value, type_=RAW)
        if self.column.kind is ColumnKind.INTEGER:
            return bindparam(None, int(value), type_=BigInteger())
        if self.column.kind is ColumnKind.DECIMAL:
            return bindparam(None, Decimal(str(value)), type_=Numeric())
        if self.column.kind is ColumnKind.FLOAT:
            return bindparam(None, float(value), type_=Float())
        text = bindparam(None, str(value), type_=String())
        if self.column.kind is ColumnKind.DATE:
            return cast(text, Date())
        if self.column.is_mysql:
            return cast(text, mysql.DATETIME(fsp=6))
        return cast(text, DateTime(timezone=is_aware(self.column)))

    def least(self, one: Stored, other: Stored) -> ColumnElement[Any]:
        """Return the lesser of two values."""
        compare = func.min if self.column.dialect == "sqlite" else func.least
        return compare(self.bound(one), self.bound(other))

    def _zone(self) -> tzinfo:
        if is_aware(self.column) or self.needs_utc:
            return UTC
        try:
            return settled_zone(self.zone)
        except ConfigError:
            # Lark does not tell the base's, and no value depends on it
            return UTC
