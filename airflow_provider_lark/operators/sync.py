"""Operators that set up, fill, update and check one pair of tables each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_lark.core.dry_run import Foreseen, tell
from airflow_provider_lark.core.errors import ConfigError, LeaseHeld
from airflow_provider_lark.hooks.errors import airflow_errors, told
from airflow_provider_lark.hooks.parameters import read_flag, read_text, refuse_choice
from airflow_provider_lark.hooks.table_place import TablePlace
from airflow_provider_lark.operators.calling import CallingOperator
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.lineage import (
    CHANGES,
    collect_lineage,
    count_changes,
    name_dataset,
    openlineage_facets,
    tell_outlets,
)
from airflow_provider_lark.operators.links import BitableTableLink

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from airflow_provider_lark.core import SyncEngine, TableMapping
    from airflow_provider_lark.hooks.lark import LarkHook

_COUNTS = (
    *("to_sql", "to_lark", "rewritten", "near_misses", "conflicts", "skipped", "failed", "status"),
    *("equal", "different", "only_sql", "only_lark", "pending", "in_step"),
)
"""What of a report goes into the events of outlets."""


class BitableSyncOperator(CallingOperator):
    """What the operators share: one mapping, one Lark connection, one SQL connection, one report as XCom.

    :param mapping: which tables to keep in step: a dictionary, the short form ``{"MyDB:users": "users"}``, a
        ``TableMapping``, JSON text, or the path of a YAML file, which may start at the folder of the DAG's file.
    :param mapping_name: which mapping of the YAML file, when it holds several.
    :param lark_conn_id: connection of type ``lark``.
    :param sql_conn_id: connection of the database; overrides the mapping's ``sql.conn_id``.
    """

    template_fields: Sequence[str] = (
        *("mapping", "mapping_name", "lark_conn_id", "sql_conn_id"),
        *CallingOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"mapping": "json"}
    operator_extra_links = (BitableTableLink(),)
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        mapping: Mapping[str, Any] | TableMapping | str,
        mapping_name: str | None = None,
        lark_conn_id: str = "lark_default",
        sql_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_place: TablePlace | None = None
        self._sql_dataset: tuple[str, str] | None = None
        self._direction: str = ""
        self.mapping = mapping
        self.mapping_name = mapping_name
        self.lark_conn_id = lark_conn_id
        self.sql_conn_id = sql_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run once and return the report as plain data."""
        from airflow_provider_lark.core import SyncEngine
        from airflow_provider_lark.core.api.stop import StoppableClock
        from airflow_provider_lark.hooks.database import opened_engine
        from airflow_provider_lark.hooks.lark import LarkHook
        from airflow_provider_lark.operators.mapping_source import read_mapping

        with airflow_errors(), ExitStack() as stack:
            hook = LarkHook(self.lark_conn_id, **self.call_settings)
            folder = self.dag.folder if self.has_dag() else None  # type: ignore[no-untyped-call]  # Airflow's
            mapping = read_mapping(self.mapping, name=read_text(self.mapping_name), bases=hook.bases, folder=folder)
            database = stack.enter_context(opened_engine(self._sql_conn_id(mapping)))
            client = stack.enter_context(hook.client(stop=self.stop_flag))
            # without a token store the answers are kept beside the ledger
            shared = mapping.names_by_email and hook.accounts is not None
            directory = hook.user_directory(client) if shared else None
            clock = StoppableClock(self.stop_flag, hook.clock)
            engine = SyncEngine(client, database, mapping, run_id=context["run_id"], directory=directory, clock=clock)
            try:
                report = self._run(engine)
            finally:
                # the button is wanted most where the task has failed
                self._note_places(hook, mapping, engine, database)
        for text in (*report["problems"], *report["warnings"]):
            self.log.warning("%s: %s", mapping.name, text)
        # the engine has logged the counts
        if self.table_place is not None:
            collect_lineage(hook, **self._lineage(self.table_place))
            counts = {name: report[name] for name in _COUNTS if name in report}
            tell_outlets(context, self.outlets, self.table_place, counts, changed=self._count_changes(report))
        return report

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the tables of both sides by the way that rows may take, for OpenLineage."""
        if self.table_place is None:
            return None
        return openlineage_facets(
            **self._lineage(self.table_place),
            sql_inputs=[self._sql_dataset] if self._sql_dataset and self._reads("sql") else (),
            sql_outputs=[self._sql_dataset] if self._sql_dataset and self._writes("sql") else (),
        )

    def _count_changes(self, report: Mapping[str, Any]) -> int:
        """Return how many changes those hear of who want to hear of changes only."""
        return 0

    def _note_places(self, hook: LarkHook, mapping: TableMapping, engine: SyncEngine, database: Engine) -> None:
        if engine.table is None:
            return
        app_token, table_id = engine.table
        given = f"{mapping.lark.base}:{mapping.lark.table}" if mapping.lark.base and mapping.lark.table else ""
        self.table_place = TablePlace(hook.settings.host, app_token, table_id, given=given)
        self._sql_dataset = name_dataset(database, mapping.sql.schema, mapping.sql.table)
        self._direction = mapping.direction

    def _lineage(self, place: TablePlace) -> dict[str, Any]:
        return {
            "inputs": [place] if self._reads("lark") else [],
            "outputs": [place] if self._writes("lark") else [],
        }

    def _reads(self, side: str) -> bool:
        return self._direction in ("both", "to_sql" if side == "lark" else "to_lark")

    def _writes(self, side: str) -> bool:
        return self._direction in ("both", f"to_{side}")

    @abstractmethod
    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        """Do the work by one call and return its report as plain data."""

    def _sql_conn_id(self, mapping: TableMapping) -> str:
        conn_id = read_text(self.sql_conn_id) or mapping.sql.conn_id
        if not conn_id:
            raise ConfigError(
                f"mapping {mapping.name!r}: names no database; set the operator's sql_conn_id or the mapping's "
                "sql.conn_id to a SQL connection"
            )
        return conn_id


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


class _WritingSyncOperator(DryRunOperator, BitableSyncOperator):
    """Writes rows and records.

    :param alias_changes: which of them make an event of the asset aliases among the *outlets*: ``both``, those written
        ``to_sql``, or those ``to_lark``. A run that writes none of them makes no event.
    :param allow_mass_deletes: delete even when more was deleted on one side than the mapping's ``max_delete_ratio``
        and ``max_delete_rows`` allow, and what earlier runs held back. Set it for one run, after a look at both tables.
    """

    template_fields: Sequence[str] = (*BitableSyncOperator.template_fields, "allow_mass_deletes")

    operation: ClassVar[Literal["incremental", "full"]]

    def __init__(
        self,
        *,
        alias_changes: Literal["both", "to_sql", "to_lark"] = "both",
        allow_mass_deletes: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_choice("alias_changes", alias_changes, CHANGES)
        self.alias_changes = alias_changes
        self.allow_mass_deletes = allow_mass_deletes

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        allows = read_flag(self.allow_mass_deletes, "allow_mass_deletes")
        if not self.is_dry_run:
            return self._sync(engine, allows)
        with engine.plan(self.operation, allow_mass_deletes=allows) as plan:
            for (side, kind), count in plan.counts.items():
                self.log.info("%s: would %s %s in %s", engine.mapping.name, kind, count, side)
            return plan.to_dict()

    @abstractmethod
    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        """Write, and return the report as plain data."""

    def _count_changes(self, report: Mapping[str, Any]) -> int:
        return count_changes(report, self.alias_changes)


class BitableFullSyncOperator(_WritingSyncOperator):
    """Compares all rows with all records and makes both sides equal; also finds deletes that no trigger saw."""

    operation = "full"

    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        return engine.full(allow_mass_deletes=allow_mass_deletes).to_dict()


class BitableIncrementalSyncOperator(_WritingSyncOperator):
    """Carries over what changed on either side since the last run; one call to Lark when nothing did.

    While another run writes to the table, the task is skipped: what it would do, the next one does.
    """

    operation = "incremental"

    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        try:
            return engine.incremental(allow_mass_deletes=allow_mass_deletes).to_dict()
        except LeaseHeld as exc:
            raise AirflowSkipException(str(exc)) from exc


class BitableConsistencyCheckOperator(BitableSyncOperator):
    """Compares both sides and writes nothing.

    :param fail_on_drift: fail the task, without retries, when the sides differ. The report is in XCom either way.
    """

    def __init__(self, *, fail_on_drift: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fail_on_drift = fail_on_drift

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare, and return the report.

        :raises AirflowFailException: the sides differ and *fail_on_drift* is set.
        """
        report = super().execute(context)
        if self.fail_on_drift and not report["in_step"]:
            # a failed task returns nothing, and the numbers are wanted most then
            context["ti"].xcom_push(key="return_value", value=report)
            raise told(AirflowFailException(f"not in step: {summarize(report)}"))
        return report

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        return engine.check().to_dict()

    def _reads(self, side: str) -> bool:
        return True

    def _writes(self, side: str) -> bool:
        return False


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
