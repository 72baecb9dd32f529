"""SQL expressions for the database's clock, one spelling per dialect.

Times that people read are the dialect's own type (``TIMESTAMP(6)``, ``timestamptz``, ISO text in UTC on SQLite);
times that only the engine compares are milliseconds, which no session time zone can bend.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

_SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f000"
SQLITE_NOW = f"strftime('{_SQLITE_FORMAT}','now')"
POSTGRES_NOW = "clock_timestamp()"
MYSQL_NOW = "CURRENT_TIMESTAMP(6)"


def timestamp_type() -> TypeEngine[Any]:
    """Return the type of a time that people read."""
    return (
        Text()
        .with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")
        .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    )


class Now(FunctionElement[Any]):
    """The database's time, as the statement runs (not as the transaction began)."""

    inherit_cache = True
    type = timestamp_type()


class NowMs(FunctionElement[int]):
    """The database's time in milliseconds since the epoch."""

    inherit_cache = True
    type = BigInteger()


class _AtMs(FunctionElement[Any]):
    inherit_cache = True
    type = timestamp_type()


class _EpochMs(FunctionElement[int]):
    inherit_cache = True
    type = BigInteger()


def at_ms(ms: ColumnElement[int]) -> ColumnElement[Any]:
    """Return the time *ms* milliseconds after the epoch."""
    return _AtMs(ms)


def now_plus(seconds: float) -> ColumnElement[Any]:
    """Return the database's time *seconds* from now."""
    return at_ms(now_plus_ms(seconds))


def now_plus_ms(seconds: float) -> ColumnElement[int]:
    """Return the database's time *seconds* from now, in milliseconds since the epoch."""
    return NowMs() + milliseconds(round(seconds * 1000))


def milliseconds(ms: int) -> ColumnElement[int]:
    """Return *ms* as a bound value."""
    return bindparam(None, ms, type_=BigInteger())


def epoch_ms(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return a time *column* in milliseconds since the epoch."""
    return _EpochMs(column)


@compiles(Now, "sqlite")
def _now_sqlite(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    return SQLITE_NOW


@compiles(Now, "postgresql")
def _now_postgres(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    return POSTGRES_NOW


@compiles(Now, "mysql")
@compiles(Now, "mariadb")
def _now_mysql(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    return MYSQL_NOW


@compiles(NowMs, "sqlite")
def _now_ms_sqlite(element: NowMs, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


@compiles(NowMs, "postgresql")
def _now_ms_postgres(element: NowMs, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(NowMs, "mysql")
@compiles(NowMs, "mariadb")
def _now_ms_mysql(element: NowMs, compiler: SQLCompiler, **kw: Any) -> str:
    # NOW(6) would pass through the session's local time, which is ambiguous when summer time ends
    return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)"


@compiles(_AtMs, "sqlite")
def _at_ms_sqlite(element: _AtMs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('{_SQLITE_FORMAT}', ({compiler.process(element.clauses, **kw)}) / 1000.0, 'unixepoch')"


@compiles(_AtMs, "postgresql")
def _at_ms_postgres(element: _AtMs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_timestamp(({compiler.process(element.clauses, **kw)}) / 1000.0)"


@compiles(_AtMs, "mysql")
@compiles(_AtMs, "mariadb")
def _at_ms_mysql(element: _AtMs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"FROM_UNIXTIME(({compiler.process(element.clauses, **kw)}) / 1000)"


@compiles(_EpochMs, "sqlite")
def _epoch_ms_sqlite(element: _EpochMs, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    # from the text, because julian days are doubles; a person's INSERT may lack the fraction
    return f"(CAST(strftime('%s', {column}) AS INTEGER) * 1000 + CAST(substr({column}, 21, 3) AS INTEGER))"


@compiles(_EpochMs, "postgresql")
def _epoch_ms_postgres(element: _EpochMs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **kw)}) * 1000) AS BIGINT)"


@compiles(_EpochMs, "mysql")
@compiles(_EpochMs, "mariadb")
def _epoch_ms_mysql(element: _EpochMs, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(FLOOR(UNIX_TIMESTAMP({compiler.process(element.clauses, **kw)}) * 1000) AS SIGNED)"
