"""Values that go to a driver as they are, because no column converts them: a query's parameters, keys as read."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType

_SQLITE_INTEGERS = range(-(2**63), 2**63)


def driver_value(dialect: Dialect, value: Any) -> Any:
    """Return what the driver takes for *value*.

    SQLite knows no dates and no decimals. Python's module for it writes ``date`` and ``datetime``, deprecated since
    3.12, and refuses what is derived from them, as Airflow's moments are. Here all become the ISO texts that it writes,
    and decimals the numbers that SQLite keeps.
    """
    if dialect.name != "sqlite":
        return value
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and int(value) in _SQLITE_INTEGERS
        return int(value) if whole else float(value)
    return value


class _Raw(UserDefinedType[Any]):
    """The driver's own value, as it comes and as it goes."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what makes a value one that the driver takes."""
        return (lambda value: driver_value(dialect, value)) if dialect.name == "sqlite" else None


RAW = _Raw()
"""Keeps SQLAlchemy from converting a column or a bound value."""
