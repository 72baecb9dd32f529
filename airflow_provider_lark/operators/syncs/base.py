"""What the operators of the sync share: one mapping, one Lark connection, one SQL connection, one report."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import read_text
from airflow_provider_lark.hooks.table_place import TablePlace
from airflow_provider_lark.operators.calling import CallingOperator
from airflow_provider_lark.operators.lineage import collect_lineage, name_dataset, openlineage_facets, tell_outlets
from airflow_provider_lark.operators.links import BitableTableLink

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from airflow_provider_lark.core import SyncEngine, TableMapping
    from airflow_provider_lark.hooks.lark import LarkHook

_COUNTS = (
    *("to_sql", "to_lark", "rewritten", "near_misses", "conflicts", "skipped", "failed", "status"),
    *("equal", "different", "only_sql", "only_lark", "pending", "in_step"),
    *("repair", "repaired", "changed", "held", "left"),
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
        self._woken_by: Mapping[Any, Sequence[Any]] | None = None
        self.mapping = mapping
        self.mapping_name = mapping_name
        self.lark_conn_id = lark_conn_id
        self.sql_conn_id = sql_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run once and return the report as plain data."""
        from airflow_provider_lark.core import SyncEngine
        from airflow_provider_lark.core.api.stop import StoppableClock
        from airflow_provider_lark.hooks.database import opened_engine
        from airflow_provider_lark.hooks.figures.sync import sync_figures
        from airflow_provider_lark.hooks.whole_bases import expand_whole_bases
        from airflow_provider_lark.operators.mapping_source import read_mapping

        self._woken_by = context.get("triggering_asset_events")
        with airflow_errors(), ExitStack() as stack:
            hook = self._hook()
            folder = self.dag.folder if self.has_dag() else None  # type: ignore[no-untyped-call]  # Airflow's
            mapping = read_mapping(
                self.mapping,
                name=read_text(self.mapping_name),
                bases=hook.bases,
                folder=folder,
                expand=lambda found: expand_whole_bases(found, self.lark_conn_id, read_text(self.sql_conn_id)),
            )
            database = stack.enter_context(opened_engine(self._sql_conn_id(mapping)))
            client = stack.enter_context(hook.client(stop=self.stop_flag))
            # without a token store the answers are kept beside the ledger
            shared = mapping.names_by_email and hook.accounts is not None
            directory = hook.user_directory(client) if shared else None
            clock = StoppableClock(self.stop_flag, hook.clock)
            engine = SyncEngine(client, database, mapping, run_id=context["run_id"], directory=directory, clock=clock)
            engine.observer = sync_figures()
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

    def _hook(self) -> LarkHook:
        from airflow_provider_lark.hooks.lark import LarkHook

        return LarkHook(self.lark_conn_id, **self.call_settings)

    @abstractmethod
    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        """Do the work by one call and return its report as plain data."""

    def _sql_conn_id(self, mapping: TableMapping) -> str:
        conn_id = read_text(self.sql_conn_id) or mapping.sql.conn_id
        if not conn_id:
            raise ConfigError(
                f"mapping {mapping.name!r}: no database connection; set sql_conn_id on the operator or sql.conn_id in "
                "the mapping"
            )
        return conn_id
