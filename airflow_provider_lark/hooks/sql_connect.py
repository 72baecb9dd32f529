"""How Airflow's SQL hooks open a connection: what SQLAlchemy's address of them leaves out.

A hook's address has host, user and password; TLS, timeouts, names and tokens are given to the driver by its
``get_conn``. Cursors of another kind, which a hook may choose for its own use, are not taken over.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL, Dialect, Engine

#: opens a connection with the driver of a dialect
Connector = Callable[["Dialect"], Any]

#: what the extra may say to MySQL's drivers; notes of other programs stand there too
_MYSQL_OPTIONS = frozenset(
    {
        *("compress", "connect_timeout", "init_command", "read_default_file", "read_default_group", "read_timeout"),
        *("sql_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_cipher", "ssl_key", "ssl_mode", "unix_socket"),
        *("write_timeout",),
    }
)
#: the hook's own methods that make a driver's arguments, by the extra `client`
_MYSQL_CONFIGS = {
    "mysqlclient": "_get_conn_config_mysql_client",
    "mysql-connector-python": "_get_conn_config_mysql_connector_python",
}


def engine_of(conn_id: str, hook: Any, **options: Any) -> Engine:
    """Return an engine that opens connections as *hook* does; nothing is connected yet.

    :param options: for ``create_engine``.
    :raises ConfigError: the connection's address cannot be read.
    """
    from sqlalchemy import create_engine

    make = {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mysql}.get(getattr(hook, "conn_type", ""))
    if make is None:
        engine: Engine = hook.get_sqlalchemy_engine(engine_kwargs=options)
        return engine
    try:
        plain, connector = make(hook, _address(hook))
        engine = create_engine(plain, creator=lambda: _connect(conn_id, engine.dialect, connector), **options)
    except (TypeError, ValueError, ImportError) as exc:
        problem = f"{exc}"
    else:
        return engine
    # outside the except block: SQLAlchemy's frames hold the password
    raise ConfigError(f"connection {conn_id!r}: cannot be read ({problem}); check its Extra")


def _address(hook: Any) -> URL:
    from sqlalchemy import make_url

    try:
        url: URL = hook.sqlalchemy_url
    except (AttributeError, NotImplementedError):
        return make_url(hook.get_uri())
    return url


def _connect(conn_id: str, dialect: Dialect, connector: Connector) -> Any:
    driver = dialect.loaded_dbapi
    try:
        return connector(dialect)
    except (TypeError, ValueError, ImportError, RuntimeError) as exc:
        problem = f"{exc}"
    except driver.ProgrammingError as exc:
        problem = f"{exc}".partition("\n")[0]
    # outside the except block: the driver's frames hold the password
    raise ConfigError(f"connection {conn_id!r}: the driver rejected it ({problem}); check its Extra")


def _sqlite(hook: Any, url: URL) -> tuple[URL, Connector]:
    # the hook does not quote the file's name, and opens another one when it has a # or a per cent sign
    query = f"?{urlencode(dict(url.query))}" if url.query else ""
    address = f"file:{quote(url.database or '')}{query}"
    return url.set(query={}), lambda dialect: sqlite3.connect(address, uri=True, check_same_thread=False)


def _postgres(hook: Any, url: URL) -> tuple[URL, Connector]:
    from airflow.providers.postgres.hooks import postgres

    driver = "psycopg" if getattr(postgres, "USE_PSYCOPG3", False) else "psycopg2"
    if url.query:
        # what was said for SQLAlchemy's sake holds too, unless the hook is told otherwise
        hook.connection.extra = json.dumps({**url.query, **hook.connection.extra_dejson})

    def connect(dialect: Dialect) -> Any:
        raw = hook.get_conn()
        if driver == "psycopg":
            from psycopg.rows import tuple_row

            raw.row_factory = tuple_row
        else:
            raw.cursor_factory = None
        return raw

    return url.set(drivername=f"postgresql+{driver}", query={}), connect


def _mysql(hook: Any, url: URL) -> tuple[URL, Connector]:
    client = hook.connection.extra_dejson.get("client", "mysqlclient")
    plain = url.set(query={name: text for name, text in url.query.items() if name in _MYSQL_OPTIONS})

    def connect(dialect: Dialect) -> Any:
        # also the flag by which an UPDATE counts the rows it found, which the hook does not set
        _, config = dialect.create_connect_args(plain)
        make = getattr(hook, _MYSQL_CONFIGS.get(client, ""), None)
        config.update(make(hook.connection) if make else {})
        config.pop("cursorclass", None)
        # some client libraries default to latin1 or to the three-byte utf8
        return dialect.loaded_dbapi.connect(**{**config, "charset": "utf8mb4"})

    return plain, connect
