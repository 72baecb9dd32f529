"""Silence the capturing triggers for the engine's own writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.capture.mysql import MUTE_VARIABLE
from airflow_provider_lark.core.capture.postgres import MUTE_SETTING
from airflow_provider_lark.core.capture.triggers import mark_of
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.ledger import tables
from airflow_provider_lark.core.sql_side.reflection import TableSpec

_MUTED = "lark_sync_muted"


@contextmanager
def mute(conn: Connection, table: TableSpec) -> Iterator[None]:
    """Keep the triggers of *table* silent for what *conn* writes inside; other connections are captured as ever.

    So are other tables, which a trigger or a foreign key may change meanwhile; on PostgreSQL so is this one then.

    It ends on every path, and where the database forgets it with the transaction, also by that.

    :raises ConfigError: the connection commits each statement by itself, so that others would be silenced too.
    """
    if conn.info.get(_MUTED):
        yield
        return
    _switch(conn, table, on=True)
    conn.info[_MUTED] = True
    try:
        yield
    finally:
        # a connection that was lost has taken the setting along
        if not conn.invalidated:
            conn.info.pop(_MUTED, None)
            _end(conn, table)


def _end(conn: Connection, table: TableSpec) -> None:
    try:
        _switch(conn, table, on=False)
    except DBAPIError:
        # a transaction that has failed forgets the setting when it is rolled back; a session of MySQL does not,
        # and must not go back into a pool
        if is_mysql(conn.dialect):
            conn.invalidate()


def _switch(conn: Connection, table: TableSpec, *, on: bool) -> None:
    if is_mysql(conn.dialect):
        conn.execute(text(f"SET {MUTE_VARIABLE} = {mark_of(table) if on else 'NULL'}"))
    elif conn.dialect.name == "postgresql":
        conn.execute(text(f"SELECT set_config('{MUTE_SETTING}', :value, true)"), {"value": "on" if on else "off"})
    elif not on:
        conn.execute(delete(tables.mute))
    else:
        conn.execute(insert(tables.mute), {"id": mark_of(table)})
        if not getattr(conn.connection.dbapi_connection, "in_transaction", True):
            conn.execute(delete(tables.mute))
            raise ConfigError(
                "this SQLite connection is in autocommit mode, so muting the triggers would affect every writer; open "
                "the transaction with write_transaction()"
            )
