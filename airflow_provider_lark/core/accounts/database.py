"""The database of accounts as one store uses it: its tables are made at the first use, each step is a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, Table

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.clock import Clock, SystemClock

T = TypeVar("T")


class AccountsDatabase:
    """What a store of accounts holds to reach its tables; safe to share between threads.

    All but *where* raises :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database
    cannot be used.

    :param table: on which the store works, for errors.
    """

    def __init__(self, engine: Engine, table: Table, *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._engine = engine
        self._table = table
        self._lock = threading.Lock()
        self._has_tables = False

    @property
    def where(self) -> str:
        """Its address, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def engine(self) -> Engine:
        """The database, with the tables of this version."""
        if not self._has_tables:
            # of threads that come at once, one looks and migrates
            with self._lock:
                if not self._has_tables:
                    upgrade(self._engine)
                    self._has_tables = True
        return self._engine

    def look(self, work: Callable[[Connection], T]) -> T:
        """Run *work*, which only reads; see :func:`.transactions.look`."""
        return look(self.engine, work, table=self._table.name, clock=self.clock)

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run *work* in a transaction of its own; see :func:`.transactions.transact`."""
        return transact(self.engine, work, table=self._table.name, clock=self.clock)
