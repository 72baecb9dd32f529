"""Opening a run of a mapping: its tables are bound, the lease is taken, and what is done is measured and recorded."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection, Engine

from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import with_lock_seconds
from airflow_provider_lark.core.process_names import process_name
from airflow_provider_lark.core.sync.binding import setup
from airflow_provider_lark.core.sync.figures import SyncObserver, observed
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import Report, SetupReport, SyncReport
from airflow_provider_lark.core.sync.run.lease import hold_table
from airflow_provider_lark.core.sync.run.recorded import recorded
from airflow_provider_lark.core.sync.run.recording import Recording
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.users import Users
from airflow_provider_lark.core.sync.verdicts import Verdicts


class RunOpener:
    """What opens the runs of one mapping; :class:`.SyncEngine` says what they do.

    :param sql_engine: of the database that holds the business table; the ledger lives beside it.
    :param run_id: names the run in ``sync_log`` and ``sync_run``.
    :param lease_wait_seconds: how long to wait for another worker on the same table.
    :param new_token: makes UUIDv4 texts.
    :param directory: finds persons for ``users: email``; by default one whose cache lies beside the ledger.
    """

    def __init__(
        self,
        client: LarkClient,
        sql_engine: Engine,
        mapping: TableMapping,
        *,
        clock: Clock | None = None,
        run_id: str | None = None,
        lease_wait_seconds: float = 60.0,
        new_token: Callable[[], str] = lambda: str(uuid.uuid4()),
        directory: UserDirectory | None = None,
    ) -> None:
        self.client = client
        self.sql_engine = with_lock_seconds(sql_engine, mapping.lock_wait_seconds)
        self.mapping = mapping
        self.clock = clock or SystemClock()
        self.new_token = new_token
        self.run_id = run_id or f"{socket.gethostname()}:{new_token()}"
        self.lease_wait_seconds = lease_wait_seconds
        self._users = Users(client, sql_engine, directory)
        self._ready: setup.Ready | None = None
        self.table: tuple[str, str] | None = None
        """app_token and table_id of the Bitable table, once they are known."""
        self.progress: Report | None = None
        """The report of what the engine is doing, or did last; another thread may watch its counts grow."""
        self.verdicts = Verdicts()
        """What people decided elsewhere; a run carries it out, and notes what became of it."""
        self.tells_idle_runs = True
        """Whether the log has a line for a run that met nothing to do; one every few seconds would bury the others."""
        self.observer: SyncObserver | None = None  # told of each run, and of the end

    @contextmanager
    def running(self, report: SyncReport, *, allow_mass_deletes: bool = False) -> Iterator[Run]:
        """Give what a run works with, for a run of another kind: under the lease, with a line in ``sync_run``."""
        with self._measured(report), self._run(report, allow_mass_deletes) as run:
            yield run

    @contextmanager
    def _measured(self, report: Report, forecast: Callable[[], str] | None = None) -> Iterator[None]:
        self.progress = report
        is_run = forecast is None and not isinstance(report, SetupReport)
        self._recording = Recording(report, self.client, self.clock, self.run_id, is_run)
        with observed(self.observer, self._recording, self.sql_engine, self.mapping, self.tells_idle_runs, forecast):
            yield

    def _hold(self, resource: str) -> AbstractContextManager[Callable[[Connection], None]]:
        """Hold the lease on a Bitable table."""
        owner, wait = process_name(self.new_token()), self.lease_wait_seconds
        return hold_table(self.client, self.sql_engine, resource, owner=owner, clock=self.clock, wait_seconds=wait)

    @contextmanager
    def _run(
        self,
        report: SyncReport,
        allow_mass_deletes: bool = False,
        make: Callable[..., Run] = Run,
        *,
        sql_is_old: bool = False,
    ) -> Iterator[Run]:
        """Bind the mapping, take the lease and hand out what a run works with."""
        ready = self._ready or setup.open_ready(
            self.client,
            self.sql_engine,
            self.mapping,
            report,
            hold=self._hold,
            users=self._users,
            clock=self.clock,
        )
        # the field list is good for one run: people rename fields
        self._ready = None
        self.table = (ready.binding.app_token, ready.binding.table_id)
        binding, token = ready.binding, self.new_token()
        report.time_zone = ready.time_zone
        resource = f"{binding.app_token}/{binding.table_id}"
        with self._hold(resource) as keep:
            run = make(
                client=self.client,
                engine=self.sql_engine,
                binding=binding,
                clock=self.clock,
                run_id=self.run_id,
                token=token,
                new_token=self.new_token,
                report=report,
                keep_lease=keep,
                users=self._users,
                allow_mass_deletes=allow_mass_deletes,
                sql_is_old=sql_is_old,
                verdicts=self.verdicts,
                batch_limit=ready.batch_limit,
            )
            with recorded(run, self._recording):
                yield run
