"""What every dialect's capture is made of: named triggers, told apart by a fingerprint of their definition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from sqlalchemy import Connection

from airflow_provider_lark.core.database.quoting import literal, quote
from airflow_provider_lark.core.sql_side.keys import key_sql
from airflow_provider_lark.core.sql_side.reflection import TableSpec

PREFIX = "lark_sync_"
_OURS = re.compile(rf"{PREFIX}\w*_[0-9a-f]{{10}}_(?:ins|upd|key|del)")
#: MySQL's limit is 64 characters and PostgreSQL's 63 bytes; the rest of a name takes 26
_SLUG_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Capture:
    """The triggers of one table.

    :param name: the stem of all names; it holds the fingerprint, so another definition has other names.
    :param triggers: the statement that creates each, by trigger name.
    :param before: statements that have to run first.
    """

    name: str
    triggers: Mapping[str, str]
    before: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Definers:
    """In whose name our triggers on a table run, where that is not the user of the session.

    :param others: the users, as the database writes them.
    :param gone: those of *others* that do not exist any more, so that every write to the table fails.
    :param is_sure: whether this user may see who exists.
    """

    others: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    is_sure: bool = True


class CaptureDialect(Protocol):
    """How one database captures changes."""

    def plan(self, conn: Connection, table: TableSpec, watched: Sequence[str]) -> Capture:
        """Return what ought to be installed."""
        ...

    def installed(self, conn: Connection, table: TableSpec) -> set[str]:
        """Return the names of our triggers on the table that work."""
        ...

    def create(self, conn: Connection, table: TableSpec, capture: Capture) -> None:
        """Install *capture* in the place of whatever is there, missing no change meanwhile."""
        ...

    def drop(self, conn: Connection, table: TableSpec) -> None:
        """Remove all our triggers from the table."""
        ...


def name_of(table: TableSpec, definition: Sequence[str]) -> str:
    """Return the stem of the names for triggers with this *definition* on this table."""
    slug = re.sub(r"\W+", "_", table.name, flags=re.ASCII)[:_SLUG_LENGTH].strip("_").lower()
    text = "\n".join((table.table_name, *definition))
    return f"{PREFIX}{slug}_{blake2b(text.encode(), digest_size=5).hexdigest()}"


def is_ours(name: str) -> bool:
    """Tell whether a trigger of that *name* is one of ours, of whatever version; others' may begin alike."""
    return _OURS.fullmatch(name) is not None


def mark_of(table: TableSpec) -> int:
    """Return the number under which the triggers of this table, and of no other, are muted."""
    return int.from_bytes(blake2b(table.table_name.encode(), digest_size=7).digest())


def entry_sql(conn: Connection, table: TableSpec, queue: str, row: str, operation: str) -> str:
    """Return the INSERT into the table *queue* of an *operation* on *row*, which is ``OLD`` or ``NEW``.

    It ends in a SELECT, so that a condition may follow.
    """
    name, key = literal(conn.dialect, table.table_name), key_sql(conn.dialect, table.key, row)
    return f"INSERT INTO {queue} (table_name, record_id, operation) SELECT {name}, {key}, '{operation}'"


def has_key(conn: Connection, table: TableSpec, row: str) -> list[str]:
    """Return conditions under which *row* has a key; a row without one cannot be told from others."""
    return [f"{row}.{quote(conn.dialect, column.name)} IS NOT NULL" for column in table.key if column.nullable]


def run(conn: Connection, statement: str) -> None:
    """Run a statement as it is written: names may hold per cent signs and colons."""
    conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
