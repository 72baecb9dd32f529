"""A SQL connection of Airflow becomes a SQLAlchemy engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from airflow.sdk.exceptions import AirflowException

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import read_connection
from airflow_provider_lark.hooks.sql_connect import engine_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

_DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb")
_EXTRAS = {"sqlite": "sqlite", "postgres": "postgres", "mysql": "mysql"}
_NEEDED = "expected a SQLite, PostgreSQL, MySQL or MariaDB connection"

RUN_CONNECTIONS = 2
"""So many connections stay open during a run, which opens some thirty sessions, one at a time but for heartbeats."""

_POOL_SECONDS = 5.0
_OLD_SECONDS = 600
"""A firewall may have forgotten an older connection."""


def sql_engine(conn_id: str, *, kept_open: int = 0) -> Engine:
    """Return an engine on the database of the connection *conn_id*: SQLite, PostgreSQL, MySQL or MariaDB.

    It opens the connections that Airflow's own hook would, and its errors do not show the values that were bound.

    :param kept_open: so many connections stay open for the next use, where a process has many of them a second; at
        most so many are open at once then. Of SQLite none.
    :raises ConfigError: there is no such connection, it is no database of these kinds, or (when it is first used)
        its driver does not know an option of it.
    """
    if not kept_open:
        return _make_engine(conn_id)
    return _make_engine(
        conn_id, pool_size=kept_open, max_overflow=0, pool_timeout=_POOL_SECONDS, pool_recycle=_OLD_SECONDS
    )


def _make_engine(conn_id: str, **pool: Any) -> Engine:
    from sqlalchemy.pool import NullPool

    hook = database_hook(conn_id)
    if not pool or getattr(hook, "conn_type", "") == "sqlite":
        pool = {"poolclass": NullPool}
    engine = engine_of(conn_id, hook, hide_parameters=True, **pool)
    if engine.dialect.name not in _DIALECTS:
        raise ConfigError(f"connection {conn_id!r}: {engine.dialect.name} is not supported; {_NEEDED}")
    return engine


@contextmanager
def opened_engine(conn_id: str) -> Iterator[Engine]:
    """Give an engine as :func:`sql_engine` does and dispose of it after; errors of the database note its connection.

    What is done meanwhile shares :data:`RUN_CONNECTIONS` connections, and more where it needs more at once. One that
    the server or a firewall has closed since its last use is replaced. Of SQLite none stays open.
    """
    from sqlalchemy.exc import SQLAlchemyError

    engine = _make_engine(conn_id, pool_size=RUN_CONNECTIONS, max_overflow=-1, pool_pre_ping=True)
    try:
        yield engine
    except SQLAlchemyError as exc:
        exc.add_note(f"connection {conn_id!r}")
        raise
    finally:
        engine.dispose()


def database_hook(conn_id: str) -> Any:
    """Return Airflow's hook for the connection *conn_id*, which nothing has opened yet.

    :raises ConfigError: there is no such connection, or its hook is none of a database.
    """
    connection = read_connection(conn_id)
    kind, has_user = connection.conn_type, bool(connection.login or connection.password)
    _mask_quoted(connection.password or "")
    try:
        hook = connection.get_hook()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
    except (AirflowException, AttributeError, ImportError) as exc:
        # the type `generic` is listed with a hook that does not exist
        exc.__traceback__ = None  # its frames hold the connection too
        extra = _EXTRAS.get(kind or "")
        advice = f"install airflow-provider-lark[{extra}]" if extra else "use a database connection"
        raise ConfigError(f"connection {conn_id!r}: Airflow has no hook for type {kind!r}; {advice}") from exc
    finally:
        del connection  # Airflow's repr of it shows the password
    if not hasattr(hook, "get_sqlalchemy_engine"):
        raise ConfigError(f"connection {conn_id!r}: has type {kind!r}; {_NEEDED}")
    if kind == "sqlite" and has_user:
        # Airflow would make them a part of the file's name, which messages quote
        raise ConfigError(f"connection {conn_id!r}: SQLite has no users; leave its login and password empty")
    return hook


def _mask_quoted(password: str) -> None:
    from airflow.sdk.log import mask_secret

    # at DEBUG, hooks log the address with the password as it stands there, and Airflow masks it as it was given
    for text in {quote(password, safe=""), quote(password, safe=" +"), quote_plus(password)} - {password}:
        mask_secret(text)
