"""What both transfers share: a Bitable table on one side, a SQL connection on the other, one report as XCom."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.hooks.parameters import (
    read_flag,
    read_json,
    read_list,
    read_seconds,
    read_text,
    refuse_choice,
)
from airflow_provider_lark.hooks.table_place import TablePlace, name_place, read_address
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.lineage import name_dataset
from airflow_provider_lark.operators.records.base import BitableTableOperator, OpenedTable

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.core.transfer.report import TransferReport
    from airflow_provider_lark.hooks.lark import LarkHook


_MODES = ("append", "replace", "upsert")


class BitableTransferOperator(DryRunOperator, BitableTableOperator):
    """Copies between a Bitable table and a SQL database.

    :param sql_conn_id: connection of the database: SQLite, PostgreSQL, MySQL or MariaDB.
    :param mode: what becomes of what is already there.
    :param key_fields: the fields whose values together tell records apart.
    :param fields: ``{"field": "column"}``, or a list of names that both sides share; nothing else is copied.
    :param create_table: create the table that is written to, where there is none.
    :param time_zone: the zone of dates, and of datetimes without one; default: the base's own.
    :param users: whether persons stand in SQL by ``id`` or by ``email``.
    :param on_row_error: ``fail`` when a row does not fit, or ``skip`` it and report it.
    :param allow_empty: ``replace`` may empty the table when there is nothing to put into it.
    :param lock_wait_seconds: how long to wait for a lock that another program holds in the database; default: 30.
    """

    template_fields: Sequence[str] = (
        *BitableTableOperator.template_fields,
        "sql_conn_id",
        "mode",
        "key_fields",
        "fields",
        "time_zone",
        "users",
        "on_row_error",
        "allow_empty",
        "lock_wait_seconds",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"fields": "json", "key_fields": "json"}
    ui_color = "#d9f2e6"

    def __init__(
        self,
        *,
        sql_conn_id: str,
        mode: Literal["append", "replace", "upsert"] = "append",
        key_fields: Sequence[str] | str = (),
        fields: Mapping[str, str] | Sequence[str] | str | None = None,
        create_table: bool = False,
        time_zone: str | None = None,
        users: Literal["id", "email"] = "id",
        on_row_error: Literal["fail", "skip"] = "fail",
        allow_empty: bool | str = False,
        lock_wait_seconds: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.mode = mode
        self.key_fields = key_fields
        self.fields = fields
        self.create_table = create_table
        self.time_zone = time_zone
        self.users = users
        self.on_row_error = on_row_error
        self.allow_empty = allow_empty
        self.lock_wait_seconds = lock_wait_seconds
        for name, choices in (("mode", _MODES), ("users", ("id", "email")), ("on_row_error", ("fail", "skip"))):
            refuse_choice(name, getattr(self, name), choices)
        self.sql_dataset: tuple[str, str] | None = None

    def _find(self, hook: LarkHook, client: LarkClient) -> TablePlace:
        # the core looks the table up: it may not exist yet
        where = read_address(hook, self.table, self.base)
        return TablePlace(
            hook.settings.host, where.app_token, where.table_id, where.view_id, name_place(self.table, self.base)
        )

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.database.connections import LOCK_SECONDS, with_lock_seconds
        from airflow_provider_lark.hooks.database import opened_engine

        wait = read_seconds(self.lock_wait_seconds, "lock_wait_seconds", longest=3600)
        with opened_engine(self.sql_conn_id) as engine:
            report = self._copy(
                opened,
                with_lock_seconds(engine, wait or LOCK_SECONDS),
                read_address(opened.hook, self.table, self.base),
            )
            self.sql_dataset = name_dataset(engine, *self._sql_table())
        place = opened.place
        self.table_place = TablePlace(place.host, report.app_token, report.table_id, place.view_id, place.given)
        for text in (*report.problems, *report.warnings):
            self.log.warning("%s", text)
        return report.to_dict()

    def _log_counts(self, place: TablePlace, counts: Mapping[str, int], result: Mapping[str, Any]) -> None:
        """Say nothing: the core has logged its report already."""

    @abstractmethod
    def _copy(self, opened: OpenedTable, engine: Engine, where: TableAddress) -> TransferReport:
        """Do the work by one call."""

    def _sql_table(self) -> tuple[str | None, str | None]:
        """Return schema and name of the SQL table, where the task names one."""
        return None, None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the tables of both sides, for OpenLineage; of a query, Bitable's only."""
        facets = super().get_openlineage_facets_on_complete(task_instance)
        if facets is not None and self.sql_dataset is not None:
            from airflow.providers.common.compat.openlineage.facet import Dataset

            namespace, name = self.sql_dataset
            other_side = facets.outputs if self.lineage == "reads" else facets.inputs
            other_side.append(Dataset(namespace=namespace, name=name))
        return facets

    def _shared_options(self) -> dict[str, Any]:
        """Return the options that both directions have, as the core takes them."""
        return {
            "mode": self.mode,
            "fields": _read_fields(self.fields),
            "create_table": self.create_table,
            "time_zone": read_text(self.time_zone),
            "users": self.users,
            "on_row_error": self.on_row_error,
            "allow_empty": read_flag(self.allow_empty, "allow_empty"),
            "dry_run": self.is_dry_run,
        }

    def _keys(self) -> tuple[str, ...]:
        return tuple(read_list(self.key_fields, "key_fields") or ())


def _read_fields(value: Any) -> Mapping[str, str] | Sequence[str] | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = read_json(value, "fields")
    return value if isinstance(value, Mapping) else read_list(value, "fields")
