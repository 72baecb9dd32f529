"""What the provider's database sessions rely on, set in each of them and set back where the application shares it.

Servers, roles and connections come with settings of their own: a MySQL that cuts what does not fit, a PostgreSQL that
writes German dates or hides rows, a pooler that hands every transaction another connection. :mod:`.connections` opens
every session and puts one of these on it.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

#: kept as they are: SQLAlchemy has looked at ANSI_QUOTES; the others of the user's own make rules stricter.
#: taken away: what changes the meaning of our statements, or of what a trigger of ours reads
_BENDING_MODES = frozenset(
    {"EMPTY_STRING_IS_NULL", "HIGH_NOT_PRECEDENCE", "NO_BACKSLASH_ESCAPES", "ORACLE", "PAD_CHAR_TO_FULL_LENGTH"}
)
#: a value that does not fit is an error, also in a table without transactions; a key 0 is 0, not the next number
_NEEDED_MODES = ("STRICT_ALL_TABLES", "NO_AUTO_VALUE_ON_ZERO")
_ALL_ROWS = 2**64 - 1


class Session(Protocol):
    """The settings of one session."""

    def open(self, conn: Connection) -> None:
        """Set what has to be set before a transaction begins."""
        ...

    def begin(self, conn: Connection) -> None:
        """Set what holds for a transaction; called as each one begins."""
        ...

    def close(self, conn: Connection) -> None:
        """Set back what was there before; the transaction has ended."""
        ...


def session_of(conn: Connection, lock_seconds: float, *, is_exact: bool) -> Session:
    """Return the settings for *conn*.

    :param lock_seconds: the longest wait for a lock.
    :param is_exact: shorten a longer patience that SQLite's connection came with.
    """
    if conn.dialect.name == "sqlite":
        return _SqliteSession(lock_seconds, is_exact=is_exact)
    if conn.dialect.name == "postgresql":
        return _PostgresSession(lock_seconds)
    if conn.dialect.name in ("mysql", "mariadb"):
        return _MysqlSession(lock_seconds)
    return _PlainSession()


class _PlainSession:
    def open(self, conn: Connection) -> None:
        pass

    def begin(self, conn: Connection) -> None:
        pass

    def close(self, conn: Connection) -> None:
        pass


class _PostgresSession:
    """Settings of the transaction: PgBouncer gives the next one to another connection, which must not keep them."""

    def __init__(self, lock_seconds: float) -> None:
        settings = {
            "client_encoding": "UTF8",
            "standard_conforming_strings": "on",
            # the style only; in which order a user's own text has day and month stays as it is
            "DateStyle": "ISO",
            "IntervalStyle": "postgres",
            # floats with all their digits; a role may have asked for fewer
            "extra_float_digits": "3",
            # types by the names that SQLAlchemy knows
            "quote_all_identifiers": "off",
            # rows that a policy hides are an error: unseen, they would count as deleted
            "row_security": "off",
            "lock_timeout": str(max(1, ceil(lock_seconds * 1000))),
        }
        calls = ", ".join(f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in settings.items())
        self._statement = f"SELECT {calls}"
        self._raw: Any = None
        self._threshold: Any = None

    def open(self, conn: Connection) -> None:
        # no other isolation, and no session that commits each statement by itself: the settings would be gone
        conn.execution_options(isolation_level="READ COMMITTED")
        self._raw = conn.connection.dbapi_connection
        if hasattr(self._raw, "prepare_threshold"):
            # behind PgBouncer a statement that one connection has prepared is in the way on another
            self._threshold, self._raw.prepare_threshold = self._raw.prepare_threshold, None
        elif getattr(self._raw, "encoding", "UTF8") != "UTF8":
            # psycopg2 looks at the encoding when it connects, and not again
            self._raw.set_client_encoding("UTF8")

    def begin(self, conn: Connection) -> None:
        conn.exec_driver_sql(self._statement)

    def close(self, conn: Connection) -> None:
        if hasattr(self._raw, "prepare_threshold"):
            self._raw.prepare_threshold = self._threshold


class _MysqlSession:
    """Settings of the session, read and set as its first transaction begins."""

    def __init__(self, lock_seconds: float) -> None:
        self._lock_seconds = max(1, ceil(lock_seconds))
        self._before: dict[str, Any] | None = None
        self._charset: str | None = None

    def open(self, conn: Connection) -> None:
        raw: Any = conn.connection.dbapi_connection
        found = getattr(raw, "character_set_name", None)
        charset = found() if callable(found) else getattr(raw, "charset", None)
        if charset not in ("utf8mb4", None) and hasattr(raw, "set_character_set"):
            # another one has no place for what people write
            self._charset = charset
            raw.set_character_set("utf8mb4")
        if _commits_by_itself(raw):
            conn.execution_options(isolation_level="READ COMMITTED")

    def begin(self, conn: Connection) -> None:
        if self._before is not None:
            return
        wanted = self._wanted(conn)
        columns = ", ".join(f"@@SESSION.{name}" for name in wanted)
        found = dict(zip(wanted, conn.exec_driver_sql(f"SELECT {columns}").one(), strict=True))
        wanted["sql_mode"] = _tidy_modes(found["sql_mode"])
        different = {name: value for name, value in wanted.items() if str(found[name]) != str(value)}
        _set(conn, different)
        self._before = {name: found[name] for name in different}

    def close(self, conn: Connection) -> None:
        if isinstance(conn.engine.pool, NullPool):
            return
        if self._before:
            _set(conn, self._before)
            conn.rollback()
        if self._charset is not None:
            raw: Any = conn.connection.dbapi_connection
            raw.set_character_set(self._charset)

    def _wanted(self, conn: Connection) -> dict[str, Any]:
        is_mariadb = "mariadb" in _server_of(conn.connection.dbapi_connection).lower()
        wanted = {
            "sql_mode": "",
            # MySQL's default would lock gaps in the queue; SERIALIZABLE would lock all that is read
            "tx_isolation" if is_mariadb else "transaction_isolation": "READ-COMMITTED",
            "innodb_lock_wait_timeout": self._lock_seconds,
            "lock_wait_timeout": self._lock_seconds,
            # `id IS NULL` would find the row that was inserted last
            "sql_auto_is_null": 0,
            "sql_safe_updates": 0,
            # fewer would look as if the others had been deleted
            "sql_select_limit": _ALL_ROWS,
            "sql_big_selects": 1,
            "foreign_key_checks": 1,
            "unique_checks": 1,
        }
        return wanted | ({"check_constraint_checks": 1} if is_mariadb else {})


def _commits_by_itself(raw: Any) -> bool:
    ask = getattr(raw, "get_autocommit", None)
    return bool(ask() if callable(ask) else getattr(raw, "autocommit", False))


def _server_of(raw: Any) -> str:
    # mysql-connector has it as an attribute, the others as a method
    told = getattr(raw, "server_info", None)
    return str(raw.get_server_info() if told is None else told)


def _tidy_modes(found: str) -> str:
    kept = [mode for mode in found.split(",") if mode and mode not in _BENDING_MODES]
    return ",".join([*kept, *(mode for mode in _NEEDED_MODES if mode not in kept)])


def _set(conn: Connection, values: dict[str, Any]) -> None:
    if values:
        parts = (
            f"{name} = '{value}'" if isinstance(value, str) else f"{name} = {value}" for name, value in values.items()
        )
        conn.exec_driver_sql(f"SET SESSION {', '.join(parts)}", execution_options={"no_parameters": True})


class _SqliteSession:
    """Settings of the connection. They are no part of a transaction, so they are set before one begins."""

    def __init__(self, lock_seconds: float, *, is_exact: bool) -> None:
        self._busy_ms = max(1, ceil(lock_seconds * 1000))
        self._is_exact = is_exact
        self._raw: Any = None
        self._before: dict[str, int] = {}

    def open(self, conn: Connection) -> None:
        self._raw = conn.connection.dbapi_connection
        busy_ms = self._ask("busy_timeout")
        if busy_ms < self._busy_ms or (self._is_exact and busy_ms != self._busy_ms):
            self._before["busy_timeout"] = busy_ms
            self._raw.execute(f"PRAGMA busy_timeout = {self._busy_ms:d}")
        if not self._ask("foreign_keys"):
            # what the other databases do by themselves: a row that refers to nothing is refused
            self._before["foreign_keys"] = 0
            self._raw.execute("PRAGMA foreign_keys = 1")

    def begin(self, conn: Connection) -> None:
        pass

    def close(self, conn: Connection) -> None:
        if not isinstance(conn.engine.pool, NullPool):
            for name, value in self._before.items():
                self._raw.execute(f"PRAGMA {name} = {value:d}")

    def _ask(self, name: str) -> int:
        return int(self._raw.execute(f"PRAGMA {name}").fetchone()[0])
