"""What a run works with inside one transaction: the rows in SQL, and beside them what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.refusals import concerns_a_row, refusal
from airflow_provider_lark.core.database.savepoints import savepoint
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.ledger import Ledger, tables
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Key, RecordId, SqlPage, SqlRow, Values
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn
from airflow_provider_lark.core.sql_side.changed_rows import ChangedRows
from airflow_provider_lark.core.sql_side.sequences import advance
from airflow_provider_lark.core.sql_side.store import KeyCondition, SqlStore
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange, apply_changes
from airflow_provider_lark.core.sync.run.children import Child, Children, Reference
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.ledger_rights import missing_right

T = TypeVar("T")

CLAIM_SECONDS = 600
"""How long what a run has claimed is its own; it gives back what a dead one left."""


class Rows(Protocol):
    """The rows of the table as a transaction sees them; :class:`.SqlStore` is the real one."""

    def read(self, ids: Sequence[Key], *, for_update: bool = False) -> dict[Key, SqlRow]:
        """Return the rows of *ids* that exist, by id."""
        ...

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[SqlPage]:
        """Yield every row once, page by page."""
        ...

    def unpaired_page(self, is_unpaired: KeyCondition, *, after: str | None, limit: int) -> SqlPage:
        """Return up to *limit* rows without a pair, from behind the key *after*."""
        ...

    def page_after(self, after: str | None, limit: int) -> SqlPage:
        """Return up to *limit* rows from behind the key *after*."""
        ...

    def changed(self, column: ChangeColumn) -> ChangedRows:
        """Return what reads rows in the order of their last change."""
        ...

    def namesakes(self, ids: Sequence[Key]) -> dict[Key, Key]:
        """Return, of each of *ids* that the database takes for another row's key, that key."""
        ...

    def key_of(self, values: Values) -> Key | None:
        """Return the key that *values* name."""
        ...


class PutOff(NamedTuple):
    """Values that a record does not get yet, because the rows that they name have no record.

    :param record_id: empty where the record is not there yet.
    :param old: what the record is known to hold.
    :param missing: why, by column.
    """

    key: Key
    record_id: str
    old: Values
    new: Values
    missing: Mapping[str, str]


class Transaction(Ledger):
    """The ledger of the run's table and its rows, which are committed together."""

    def __init__(self, conn: Connection, binding: Binding, run_id: str) -> None:
        super().__init__(conn, binding.table_name)
        self._binding = binding
        self._run_id = run_id

    @cached_property
    def sql(self) -> Rows:
        """The SQL side."""
        return self._store

    @cached_property
    def _store(self) -> SqlStore:
        return SqlStore(self.conn, self._binding.spec, self._binding.codecs)

    @property
    def outside(self) -> Connection:
        """The session with the database itself, to read other tables and what the ledger knows of them."""
        return self.conn

    def change_children(self, child: Child, references: Sequence[Reference]) -> LarkError | None:
        """Do to rows that refer to deleted ones what their mapping wants; return why the database refuses it."""
        if child.on_delete not in ("set_null", "cascade"):
            return None
        try:
            with savepoint(self.conn):
                child.change(self.conn, references)
        except DBAPIError as exc:
            if not concerns_a_row(exc):
                raise
            return refusal(exc, child.table)
        return None

    def enqueue_children(self, children: Children, child: Child, references: Sequence[Reference]) -> None:
        """Let the run of another table look at rows that refer, or referred, to deleted ones."""
        children.enqueue(self, self.conn, child, references)

    def admit(self, decided: Sequence[T], grounds: Callable[[T], Grounds]) -> Sequence[T]:
        """Return those of the decisions that are carried out: all of them."""
        return decided

    def claim(self, *, limit_keys: int, token: str) -> list[Claim]:
        """Take keys of the queue; none means that nothing is left."""
        return self.queue.claim(limit_keys=limit_keys, token=token, lease_seconds=CLAIM_SECONDS)

    def claim_among(self, keys: Sequence[Key], *, token: str) -> list[Claim]:
        """Take those of *keys*, as many as a statement takes, that wait in the queue."""
        return self.queue.claim(limit_keys=len(keys), token=token, lease_seconds=CLAIM_SECONDS, among=keys)

    def release_held(self) -> None:
        """Let the deletes held back by the limit be carried out, since a person has allowed them."""
        self.deletes.release_all()

    def apply(self, changes: Sequence[SqlChange]) -> None:
        """Write rows, without waking the capturing triggers; a refused change carries its error."""
        apply_changes(self.conn, self._store, changes, owned=self.pairs.record_ids_of)

    def note_put_off(self, put_off: Sequence[PutOff]) -> None:
        """Be told of values that are put off, and will be sent by a later run: the queue keeps them."""

    def note_unsettled(self, left: Sequence[tuple[RecordId, Key | None]]) -> None:
        """Be told of records, with the keys of their pairs, that are left for now: the checkpoint keeps them."""

    def note_left(self, keys: Sequence[Key]) -> None:
        """Be told of rows whose records are left for now, and which wait for them: the queue keeps them."""

    def advance(self, given: Mapping[str, list[int]]) -> list[str]:
        """Let the database go on numbering behind the numbers that new rows brought along; return warnings."""
        return advance(self.conn, self._binding.spec.table, given)

    def log(self, lines: Sequence[LogLine]) -> None:
        """Write *lines* to ``sync_log``, in the name of the run."""
        self.sync_log.write(self._run_id, lines)

    def note_changes(self, changes: Sequence[RowChange]) -> None:
        """Keep what was written, with the values before, in the name of the run."""
        if self._binding.mapping.history != "full":
            return
        try:
            self.changes.write(self._run_id, changes)
        except DBAPIError as exc:
            # of a ledger that somebody else has upgraded; it is no fault of the rows
            if (error := missing_right(tables.change.name, exc)) is None:
                raise
            raise error from exc
