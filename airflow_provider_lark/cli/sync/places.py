"""From a mapping to the database that it is in, and to its ledger."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.cli.command import explain
from airflow_provider_lark.cli.mappings import wanted_mappings
from airflow_provider_lark.cli.output import shown
from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.hooks import ledgers
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.figures.sync import sync_figures
from airflow_provider_lark.hooks.lark import LarkHook

T = TypeVar("T")


def conn_id_of(mapping: TableMapping, args: Namespace) -> str:
    """Return the connection of a mapping's database.

    :raises ConfigError: nothing names one.
    """
    given: str | None = args.sql_conn_id
    return given or ledgers.conn_id_of(mapping, advice="give --sql-conn-id, or set sql.conn_id in the mapping")


@contextmanager
def opened_sync(client: LarkClient, hook: LarkHook, mapping: TableMapping, args: Namespace) -> Iterator[SyncEngine]:
    """Give the engine of a mapping."""
    with opened_engine(conn_id_of(mapping, args)) as database:
        engine = SyncEngine(client, database, mapping.with_bases(hook.bases))
        engine.observer = sync_figures()
        yield engine


@contextmanager
def read_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping, to read; see :func:`.ledgers.read_ledger`."""
    with ledgers.read_ledger(mapping, conn_id_of(mapping, args)) as ledger:
        yield ledger


@dataclass(frozen=True, slots=True)
class FromLedgers(Generic[T]):
    """What the ledgers of several mappings hold, and those that could not be read."""

    found: list[T]
    errors: Mapping[str, Exception]

    def tell_errors(self) -> None:
        """Print the errors, after what was found.

        :raises SystemExit: with status 1, if there are any.
        """
        for name, error in self.errors.items():
            print(shown(f"{name}: {explain(error)}"), file=sys.stderr)
        if self.errors:
            raise SystemExit(1)


def read_ledgers(args: Namespace, look: Callable[[TableMapping, Ledger], Iterable[T]]) -> FromLedgers[T]:
    """Read the ledger of each wanted mapping; one that cannot be read does not hide the others.

    :raises SystemExit: none can be read, and the errors are printed; the error itself where one is wanted.
    """
    found: list[T] = []
    errors: dict[str, Exception] = {}
    mappings = wanted_mappings(args)
    for mapping in mappings:
        try:
            with read_ledger(mapping, args) as ledger:
                found += look(mapping, ledger)
        except (LarkError, SQLAlchemyError) as exc:
            if len(mappings) == 1:
                raise
            errors[mapping.name] = exc
    read = FromLedgers(found, errors)
    if len(errors) == len(mappings):
        read.tell_errors()
    return read


@contextmanager
def write_ledger(mapping: TableMapping, args: Namespace) -> Iterator[Ledger]:
    """Give the ledger of a mapping in a transaction that is committed at the end."""
    with ledgers.write_ledger(mapping, conn_id_of(mapping, args)) as ledger:
        yield ledger


def require_ledger(database: Engine, mapping: TableMapping) -> None:
    """Refuse a database whose ledger is missing, or of another version.

    :raises SchemaMismatch: which, and what to do.
    """
    with open_session(database) as conn:
        ledgers.ledger_of(mapping, conn)
