"""Putting the triggers on a table, taking them off, and telling whether they are those of this version."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Dialect, inspect
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.capture.mysql import MysqlCapture, definers_of
from airflow_provider_lark.core.capture.postgres import PostgresCapture
from airflow_provider_lark.core.capture.sqlite import SqliteCapture
from airflow_provider_lark.core.capture.triggers import CaptureDialect, Definers
from airflow_provider_lark.core.database.error_codes import error_code, lacks_right
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sql_side.reflection import TableSpec

_DIALECTS: dict[str, CaptureDialect] = {
    "sqlite": SqliteCapture(),
    "postgresql": PostgresCapture(),
    "mysql": MysqlCapture(),
    "mariadb": MysqlCapture(),
}

#: MySQL, while it writes a binary log
_NO_SUPER = 1419


def install(conn: Connection, table: TableSpec, *, watched: Sequence[str] | None = None, anew: bool = False) -> None:
    """Put the capturing triggers on *table*, in the place of older ones; nothing happens when they are current.

    On MySQL this commits the transaction, as every DDL there.

    :param watched: columns whose change is noted (default: all of the spec's).
    :param anew: also those that are current, which then are this user's.
    :raises SchemaMismatch: the table cannot have triggers, or the connection may not make them.
    """
    dialect = _dialect_of(conn.dialect)
    if table.name in inspect(conn).get_view_names(schema=table.schema):
        raise SchemaMismatch(
            f"{table.table_name!r} is a view, on which changes cannot be captured; map the underlying table"
        )
    if not anew and is_current(conn, table, watched=watched):
        return
    try:
        dialect.create(conn, table, dialect.plan(conn, table, _names(table, watched)))
    except DBAPIError as exc:
        refusal = _refusal(exc, table)
        if refusal is exc:
            raise
        raise refusal from exc


def uninstall(conn: Connection, table: TableSpec) -> None:
    """Take the capturing triggers off *table*, of whatever version; on MySQL this commits the transaction."""
    _dialect_of(conn.dialect).drop(conn, table)


def installed(conn: Connection, table: TableSpec) -> set[str]:
    """Return the names of the capturing triggers on *table*, of whatever version, that are not disabled."""
    return _dialect_of(conn.dialect).installed(conn, table)


def is_current(conn: Connection, table: TableSpec, *, watched: Sequence[str] | None = None) -> bool:
    """Tell whether *table* has exactly the triggers that :func:`install` would put there."""
    dialect = _dialect_of(conn.dialect)
    plan = dialect.plan(conn, table, _names(table, watched))
    return dialect.installed(conn, table) == set(plan.triggers)


def foreign_definers(conn: Connection, table: TableSpec) -> Definers:
    """Tell in whose name the triggers on *table* run, where it is not this user's: MySQL asks that he exist."""
    return definers_of(conn, table) if is_mysql(conn.dialect) else Definers()


def _names(table: TableSpec, watched: Sequence[str] | None) -> list[str]:
    return [column.name for column in table.columns if watched is None or column.name in watched]


def _dialect_of(dialect: Dialect) -> CaptureDialect:
    try:
        return _DIALECTS[dialect.name]
    except KeyError:
        raise SchemaMismatch(
            f"changes cannot be captured on {dialect.name}; use SQLite, PostgreSQL, MySQL or MariaDB"
        ) from None


def _refusal(exc: DBAPIError, table: TableSpec) -> Exception:
    if not lacks_right(exc):
        return exc
    advice = (
        "set log_bin_trust_function_creators = 1 on the server, or have an administrator run the setup"
        if error_code(exc) == _NO_SUPER
        else "GRANT TRIGGER on it (on PostgreSQL also CREATE on the ledger's schema), or have its owner run the setup"
    )
    return SchemaMismatch(f"table {table.table_name!r}: the database user is not allowed to create triggers; {advice}")
