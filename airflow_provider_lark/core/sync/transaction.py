"""What a run works with inside one transaction: the rows in SQL, and beside them what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from sqlalchemy import Connection

from airflow_provider_lark.core.stores.ledger import Ledger
from airflow_provider_lark.core.stores.ledger.journal import LogLine
from airflow_provider_lark.core.stores.sql import SqlStore
from airflow_provider_lark.core.sync.bound import Binding


class Transaction(Ledger):
    """The ledger of the run's table and its rows, which are committed together."""

    def __init__(self, conn: Connection, binding: Binding, run_id: str) -> None:
        super().__init__(conn, binding.table_name)
        self._binding = binding
        self._run_id = run_id

    @cached_property
    def sql(self) -> SqlStore:
        """The SQL side."""
        return SqlStore(self.conn, self._binding.spec, self._binding.codecs)

    def log(self, lines: Sequence[LogLine]) -> None:
        """Write *lines* to ``sync_log``, in the name of the run."""
        self.journal.write(self._run_id, lines)
