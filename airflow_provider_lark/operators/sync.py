"""Operators that set up, fill, update and check one pair of tables each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_lark.core.dry_run import Foreseen, tell
from airflow_provider_lark.core.errors import LeaseHeld
from airflow_provider_lark.hooks.errors import told
from airflow_provider_lark.hooks.parameters import read_count, read_flag, read_seconds, read_text, refuse_choice
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.lineage import count_changes
from airflow_provider_lark.operators.syncs.base import BitableSyncOperator
from airflow_provider_lark.operators.syncs.reporting import REPORT_FIELDS, ReportingOperator
from airflow_provider_lark.operators.syncs.writing import WritingSyncOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import SyncEngine
    from airflow_provider_lark.core.inbox.hints import TableHints
    from airflow_provider_lark.core.sync.consistency.options import CheckOptions, Repair
    from airflow_provider_lark.core.sync.continuous import RunOnce

_DAY_SECONDS = 86_400.0
POLL_SECONDS = 5.0
_REPAIRS = ("no", "sql", "lark", "policy")


class BitableSyncSetupOperator(DryRunOperator, BitableSyncOperator):
    """Prepares one pair of tables: checks the mapping against both, makes the ledger and the change capture.

    May run before every sync: what is in place stays as it is.

    :param adopt_fields: take a new field for one that was deleted in Lark, when it has the same name; for one run.
    """

    template_fields: Sequence[str] = (*BitableSyncOperator.template_fields, "adopt_fields")

    def __init__(self, *, adopt_fields: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.adopt_fields = adopt_fields

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        adopts = read_flag(self.adopt_fields, "adopt_fields")
        if not self.is_dry_run:
            return engine.setup(adopt_fields=adopts).to_dict()
        report = engine.plan_setup(adopt_fields=adopts)
        would = Foreseen()
        would.add("setup.make", report.created)
        return tell(report.to_dict(), would.to_dict())


class BitableFullSyncOperator(WritingSyncOperator):
    """Compares all rows with all records and makes both sides equal; also finds deletes that no trigger saw."""

    operation = "full"

    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        run = self._with_decisions(engine, partial(engine.full, allow_mass_deletes=allow_mass_deletes))
        return run().to_dict()


class BitableIncrementalSyncOperator(WritingSyncOperator):
    """Carries over what changed on either side since the last run; one call to Lark when nothing did.

    While another run writes to the table, the task is skipped: what it would do, the next one does.

    With *run_for* the task stays, and runs again and again: near real time in one task. It ends by itself, between two
    runs, and the next task goes on where it stopped, so nothing is lost in between. Give the DAG ``max_active_runs=1``
    and a schedule a little longer than *run_for*.

    :param run_for: for how long, a ``timedelta`` or seconds, up to a day; default: one run.
    :param poll_interval: seconds between two runs when nothing is known to have changed.
    :param events: take the events of Lark that wait in the inbox for the table: with *run_for*, each makes the next run
        begin at once; without, a DAG that :class:`.LarkEventTrigger` wakes takes them with its one run. Records that
        they call deleted are looked up by id. One that is lost is made up for by the next poll.
    """

    template_fields: Sequence[str] = (*WritingSyncOperator.template_fields, "run_for", "poll_interval", "events")

    operation = "incremental"

    def __init__(
        self,
        *,
        run_for: timedelta | float | str | None = None,
        poll_interval: float | str = POLL_SECONDS,
        events: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.run_for = run_for
        self.poll_interval = poll_interval
        self.events = events

    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        seconds = self.run_for.total_seconds() if isinstance(self.run_for, timedelta) else self.run_for
        run_for = read_seconds(seconds, "run_for", longest=_DAY_SECONDS)
        hears = read_flag(self.events, "events")
        if hears and run_for is None:
            from airflow_provider_lark.hooks.receiving.in_vain import skip_what_is_done

            # a task that stays does so for the events that are to come
            skip_what_is_done(self._hook(), self._woken_by)
        run = self._with_decisions(engine, partial(engine.incremental, allow_mass_deletes=allow_mass_deletes))
        hints = None
        if hears:
            hints = self._open_hints(engine)
        if run_for is not None:
            return self._stay(engine, run, hints, run_for)
        from airflow_provider_lark.core.sync.continuous import run_once

        try:
            return (run() if hints is None else run_once(run, hints)).to_dict()
        except LeaseHeld as exc:
            raise AirflowSkipException(str(exc)) from exc

    def _open_hints(self, engine: SyncEngine) -> TableHints:
        from airflow_provider_lark.core.inbox.hints import TableHints
        from airflow_provider_lark.hooks.receiving.inbox import find_bell, open_inbox
        from airflow_provider_lark.hooks.receiving.long_connection import open_lease

        hook = self._hook()
        bell = find_bell(hook)
        return TableHints(
            open_inbox(hook),
            # which table it is, the first run finds out
            lambda: "/".join(engine.table) if engine.table else None,
            lambda: engine.table and engine.client.drive.subscribe(app_token=engine.table[0]),
            listen=None if bell is None else bell.listen,
            generation=open_lease(hook).generation,
        )

    def _stay(self, engine: SyncEngine, run: RunOnce, hints: TableHints | None, seconds: float) -> dict[str, Any]:
        from airflow_provider_lark.core.sync.continuous import ContinuousSync

        poll = read_seconds(self.poll_interval, "poll_interval", longest=_DAY_SECONDS) or POLL_SECONDS
        engine.tells_idle_runs = False
        sync = ContinuousSync(engine.mapping.name, run, poll, hints, engine.clock)
        sync.tell_lost = partial(engine.observer.lost, engine.mapping.name) if engine.observer else sync.tell_lost
        if hints is None:
            return sync.run_for(seconds).to_dict()
        sync.listen = hints.wait
        with closing(hints):
            return sync.run_for(seconds).to_dict()


class BitableConsistencyCheckOperator(ReportingOperator, DryRunOperator, BitableSyncOperator):
    """Compares both sides and, where *repair* says so, brings in step what differs.

    Rows whose change is on its way, and those that wait for a person, are no drift and are not repaired.

    :param repair: the side that is written to: ``sql`` makes rows equal to their records and leaves Lark alone,
        ``lark`` makes records equal to their rows and leaves SQL alone; ``policy`` decides each row as a full sync
        would; ``no`` writes nothing. Deletes keep to the mapping's limits; what one side never had is not deleted on
        the other.
    :param threshold: more rows that differ than this are a warning; None: none are.
    :param settle_seconds: look again at what differs after so many seconds, before it is called drift.
    :param fail_on_drift: fail the task, without retries, when the sides differ; after a repair, when they still do. The
        report is in XCom either way.
    """

    template_fields: Sequence[str] = (
        *BitableSyncOperator.template_fields,
        *("repair", "threshold", "settle_seconds"),
        *REPORT_FIELDS,
    )

    def __init__(
        self,
        *,
        repair: str = "no",
        threshold: int | str | None = 10,
        settle_seconds: float | str = 0,
        fail_on_drift: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_choice("repair", repair, _REPAIRS)
        self.repair = repair
        self.threshold = threshold
        self.settle_seconds = settle_seconds
        self.fail_on_drift = fail_on_drift

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare, and return the report.

        :raises AirflowFailException: the sides differ and *fail_on_drift* is set.
        """
        report = super().execute(context)
        if self.fail_on_drift and not report["in_step"]:
            # a failed task returns nothing, and the numbers are wanted most then
            context["ti"].xcom_push(key="return_value", value=report)
            raise told(AirflowFailException(f"Lark and SQL differ: {summarize(report)}"))
        return report

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        report = engine.check(self._options())
        told = tell(report.to_dict(), report.would) if self.is_dry_run else report.to_dict()
        written = self._write_reports(report, engine.clock.now())
        return {**told, "reports": written} if written else told

    def _options(self) -> CheckOptions:
        from airflow_provider_lark.core.sync.consistency.options import SETTLE_SECONDS_MAX, CheckOptions

        settle = read_seconds(self.settle_seconds, "settle_seconds", longest=SETTLE_SECONDS_MAX, may_be_zero=True)
        return CheckOptions(
            repair=self._repair,
            dry_run=self.is_dry_run,
            threshold=read_count(self.threshold, "threshold"),
            settle_seconds=settle or 0.0,
            **self._report_options(),
        )

    @property
    def _repair(self) -> Repair:
        """What to repair, once templates are rendered.

        :raises ConfigError: it is none of the choices.
        """
        given = read_text(self.repair) or "no"
        refuse_choice("repair", given, _REPAIRS)
        return cast("Repair", given)

    def _reads(self, side: str) -> bool:
        return True

    def _writes(self, side: str) -> bool:
        return not self.is_dry_run and self._repair in (side, "policy")

    def _count_changes(self, report: Mapping[str, Any]) -> int:
        return count_changes(report, "both") if "to_sql" in report and not self.is_dry_run else 0


def summarize(report: Mapping[str, Any]) -> str:
    """Return the counts of a report in one line, leaving out what is zero.

    >>> summarize({"operation": "full", "mapping": "areas", "status": "ok", "to_lark": {"created": 2, "deleted": 0}})
    'full areas: ok, to_lark created 2'
    """
    parts = [f"{report.get('operation')} {report.get('mapping')}: {report.get('status')}"]
    for name, value in report.items():
        if isinstance(value, Mapping):
            parts += [f"{name} {kind} {count}" for kind, count in value.items() if count]
        elif isinstance(value, bool):
            parts.append(f"{name} {value}")
        elif isinstance(value, int | float) and value:
            parts.append(f"{name} {round(value, 3)}")
    return ", ".join(parts)
