"""Values as a driver takes them where no column converts them, and texts as the connection can carry them."""

from __future__ import annotations

import codecs
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Dialect
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


def storable(conn: Connection, text: str) -> str:
    r"""Return *text* with the characters escaped that the connection, or its database, has no room for.

    ``字段`` becomes ``\u5b57\u6bb5`` in a database of LATIN1; half a surrogate pair is escaped everywhere.
    """
    for codec in _codecs(conn.connection.dbapi_connection):
        text = text.encode(codec, "backslashreplace").decode(codec)
    return text


def _codecs(raw: Any) -> list[str]:
    info = getattr(raw, "info", None)
    # psycopg tells Python's name of the client's encoding; the database may have a smaller one. MySQL's drivers and
    # psycopg2 have one attribute, SQLite none
    named = [getattr(info, "encoding", None) or getattr(raw, "encoding", None) or "utf-8"]
    ask = getattr(info, "parameter_status", None)
    if callable(ask):
        named.append(ask("server_encoding") or "utf-8")
    return [_python_name(name) for name in named]


def _python_name(name: Any) -> str:
    try:
        return codecs.lookup(str(name)).name
    except LookupError:
        return "ascii"
