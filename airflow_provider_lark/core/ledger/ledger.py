"""The ledger of one SQL table: all state of its sync, bound to a connection."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from airflow_provider_lark.core.ledger import tables
from airflow_provider_lark.core.ledger.alarms import Alarms
from airflow_provider_lark.core.ledger.blacklist import Blacklist
from airflow_provider_lark.core.ledger.checkpoint import CheckpointStore
from airflow_provider_lark.core.ledger.conflicts import Conflicts
from airflow_provider_lark.core.ledger.dead_letters import DeadLetters
from airflow_provider_lark.core.ledger.decisions import Decisions
from airflow_provider_lark.core.ledger.deletes import HeldDeletes
from airflow_provider_lark.core.ledger.history.changes import Changes
from airflow_provider_lark.core.ledger.history.runs import Runs
from airflow_provider_lark.core.ledger.history.sync_log import SyncLog
from airflow_provider_lark.core.ledger.intents import Intents
from airflow_provider_lark.core.ledger.pairs import Pairs
from airflow_provider_lark.core.ledger.queue import Queue
from airflow_provider_lark.core.ledger.scans import ScanMarks

_KNOWLEDGE = (tables.checkpoint, tables.record_map, tables.queue, tables.intent, tables.conflict, tables.decision)


class Ledger:
    """What is known about one SQL table, inside the caller's transaction; no verb commits.

    >>> with write_transaction(engine) as conn:
    ...     ledger = Ledger(conn, "shop.orders")
    ...     ledger.queue.enqueue([Key("17")])
    ...     ledger.pairs.count()
    2978

    :param table_name: the table as its mapping names it, ``schema.table`` when a schema is given.
    """

    def __init__(self, conn: Connection, table_name: str) -> None:
        self.conn = conn
        self.table_name = table_name
        self.queue = Queue(conn, table_name)
        self.dead_letters = DeadLetters(conn, table_name)
        self.deletes = HeldDeletes(conn, table_name)
        self.pairs = Pairs(conn, table_name)
        self.checkpoint = CheckpointStore(conn, table_name)
        self.intents = Intents(conn, table_name)
        self.conflicts = Conflicts(conn, table_name)
        self.blacklist = Blacklist(conn, table_name)
        self.sync_log = SyncLog(conn, table_name)
        self.changes = Changes(conn, table_name)
        self.runs = Runs(conn, table_name)
        self.decisions = Decisions(conn, table_name)
        self.alarms = Alarms(conn, table_name)

    def scan(self, scan_id: str) -> ScanMarks:
        """Return what the scan of that name has seen."""
        return ScanMarks(self.conn, self.table_name, scan_id)

    def beside(self, table_name: str) -> Ledger:
        """Return the ledger of another table, in the same transaction."""
        return Ledger(self.conn, table_name)

    def forget(self) -> None:
        """Drop all that is known about the table; its log, its runs and its blacklist stay."""
        for each in _KNOWLEDGE:
            self.conn.execute(delete(each).where(each.c.table_name == self.table_name))

    def count_forgettable(self) -> dict[str, int]:
        """Return how many lines :meth:`forget` would drop, by table; those without any are left out."""
        counts = {
            each.name: int(
                self.conn.scalars(
                    select(func.count()).select_from(each).where(each.c.table_name == self.table_name)
                ).one()
            )
            for each in _KNOWLEDGE
        }
        return {name: count for name, count in counts.items() if count}
