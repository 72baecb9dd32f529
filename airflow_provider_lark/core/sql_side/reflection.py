"""The SQL table of a mapping: reflected, checked, and described for the store and the triggers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import JSON, TEXT, Connection, Dialect, Engine, MetaData, Table, UniqueConstraint, inspect
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedIndex
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.types import NullType, TypeEngine

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.error_codes import is_transient
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import as_named, literal, quote
from airflow_provider_lark.core.database.refusals import words_of
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.column import DECLARED, SESSION_ZONE, Column
from airflow_provider_lark.core.fields.exact_json import ExactJson
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sql_side.declared import tell_declared
from airflow_provider_lark.core.sql_side.row_filter import RowFilter

_DIALECT = "lark_dialect"
_UNIQUE = "lark_unique"
GIVES_WAY = "lark_gives_way"
"""Where a table of SQLite keeps whether in a clash one of its constraints deletes a row, or drops the new one."""
_GIVES_WAY = re.compile(r"\bON\s+CONFLICT\s+(?:REPLACE|IGNORE)\b", re.IGNORECASE)
_SQLITE_TYPES: dict[str, type[TypeEngine[Any]]] = {
    **dict.fromkeys(("UUID", "GUID", "STRING", "CITEXT", "TIMETZ"), TEXT),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE"), sqlite.DATETIME),
}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table as a mapping uses it.

    :param columns: the mapped columns and the key columns.
    :param key_columns: names, in the order of the key.
    :param table: the whole table, as :func:`reflect_table` found it.
    :param filter: which rows belong to the mapping; None for all.
    """

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    key_columns: tuple[str, ...]
    table: Table
    filter: RowFilter | None = field(default=None, compare=False)

    @property
    def table_name(self) -> str:
        """The ledger's name of the table."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def key(self) -> tuple[Column, ...]:
        """The key columns, in the order of the key."""
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in self.key_columns)


def reflect_table(bind: Engine | Connection, name: str, schema: str | None = None) -> Table:
    """Read a table's columns and constraints from the database.

    :raises SchemaMismatch: there is no such table; the message names similar ones.
    """
    if isinstance(bind, Engine):
        with open_session(bind) as conn:
            return reflect_table(conn, name, schema)
    check_name(bind.dialect, name, f"table {name!r}")
    try:
        inspector = inspect(bind)
        table = Table(name, MetaData(), schema=schema, listeners=[("column_reflect", _name_column)])
        inspector.reflect_table(table, None, resolve_fks=False)
    except NoSuchTableError as exc:
        raise SchemaMismatch(_no_such_table(bind, name, schema)) from exc
    except DBAPIError as exc:
        if schema is None or is_transient(exc) or exc.connection_invalidated:
            raise
        raise SchemaMismatch(f"table {name!r} of schema {schema!r}: database error: {words_of(exc)}") from exc
    table.info[_DIALECT] = bind.dialect.name
    if is_mysql(bind.dialect):
        table.info[SESSION_ZONE] = _session_zone(bind)
    for column in table.columns:
        if isinstance(column.type, JSON):
            # read and written as text; SQLAlchemy's own would also make an empty cell JSON's null, no NULL
            column.type = ExactJson(column.type)
    if bind.dialect.name == "sqlite":
        _tell_row_ids(bind, table)
        _tell_declared_types(bind, table)
        table.info[GIVES_WAY] = _gives_way(bind, table)
    tell_declared(bind, table)
    table.info[_UNIQUE] = _unique_columns(inspector, table)
    return table


def _name_column(inspector: Inspector, _: Table, column: ReflectedColumn) -> None:
    column["name"] = as_named(inspector.dialect, column["name"])


def _tell_row_ids(conn: Connection, table: Table) -> None:
    """Note of a SQLite table whether its key is the row id, which is made when it is left out and is never NULL.

    SQLAlchemy takes every whole number for it. Only the row id needs no index of its own: neither ``INT PRIMARY KEY``
    nor ``INTEGER PRIMARY KEY DESC`` is it, nor any key of a table ``WITHOUT ROWID``.
    """
    key = list(table.primary_key.columns)
    if len(key) != 1:
        return
    # by hand: the inspector leaves the key's own index out
    listing = f"SELECT origin FROM pragma_index_list({literal(conn.dialect, table.name)}{_in(conn, table.schema)})"
    is_row_id = "pk" not in conn.exec_driver_sql(listing).scalars().all()
    key[0].autoincrement = is_row_id
    key[0].nullable = key[0].nullable and not is_row_id


def _tell_declared_types(conn: Connection, table: Table) -> None:
    """Put in the types that SQLAlchemy takes for numbers, because SQLite knows no such names and takes any."""
    listing = f"SELECT name, type FROM pragma_table_xinfo({literal(conn.dialect, table.name)}{_in(conn, table.schema)})"
    for name, written in conn.exec_driver_sql(listing).all():
        meant = _SQLITE_TYPES.get(str(written).split("(")[0].strip().upper())
        if meant is not None and name in table.c:
            table.c[name].type = meant()
        elif name in table.c and isinstance(table.c[name].type, NullType):
            table.c[name].info[DECLARED] = str(written) or "no type"


def _gives_way(conn: Connection, table: Table) -> bool:
    schema = f"{quote(conn.dialect, table.schema)}." if table.schema else ""
    ddl = f"SELECT sql FROM {schema}sqlite_master WHERE type = 'table' AND name = {literal(conn.dialect, table.name)} "
    found = conn.exec_driver_sql(f"{ddl} COLLATE NOCASE", execution_options={"no_parameters": True}).scalar()
    return bool(_GIVES_WAY.search(found or ""))


def _in(conn: Connection, schema: str | None) -> str:
    return f", {literal(conn.dialect, schema)}" if schema else ""


def check_name(dialect: Dialect, name: str, where: str) -> None:
    """Check that a name can be one here.

    :raises SchemaMismatch: MySQL stores names as utf8mb3, which ends before emoji.
    """
    if is_mysql(dialect) and max(name, default="") > "\uffff":
        raise SchemaMismatch(
            f"{where}: MySQL and MariaDB do not support emoji and other characters outside the BMP in names; choose "
            "another name"
        )


def as_reflected(table: Table, dialect: str) -> Table:
    """Let a table that is only designed be described like one that :func:`reflect_table` has read."""
    table.info |= {_DIALECT: dialect, _UNIQUE: [{column.name for column in table.primary_key.columns}]}
    return table


def columns_of(table: Table) -> tuple[Column, ...]:
    """Describe every column of a table that :func:`reflect_table` has read."""
    return tuple(Column.from_reflected(column, table.info.get(_DIALECT, "")) for column in table.columns)


def unique_columns_of(table: Table) -> list[set[str]]:
    """Return each set of columns that :func:`reflect_table` found to be unique."""
    found: list[set[str]] = table.info.get(_UNIQUE, [])
    return found


def key_columns_of(table: Table, key: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the columns that tell the table's rows apart.

    :param key: the columns that the mapping names; default: the primary key.
    :raises SchemaMismatch: there is no primary key, a named column does not exist, or two rows could share the key.
    """
    primary = tuple(column.name for column in table.primary_key.columns)
    if not key:
        if not primary:
            raise SchemaMismatch(
                f"table {table.fullname!r} has no primary key; list the columns that identify a row under key:"
            )
        return primary
    for name in key:
        if name not in table.c:
            raise SchemaMismatch(
                f"table {table.fullname!r} has no key column {name!r}; {did_you_mean(name, table.c.keys())}"
            )
    if not any(unique <= set(key) for unique in unique_columns_of(table) if unique):
        raise SchemaMismatch(
            f"table {table.fullname!r}: the key ({', '.join(key)}) is not unique; add a UNIQUE constraint on these "
            "columns, or choose others under key:"
        )
    return tuple(key)


