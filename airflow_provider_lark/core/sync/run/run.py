"""One run of one mapping: the two sides, the ledger and the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.bisect import Luck
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.conditions.matching import Truth
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.database.error_codes import is_transient, was_cut
from airflow_provider_lark.core.database.refusals import concerns_a_row
from airflow_provider_lark.core.database.retries import retry_transaction
from airflow_provider_lark.core.errors import TransactionLost, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.ledger.checkpoint import BatchLimit
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Side, SqlRow, Values
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.binding.links import Links
from airflow_provider_lark.core.sync.decide import PullDecision, decide_pull
from airflow_provider_lark.core.sync.mapping.targets import Leaving
from airflow_provider_lark.core.sync.newest import UNKNOWN, Times
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.run.batch_rows import BatchRows
from airflow_provider_lark.core.sync.run.children import Children
from airflow_provider_lark.core.sync.run.guard import Guard
from airflow_provider_lark.core.sync.run.own_ids import own_ids
from airflow_provider_lark.core.sync.run.settling import Settling
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.users import Users
from airflow_provider_lark.core.sync.verdicts import Verdicts

log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

FIRST_WAIT_SECONDS = 0.1

_TELLING = frozenset({"text", "number", "boolean", "instant", "date", "time", "uuid", "json", "names", "url"})


@dataclass(slots=True)
class Run:
    """What a run works with.

    :param token: marks the queue entries that this run has claimed.
    :param database_offset_ms: the database's clock minus ours.
    :param refused: the records that could not be ingested so far, with what was told of them, by name.
    :param allow_mass_deletes: a person has looked, and lets this run delete without a limit.
    :param new_token: makes a client_token (a UUIDv4) for each create that is sent.
    :param shares_base: whether other mappings write to the base; None as long as none was seen, False: never look.
    :param luck: what this run's writes to Lark have landed; by that a bad row is told from an outage.
    :param verdicts: what people decided elsewhere than in ``sync_conflict``.
    :param restored: that the ledger is older than Lark, as a person reads it; empty where it is not, None until a row
        is to be deleted.
    :param sql_is_old: a person says that the SQL table comes from a backup: what Lark holds is newer.
    :param batch_limit: how few records the tenant took in a write call before.
    :param view_scan: under which the records of the mapping's view are marked; empty where it names none.
    :param leavers: records that have left the filter, while their table is being read; None where none is.
    :param scope_changed: the mapping's filters are not those of the last complete scan; what they put out is kept.
    :param settling: which records are left alone, because somebody may still be typing in them.
    :param leaves_some: something that was met is left to another run, which has to meet it again.
    """

    client: LarkClient
    engine: Engine
    binding: Binding
    clock: Clock
    run_id: str
    token: str
    new_token: Callable[[], str]
    report: SyncReport
    keep_lease: Callable[[Connection], None]
    users: Users
    allow_mass_deletes: bool = False
    database_offset_ms: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    guard: Guard = field(init=False)
    shares_base: bool | None = None
    luck: Luck = field(default_factory=Luck)
    leaves_some: bool = False
    restored: str | None = None
    sql_is_old: bool = False
    scope_changed: bool = False
    leavers: dict[RecordId, None] | None = None
    view_scan: str = ""
    verdicts: Verdicts = field(default_factory=Verdicts)
    batch_limit: BatchLimit | None = None
    batch: BatchRows = field(init=False)
    lark: BitableStore = field(init=False)
    telling: frozenset[str] = field(init=False)
    _own_ids: frozenset[str] | None = field(init=False, default=None)
    links: Links = field(init=False)
    children: Children = field(init=False)
    unread: set[str] = field(default_factory=set)
    settling: Settling = field(default_factory=Settling)

    def __post_init__(self) -> None:
        binding = self.binding
        self.batch = BatchRows(binding.mapping.batch_size, self.batch_limit, int(self.clock.now() * 1000))
        self.links = binding.links
        self.children = Children(binding.table_name)
        self.guard = Guard(
            binding.mapping,
            self.report,
            self.count_pairs,
            allowed=self.allow_mass_deletes,
        )
        if self.sql_is_old:
            self.guard.stopped |= {"sql", "lark"}
        # an answer shows these as a read does, or as they were sent
        self.telling = frozenset(
            pair.column.name for pair in binding.pairs if pair.codec.kind in _TELLING and not pair.by_email
        )
        self.lark = BitableStore(
            LarkTable(self.client, binding.app_token, binding.table_id),
            binding.fields,
            {pair.column.name: pair.codec for pair in binding.pairs},
            belongs=binding.belongs,
            forgiven=binding.forgiven,
        )

    def note_unread(self, rows: Iterable[LarkRow]) -> None:
        """Warn of cells that cannot be read and count as empty, once for each column."""
        for row in rows:
            for column, error in row.unread.items():
                if column not in self.unread:
                    self.unread.add(column)
                    self.report.warnings.append(
                        f"{error.message}; it is treated as empty, and other cells of the field may be as well"
                    )

    def own_ids(self) -> frozenset[str]:
        """Return the ids under which Lark shows who wrote what this client writes; asked for once, where it matters."""
        if self._own_ids is None:
            self._own_ids = own_ids(self.client)
        return self._own_ids

    def look_up_users(self, rows: Iterable[Values]) -> None:
        """Find out about the persons of *rows*, which are written next."""
        columns = self.binding.email_columns
        if columns:
            self.users.look_up(rows, columns)

    def read(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work*, which only reads, in one transaction; one that the database undid is run again from the start.

        Nobody waits for it, and it does not prove that the lease is still ours: whatever follows from what was read
        is written with :meth:`transact` before Lark is told of it, and that does.
        """

        def look() -> T:
            with open_session(self.engine) as conn:
                return work(self._on(conn), *args, **kwargs)

        return self._retry(look, lambda exc: _may_repeat(exc, commits=False))

    def transact(self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* in one write transaction; one that the database undid is run again from the start.

        *work* gets the transaction: the rows and the ledger of the table. What it learns it must keep to itself until
        it returns: a repeated attempt starts anew.
        """
        commits = False

        def write() -> T:
            nonlocal commits
            commits = False
            with write_transaction(self.engine) as conn:
                result = work(self._on(conn), *args, **kwargs)
                # last: work may wait for a lock of others, and nobody should wait for the lease meanwhile
                self.keep_lease(conn)
                commits = True
            return result

        return self._retry(write, lambda exc: _may_repeat(exc, commits=commits))

    def look_before_writing(self, records: Mapping[RecordId, Key]) -> Collection[RecordId]:
        """Return those of *records*, given with their keys, that may be written to: all, and nobody looks."""
        return records

    def decide(
        self,
        *,
        base: Values | None,
        lark: Values | None,
        sql: Values | None,
        times: Times = UNKNOWN,
        resolution: Side | None = None,
        near: Values | None = None,
    ) -> PullDecision:
        """Decide about one row of which Lark's side was just read, by the mapping's rules: :func:`.decide_pull`."""
        return decide_pull(
            self.binding.rules, base=base, lark=lark, sql=sql, times=times, resolution=resolution, near=near
        )

    def count_pairs(self) -> int:
        """Return the number of live pairs."""
        return self.read(lambda tx: tx.pairs.count())

    def _on(self, conn: Connection) -> Transaction:
        return Transaction(conn, self.binding, self.run_id)

    def _retry(self, work: Callable[[], T], may_repeat: Callable[[BaseException], bool]) -> T:
        return retry_transaction(
            work,
            may_repeat=may_repeat,
            first_wait_seconds=FIRST_WAIT_SECONDS,
            subject=self.binding.table_name,
            clock=self.clock,
        )

    def is_deleted(self, row: SqlRow | None) -> bool:
        """Tell whether *row* counts as deleted: it does not exist, or its soft-delete column is set."""
        deletes = self.binding.mapping.deletes
        return row is None or (deletes.mode == "soft" and bool(row.values.get(deletes.column)))

    def judge(self, rows: Sequence[LarkRow]) -> list[LarkRow]:
        """Return *rows* with what the mapping's view says of them."""
        if not self.view_scan:
            return list(rows)
        hidden = set(self.read(lambda tx: tx.scan(self.view_scan).unmarked("view", [row.id for row in rows])))
        return [replace(row, outside=True) if row.id in hidden else row for row in rows]

    @property
    def leaving(self) -> Leaving:
        """What becomes of the other side of a row that leaves its filter, in this run."""
        return "keep" if self.scope_changed else self.binding.mapping.leaving

    @property
    def changes_may_delete(self) -> bool:
        """Whether a row that still exists may count as deleted, by a column of it."""
        by_filter = self.binding.spec.filter is not None and self.leaving == "delete"
        return self.binding.mapping.deletes.mode == "soft" or by_filter

    def counts_as_gone(self, row: SqlRow | None) -> bool:
        """Tell whether the record of *row* is deleted: the row is, or has left the filter and the mapping says so."""
        return row is None or self.is_deleted(row) or (self.leaving == "delete" and row.outside)

    def row_would_belong(self, values: Values) -> Truth:
        """Tell whether a row of these canonical values would be inside SQL's filter."""
        return self.binding.row_would_belong(values)

    def record_would_belong(self, values: Values) -> Truth:
        """Tell whether a record of these canonical values would be inside Lark's filter."""
        belongs = self.binding.belongs
        try:
            told = True if belongs is None else belongs.foresee(self.lark.encode_patch(values))
        except ValueMismatch:
            return None
        # what a view shows, only Lark knows
        return None if told and self.binding.mapping.lark.view else told

    def soft_mark(self) -> Canonical:
        """Return what a soft delete writes: the moment, or a flag."""
        return int(self.clock.now() * 1000) if self.binding.soft_is_time else True

    def on_larks_clock(self, database_ms: int) -> int:
        """Translate a moment on the database's clock to Lark's, to within a second."""
        return database_ms - self.database_offset_ms + (self.client.server_offset_ms or 0)


def _may_repeat(exc: BaseException, *, commits: bool) -> bool:
    """Tell whether the same transaction was undone, and may succeed when it is run again.

    :param commits: the error came from the commit; after a lost connection nobody knows what became of that.
    """
    if isinstance(exc, TransactionLost):
        return not concerns_a_row(exc)
    return is_transient(exc) or (was_cut(exc) and not commits)
