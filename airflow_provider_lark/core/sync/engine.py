"""SyncEngine: keeps one Bitable table and one SQL table in sync."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Literal

from sqlalchemy import Connection, Engine

from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import read_only_session, with_lock_seconds
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.process_names import process_name
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.binding import removal, setup
from airflow_provider_lark.core.sync.consistency.check import begin, check
from airflow_provider_lark.core.sync.consistency.options import COMPARE_ONLY, CheckOptions
from airflow_provider_lark.core.sync.figures import SyncObserver, observed
from airflow_provider_lark.core.sync.flow import run_full, run_incremental
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.apply import PlannedRun, tell_changed
from airflow_provider_lark.core.sync.plan.head import Head
from airflow_provider_lark.core.sync.plan.look import look
from airflow_provider_lark.core.sync.plan.make import Asked, make_plan
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.plan.stored import StoredPlan
from airflow_provider_lark.core.sync.pull.told import Told
from airflow_provider_lark.core.sync.report import ApplyReport, CheckReport, Report, SetupReport, SyncReport
from airflow_provider_lark.core.sync.run.lease import hold_table
from airflow_provider_lark.core.sync.run.recorded import recorded
from airflow_provider_lark.core.sync.run.recording import Recording
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.users import Users
from airflow_provider_lark.core.sync.verdicts import Verdicts


class SyncEngine:
    """Keeps one Bitable table and one SQL table in step.

    >>> engine = SyncEngine(client, sqlalchemy.create_engine(url), mapping)
    >>> engine.setup(); engine.full().to_dict()["to_lark"]
    {'created': 2978, 'updated': 0, 'deleted': 0}

    Every method is safe to repeat, also after a crash at any point. Two engines on one table take turns.

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

    def setup(self, *, adopt_fields: bool = False, move: bool = False) -> SetupReport:
        """Make the ledger, the capturing triggers and the modification-time field, and store the field contract.

        Repeat it after a change of the SQL table's columns or of the mapping.

        :param adopt_fields: take a new field for one that was deleted, when it has the same name.
        :param move: let the ledger belong to the Bitable table that the mapping names now, if it was another one.
        :raises SchemaMismatch: the tables do not fit the mapping; nothing was changed then.
        """
        report = SetupReport(self.mapping.name, "setup")
        with self._measured(report):
            ready = self._ready = setup.prepare(
                self.client,
                self.sql_engine,
                self.mapping,
                report,
                choices=setup.Choices(adopt_fields, move),
                hold=self._hold,
                users=self._users,
                clock=self.clock,
            )
            self.table = (ready.binding.app_token, ready.binding.table_id)
        return report

    def full(self, *, allow_mass_deletes: bool = False, uncaptured: Side | None = None) -> SyncReport:
        """Compare every row of both sides, and bring them in step.

        :param allow_mass_deletes: carry out deletes beyond the mapping's limit, those held before too; a person has
            looked.
        :param uncaptured: the side that counts where SQL differs although no trigger told of a change: ``lark`` after
            the table was restored from a backup, before programs write to it; nothing is deleted then, and rows
            without a record are blacklisted. ``sql`` after it was filled with triggers off. By default ``sql``, but
            a table that seems to be restored is refused.
        :raises SafetyStop: deletes beyond the limit are held, on either side, or Lark shows no record at all; all
            else has been done.
        """
        report = SyncReport(self.mapping.name, "full")
        with self._measured(report), self._run(report, allow_mass_deletes, sql_is_old=uncaptured == "lark") as run:
            run_full(run, uncaptured)
        return report

    def incremental(self, tell: Callable[[], Told] = Told, *, allow_mass_deletes: bool = False) -> SyncReport:
        """Carry over what changed on either side since the last run; the first run is a full one.

        When nothing changed it costs one search, beside the token and the field list.

        :param tell: called once before the table is read; returns what events say. Deletes that Lark confirms cost a
            call a hundred, in place of a scan of all keys; edits cost one only if the search does not show them yet.
        :param allow_mass_deletes: as for :meth:`full`.
        :raises SafetyStop: as for :meth:`full`.
        """
        report = SyncReport(self.mapping.name, "incremental")
        with self._measured(report), self._run(report, allow_mass_deletes) as run:
            run_incremental(run, tell)
        return report

    def plan(
        self,
        operation: Literal["incremental", "full"] = "incremental",
        *,
        allow_mass_deletes: bool = False,
        after: Sequence[Plan] = (),
    ) -> Plan:
        """Find out what a run would do; nothing is written, neither to the tables nor to the ledger.

        It costs the reads of that run, and a call for each 100 records that it would update or delete. Where the setup
        has not been done, the plan says what it would make.

        :param after: open plans of mappings in the same database whose runs come first: links may lead to their rows.
        :raises SchemaMismatch: the tables do not fit the mapping.
        """
        report = SyncReport(self.mapping.name, operation)
        asked = Asked(operation, allow_mass_deletes, after)
        with self._measured(report, report.forecast):
            return make_plan(self.client, self.sql_engine, self.mapping, asked, report, self.clock, self.new_token)

    def apply(self, plan: Plan | StoredPlan) -> ApplyReport:
        """Carry out a plan that was made before; what was changed since is left to the next run, and reported.

        The run decides anew, and does only what it decides as the plan did: other changes wait, and so does a row of
        which either side holds other values than the plan saw. All values come from the tables.

        :returns: with the status ``partial`` when rows were left or failed, ``held`` when deletes are held.
        :raises ConfigError: the plan was made with another mapping; nothing was written.
        :raises SchemaMismatch: fields or columns were changed since; nothing was written.
        """
        stored = plan.stored if isinstance(plan, Plan) else plan
        report = ApplyReport(self.mapping.name, stored.head.operation)
        with self._measured(report):
            self.require_current(stored.head)
            stored.checks.reset()
            make = partial(PlannedRun, checks=stored.checks)
            try:
                with self._run(report, stored.head.allow_mass_deletes, make) as run:
                    if stored.head.operation == "full":
                        run_full(run)
                    else:
                        run_incremental(run)
            except SafetyStop as stop:
                # it ends a run when all else has been done
                report.warnings.append(str(stop))
            tell_changed(report, stored.checks)
        return report

    def require_current(self, head: Head) -> None:
        """Refuse a plan as :meth:`apply` would before it begins; nothing is written."""
        with read_only_session(self.sql_engine) as conn:
            head.require(self.mapping, look(self.client, conn, self.mapping, self._users).binding)

    def plan_setup(self, *, adopt_fields: bool = False) -> SetupReport:
        """Find out what :meth:`setup` would make; nothing is made.

        :returns: under ``created`` what it would make.
        :raises SchemaMismatch: the tables do not fit the mapping.
        """
        report = SetupReport(self.mapping.name, "setup")
        with self._measured(report), read_only_session(self.sql_engine) as conn:
            looked = look(self.client, conn, self.mapping, self._users, adopt_fields=adopt_fields)
            setup.describe(looked.binding, report)
            report.created = [action.key for action in looked.setup]
        return report

    def check(self, options: CheckOptions = COMPARE_ONLY) -> CheckReport:
        """Compare both sides, and count what differs; no row is changed unless *options* say what to repair.

        The first time it also sets up. It costs the reads of all records, and a call for each 100 that differ; a repair
        reads those once more before it writes.

        :raises ConfigError: the mapping's direction never writes to the side that is to be repaired.
        """
        report, make = begin(self.mapping, options)
        with self._measured(report), self._run(SyncReport(self.mapping.name, "check"), make=make) as run:
            report.time_zone, report.warnings = run.report.time_zone, run.report.warnings
            check(run, report, options)
        return report

    def uninstall(self, *, keep_state: bool = False) -> None:
        """Remove the capturing triggers and what the ledger knows of this table; both tables keep their rows.

        :param keep_state: only take the triggers off, as for a change of the table's columns; the next run installs
            them anew.
        """
        removal.remove(self.sql_engine, self.mapping, keep_state=keep_state, clock=self.clock)
        self._ready = None
        if self.observer is not None and not keep_state:
            self.observer.removed(self.mapping.name)

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
                database_offset_ms=setup.database_offset_ms(self.sql_engine, self.clock),
            )
            with recorded(run, self._recording):
                yield run
