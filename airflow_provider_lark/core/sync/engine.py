"""SyncEngine: keeps one Bitable table and one SQL table in sync."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from airflow_provider_lark.core.database.connections import read_only_session
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.binding import removal, setup
from airflow_provider_lark.core.sync.consistency.check import begin, check
from airflow_provider_lark.core.sync.consistency.options import COMPARE_ONLY, CheckOptions
from airflow_provider_lark.core.sync.flow import run_full, run_incremental
from airflow_provider_lark.core.sync.plan.apply import PlannedRun, tell_changed
from airflow_provider_lark.core.sync.plan.head import Head
from airflow_provider_lark.core.sync.plan.look import look
from airflow_provider_lark.core.sync.plan.make import Asked, make_plan
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.plan.stored import StoredPlan
from airflow_provider_lark.core.sync.pull.told import Told
from airflow_provider_lark.core.sync.report import ApplyReport, CheckReport, SetupReport, SyncReport
from airflow_provider_lark.core.sync.run_opener import RunOpener


class SyncEngine(RunOpener):
    """Keeps one Bitable table and one SQL table in step.

    >>> engine = SyncEngine(client, sqlalchemy.create_engine(url), mapping)
    >>> engine.setup(); engine.full().to_dict()["to_lark"]
    {'created': 2978, 'updated': 0, 'deleted': 0}

    Every method is safe to repeat, also after a crash at any point. Two engines on one table take turns.

    The parameters are those of :class:`.RunOpener`.
    """

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
