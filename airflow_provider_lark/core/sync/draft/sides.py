"""The tables of both sides, as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Inspector, Table, inspect

from airflow_provider_lark.core.accounts import migrate as accounts_migrate
from airflow_provider_lark.core.accounts import tables as accounts
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import AccessDenied, NotFound, SchemaMismatch
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger import migrate, tables
from airflow_provider_lark.core.sql_side.partitions import parts_of
from airflow_provider_lark.core.sql_side.reflection import columns_of, reflect_table, unique_columns_of

_OURS = frozenset(
    {
        *(*tables.metadata.tables, migrate.VERSION_TABLE),
        *(*accounts.metadata.tables, accounts_migrate.VERSION_TABLE),
    }
)


@dataclass(frozen=True, slots=True)
class BitableTable:
    """A table of the base with all its fields."""

    table_id: str
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table of the database.

    :param references: by column, the table of the same schema whose only key column it refers to.
    """

    name: str
    schema: str | None
    table: Table
    columns: tuple[Column, ...]
    references: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The table as ``link:`` and the ledger name it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column.name for column in self.table.primary_key.columns)

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """Whatever tells its rows apart, the primary key first; only columns that are never NULL."""
        filled = {column.name for column in self.columns if not column.nullable}
        order = [column.name for column in self.columns]
        unique = [
            tuple(sorted(each, key=order.index)) for each in unique_columns_of(self.table) if each and each <= filled
        ]
        return list(dict.fromkeys([*filter(None, [self.primary_key]), *sorted(unique, key=len)]))

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides.

    :param unread: what could not be read, and why.
    """

    app_token: str
    dialect: str
    bitable: tuple[BitableTable, ...]
    sql: tuple[SqlTable, ...]
    unread: tuple[str, ...] = ()


def read_sides(client: LarkClient, engine: Engine, app_token: str, schema: str | None) -> Sides:
    """Read the tables of a base and of a schema; one that cannot be read is told, and the others are read."""
    bitable: list[BitableTable] = []
    unread: list[str] = []
    for info in client.bitable.list_tables(app_token=app_token):
        try:
            fields = tuple(LarkTable(client, app_token, info.table_id).read_fields())
        except (AccessDenied, NotFound) as exc:
            unread.append(f"Bitable table {info.name!r}: {exc.message}")
            continue
        bitable.append(BitableTable(info.table_id, info.name, fields))
    with open_session(engine) as conn:
        sql = tuple(_read_tables(conn, schema, unread))
    return Sides(app_token, engine.dialect.name, tuple(bitable), sql, tuple(unread))


def _read_tables(conn: Connection, schema: str | None, unread: list[str]) -> list[SqlTable]:
    inspector = inspect(conn)
    found: list[SqlTable] = []
    partitions: set[str] = set()
    for name in sorted(inspector.get_table_names(schema=schema)):
        if name in _OURS:
            continue
        try:
            table = reflect_table(conn, name, schema)
            partitions |= {part.rpartition(".")[2].strip('"') for part in (parts_of(conn, name, schema) or {}).values()}
        except SchemaMismatch as exc:
            unread.append(f"SQL table {name!r}: {exc.message}")
            continue
        found.append(SqlTable(name, schema, table, columns_of(table), _references(inspector, name, schema)))
    return [table for table in found if table.name not in partitions]


def _references(inspector: Inspector, name: str, schema: str | None) -> dict[str, str]:
    return {
        key["constrained_columns"][0]: key["referred_table"]
        for key in inspector.get_foreign_keys(name, schema=schema)
        if _is_simple(inspector, key["constrained_columns"], key["referred_columns"], key["referred_table"], schema)
        and key["referred_schema"] in (None, schema)
    }


def _is_simple(
    inspector: Inspector, columns: Sequence[str], referred: Sequence[str], to: str, schema: str | None
) -> bool:
    if len(columns) != 1:
        return False
    key = inspector.get_pk_constraint(to, schema=schema)["constrained_columns"]
    # SQLite lets the columns out where they are the key
    return list(referred) in ([], list(key)) and len(key) == 1
