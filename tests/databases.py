"""Real databases for the tests: SQLite in a file, PostgreSQL and MariaDB or MySQL in a database of their own.

A conftest takes the fixtures it needs from here. ``LARK_TEST_POSTGRES_URL`` and ``LARK_TEST_MYSQL_URL`` say where the
servers are (SQLAlchemy URLs; their database is only connected to). A server that is missing skips its tests, loudly;
under ``CI=true`` it fails them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import URL, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.ledger import migrate, tables

# only a power cut would lose what the disk has not seen yet, a killed process does not
HASTE = {
    "sqlite": "PRAGMA synchronous = OFF",
    "postgresql": "ALTER DATABASE {name} SET synchronous_commit = off",
}
KINDS = ("sqlite", "postgresql", "mysql")
SERVERS = {
    "postgresql": ("LARK_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"),
    "mysql": ("LARK_TEST_MYSQL_URL", "mysql+mysqldb://root@127.0.0.1:3306?charset=utf8mb4"),
}

# MySQL has it for the whole server only, so that it is set back at the end
_FLUSH = "innodb_flush_log_at_trx_commit"
_SLOW_FLUSH = pytest.StashKey[int]()

EngineOf = Callable[[str], Engine]

_POOLED: list[Engine] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let MySQL trust the operating system while the tests run."""
    if hasattr(session.config, "workerinput"):
        return
    with suppress(OperationalError, ImportError), _server("mysql").connect() as conn:
        session.config.stash[_SLOW_FLUSH] = conn.scalar(text(f"SELECT @@GLOBAL.{_FLUSH}")) or 0
        conn.execute(text(f"SET GLOBAL {_FLUSH} = 2"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _SLOW_FLUSH in session.config.stash:
        with suppress(OperationalError), _server("mysql").connect() as conn:
            conn.execute(text(f"SET GLOBAL {_FLUSH} = {session.config.stash[_SLOW_FLUSH]:d}"))


@pytest.fixture(autouse=True)
def _keep_no_connection() -> Iterator[None]:
    """Leave none open after a test: databases stay until the run ends, and a server takes a hundred connections."""
    yield
    for engine in _POOLED:
        if engine.pool.checkedin():
            engine.dispose()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineOf]:
    """Give the engine of a new, empty database of the kind that is asked for."""
    with databases(tmp_path_factory.mktemp("sqlite")) as make:
        yield make


@contextmanager
def databases(directory: Path) -> Iterator[EngineOf]:
    """Give what makes new, empty databases, which all are dropped afterwards; SQLite's lie in *directory*."""
    with ExitStack() as stack:
        run, numbers = secrets.token_hex(2), iter(range(1_000_000))

        def make(kind: str) -> Engine:
            name = f"lark_test_{os.getpid()}_{run}_{next(numbers)}"
            if kind == "sqlite":
                url = make_url(f"sqlite:///{directory / f'{name}.db'}")
            else:
                try:
                    url = stack.enter_context(server_database(kind, name))
                except OperationalError as exc:
                    _give_up(kind, exc)
            engine = hurry(create_engine(url, pool_size=8))
            _POOLED.append(engine)
            stack.callback(engine.dispose)
            return engine

        yield make


@pytest.fixture(scope="session")
def ledger_database(new_database: EngineOf) -> EngineOf:
    """Give the one engine of a kind whose database has the ledger."""
    engines: dict[str, Engine] = {}

    def give(kind: str) -> Engine:
        if kind not in engines:
            engine = new_database(kind)
            migrate.upgrade(engine)
            engines[kind] = engine
        return engines[kind]

    return give


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, ledger_database: EngineOf) -> Iterator[Engine]:
    """Give an engine of each kind, whose database has an empty ledger and nothing else."""
    found = ledger_database(request.param)
    yield found
    _empty(found)
    # PostgreSQL's prepared statements do not outlive that a table of the same name has other types
    found.dispose()


def open_sqlite(path: Path) -> Engine:
    """Return an engine on a SQLite file that leaves no connection open, which Python 3.13 would report."""
    return hurry(create_engine(f"sqlite:///{path}", poolclass=NullPool))


def hurry(engine: Engine) -> Engine:
    """Let SQLite trust the operating system."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute(HASTE["sqlite"]))
    return engine


def _empty(engine: Engine) -> None:
    keep = {*tables.metadata.tables, migrate.VERSION_TABLE}
    mark = '"' if engine.dialect.name != "mysql" else "`"
    with engine.begin() as conn:
        if engine.dialect.name == "mysql":
            # tables go in any order, also those that others refer to
            conn.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
        names = inspect(conn).get_table_names()
        cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
        for name in set(names) - keep:
            drop = f"DROP TABLE IF EXISTS {mark}{name.replace(mark, mark * 2)}{mark}{cascade}"
            # as it is written: names may hold per cent signs and colons
            conn.exec_driver_sql(drop, execution_options={"no_parameters": True})
        for name in set(names) & set(tables.metadata.tables):
            conn.execute(text(f"DELETE FROM {name}"))
        if engine.dialect.name == "mysql":
            conn.execute(text("SET FOREIGN_KEY_CHECKS = 1"))


def _server(kind: str) -> Engine:
    variable, default = SERVERS[kind]
    return create_engine(os.environ.get(variable, default), isolation_level="AUTOCOMMIT", poolclass=NullPool)


@contextmanager
def server_database(kind: str, name: str) -> Iterator[URL]:
    """Give the address of a new database on the server of a kind, and drop it afterwards.

    :raises OperationalError: there is no server.
    """
    server = _server(kind)
    url = server.url
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
        if kind in HASTE:
            conn.execute(text(HASTE[kind].format(name=name)))
    try:
        yield url.set(database=name)
    finally:
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        with server.connect() as conn:
            conn.execute(text(f"DROP DATABASE IF EXISTS {name}{force}"))


def _give_up(kind: str, exc: OperationalError) -> NoReturn:
    reason = f"NOT TESTED on {kind}: no server; start one, or set {SERVERS[kind][0]} ({exc.orig})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