def _session_zone(bind: Connection) -> tzinfo:
    """Return the zone in which MySQL shows instants, as far as it tells."""
    told, system, utc, ahead = bind.exec_driver_sql(
        "SELECT @@SESSION.time_zone, @@GLOBAL.system_time_zone, UTC_TIMESTAMP(), "
        "TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())"
    ).one()
    offset = timedelta(minutes=int(ahead))
    try:
        zone = ZoneInfo(system if told == "SYSTEM" else told)
        # EST is a zone without summer time, and also what a server in New York calls its own in winter
        if utc.replace(tzinfo=UTC).astimezone(zone).utcoffset() == offset:
            return zone
    # an offset such as +08:00; or an abbreviation such as CST, which several zones share
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    return timezone(offset)


def _unique_columns(inspector: Inspector, table: Table) -> list[set[str]]:
    primary = {column.name for column in table.primary_key.columns}
    constraints = [
        {column.name for column in constraint.columns}
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    # SQLAlchemy reads constraints of SQLite from the text of the DDL and misses some; their indexes do not lie
    options = {"include_auto_indexes": True} if inspector.dialect.name == "sqlite" else {}
    indexes = inspector.get_indexes(table.name, schema=table.schema, **options)
    unique = [_whole_columns(index) for index in indexes if index["unique"]]
    return [primary, *constraints, *({as_named(inspector.dialect, name) for name in names} for names in unique)]


def _whole_columns(index: ReflectedIndex) -> list[str]:
    """Return an index's columns; none when it covers an expression or a part of the rows."""
    names = [name for name in index["column_names"] if name is not None]
    partial = any(name.endswith("_where") for name in index.get("dialect_options", {}))
    return names if len(names) == len(index["column_names"]) and not partial else []


def _no_such_table(bind: Connection, name: str, schema: str | None) -> str:
    inspector = inspect(bind)
    try:
        names = inspector.get_table_names(schema=schema)
    except DBAPIError:
        # MySQL refuses to list what a schema has that is not there
        names = []
    where = f" in schema {schema!r}" if schema else ""
    return f"table {name!r} does not exist{where}; {did_you_mean(name, names)}"
