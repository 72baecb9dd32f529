"""From a mapping to the database that it is in, and to its ledger."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Failures:
    """The mappings of a command that fail: one does not keep the others from their turn, and all are told at the end.

    :param wanted: how many mappings the command has; the error of the only one is the command's own.
    """

    wanted: int
    errors: dict[str, Exception] = field(default_factory=dict)

    @contextmanager
    def of(self, mapping: TableMapping) -> Iterator[None]:
        """Keep the error in which the block for *mapping* ends."""
        try:
            yield
        except (LarkError, SQLAlchemyError) as exc:
            if self.wanted == 1:
                raise
            self.errors.setdefault(mapping.name, exc)

    def show(self) -> None:
        """Print the errors."""
        for name, error in self.errors.items():
            print(shown(f"{name}: {explain(error)}"), file=sys.stderr)

    def end(self) -> None:
        """Print the errors, after what was found.

        :raises SystemExit: with status 1, if there are any.
        """
        self.show()
        if self.errors:
            raise SystemExit(1)

    def end_if_all(self) -> None:
        """Do so at once where every mapping has failed, and nothing is to be printed of any."""
        if len(self.errors) == self.wanted:
            self.end()


@dataclass(frozen=True, slots=True)
class FromLedgers(Generic[T]):
    """What the ledgers of several mappings hold, and those that could not be read."""

    found: list[T]
    failures: Failures

    def tell_errors(self) -> None:
        """Print the errors, after what was found; see :meth:`Failures.end`."""
        self.failures.end()


def read_ledgers(args: Namespace, look: Callable[[TableMapping, Ledger], Iterable[T]]) -> FromLedgers[T]:
    """Read the ledger of each wanted mapping; one that cannot be read does not hide the others.

    :raises SystemExit: none can be read, and the errors are printed; the error itself where one is wanted.
    """
    found: list[T] = []
    mappings = wanted_mappings(args)
    failures = Failures(len(mappings))
    for mapping in mappings:
        with failures.of(mapping), read_ledger(mapping, args) as ledger:
            found += look(mapping, ledger)
    failures.end_if_all()
    return FromLedgers(found, failures)


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
