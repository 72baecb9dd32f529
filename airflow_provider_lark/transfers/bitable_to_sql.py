"""Records of a Bitable table, or of a view, into a SQL table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_lark.hooks.parameters import read_filter, read_text
from airflow_provider_lark.operators.records.base import OpenedTable
from airflow_provider_lark.transfers.transfer_base import BitableTransferOperator

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.core.transfer.report import TransferReport


class BitableToSqlOperator(BitableTransferOperator):
    """Copies the records of a Bitable table, or of a view, into a SQL table and returns the counts.

    ``append`` inserts records that the table does not have yet, ``upsert`` also updates rows that differ, and
    ``replace`` puts the records in place of all rows. Whatever the mode, the table changes in one transaction: readers
    see it before or after, and a task that fails has changed nothing.

    :param target_table: the SQL table to write to.
    :param target_schema: its schema.
    :param record_id_column: the column that keeps the records' ids, by which rows are found without *key_fields*.
    :param view: only the records of this view, by id or name; default: the one of *table*'s address.
    :param filter: only the records that meet it; see the operators for records.
    """

    lineage = "reads"
    template_fields: Sequence[str] = (
        "target_table",
        "target_schema",
        "record_id_column",
        "view",
        "filter",
        *BitableTransferOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **BitableTransferOperator.template_fields_renderers,
        "filter": "json",
    }

    def __init__(
        self,
        *,
        target_table: str,
        target_schema: str | None = None,
        record_id_column: str | None = "lark_record_id",
        view: str | None = None,
        filter: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_table = target_table
        self.target_schema = target_schema
        self.record_id_column = record_id_column
        self.view = view
        self.filter = filter

    def _sql_table(self) -> tuple[str | None, str | None]:
        return read_text(self.target_schema), self.target_table

    def _copy(self, opened: OpenedTable, engine: Engine, where: TableAddress) -> TransferReport:
        from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
        from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace

        place = TargetPlace(
            self.target_table,
            read_text(self.target_schema),
            record_id_column=read_text(self.record_id_column) or "",
            key_fields=self._keys(),
        )
        options = DumpOptions(
            **self._shared_options(), view=read_text(self.view) or "", filter=read_filter(self.filter)
        )
        return copy_to_sql(
            opened.client,
            engine,
            where,
            place,
            options,
            find_user_ids=opened.find_user_ids,
            clock=opened.hook.clock,
        )
