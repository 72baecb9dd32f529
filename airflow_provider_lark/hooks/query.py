"""A query on any SQL connection of Airflow, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.database import database_hook, opened_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

_WITH_SESSION = ("sqlite", "postgres", "mysql")
_FETCH_ROWS = 1000

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Query:
    """A query whose rows wait.

    :param names: of its columns, also doubled or empty ones.
    :param parts: its rows, each part a few of them; to be read once, before the connection is closed.
    :param engine: of its database, where that is one of those that the transfers know.
    """

    names: Sequence[str]
    parts: Iterator[Rows]
    engine: Engine | None = None


@contextmanager
def opened_query(conn_id: str, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Query]:
    """Run a query and give its rows; whatever it changes is undone at the end.

    On SQLite, PostgreSQL, MySQL and MariaDB in a session such as the transfers open, with ``:name`` for a value of
    *parameters*; elsewhere through the connection of Airflow's own hook, with the form that its driver takes.

    :raises ConfigError: the connection does not exist or is not one to a database, or the database refuses the query.
    """
    hook = database_hook(conn_id)
    if getattr(hook, "conn_type", "") in _WITH_SESSION:
        yield from _of_session(conn_id, sql, parameters)
        return
    if not hasattr(hook, "get_conn"):
        raise ConfigError(
            f"connection {conn_id!r}: its Airflow hook has no get_conn(), so it cannot run SQL; use a database "
            "connection"
        )
    with closing(hook.get_conn()) as conn, closing(conn.cursor()) as cursor:
        cursor.execute(sql, parameters) if parameters else cursor.execute(sql)
        if cursor.description is None:
            raise ConfigError("sql: the statement does not return rows; use a SELECT")
        yield Query([str(column[0]) for column in cursor.description], _fetched(cursor))


def _of_session(conn_id: str, sql: str, parameters: Mapping[str, Any] | None) -> Iterator[Query]:
    from airflow_provider_lark.core.database.connections import open_session
    from airflow_provider_lark.core.database.lenient_loading import lenient
    from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource

    source = SqlSource(sql, parameters)
    with (
        opened_engine(conn_id) as engine,
        open_session(engine) as conn,
        lenient(conn),
        closing(source.open(conn)) as opened,
    ):
        yield Query(opened.columns, opened.rows(opened.columns), engine)


def _fetched(cursor: Any) -> Iterator[Rows]:
    while part := cursor.fetchmany(_FETCH_ROWS):
        yield part
