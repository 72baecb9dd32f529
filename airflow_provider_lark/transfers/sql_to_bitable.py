"""Rows of a query or of a SQL table into a Bitable table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import is_known_at_parse_time, read_count, read_text, read_values
from airflow_provider_lark.hooks.table_place import TablePlace
from airflow_provider_lark.operators.records.base import OpenedTable, token_seed
from airflow_provider_lark.transfers.transfer_base import BitableTransferOperator

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.core.transfer.report import TransferReport


class SqlToBitableOperator(BitableTransferOperator):
    """Copies the rows of a query, or of a table, into a Bitable table and returns the counts.

    ``append`` makes every row a record. ``upsert`` finds records by *key_fields*, writes those that differ and creates
    those that are missing. ``replace`` creates all rows and then deletes the records that were there before: when it
    fails, the old ones are still there.

    A task that is tried again creates nothing twice, while its source gives the same rows in the same order.

    :param sql: a SELECT, or the path of a ``.sql`` file; with *parameters*, ``:name`` stands for a value.
    :param source_table: a table's name, instead of *sql*; read in the order of its primary key.
    :param source_schema: the schema of *source_table*.
    :param parameters: values for *sql*.
    :param batch_size: records a write call carries, at most 1000.
    """

    lineage = "writes"
    template_fields: Sequence[str] = (
        "sql",
        "source_table",
        "source_schema",
        "parameters",
        "batch_size",
        *BitableTransferOperator.template_fields,
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **BitableTransferOperator.template_fields_renderers,
        "sql": "sql",
        "parameters": "json",
    }

    def __init__(
        self,
        *,
        sql: str | None = None,
        source_table: str | None = None,
        source_schema: str | None = None,
        parameters: Mapping[str, Any] | str | None = None,
        batch_size: int | str = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.source_table = source_table
        self.source_schema = source_schema
        self.parameters = parameters
        self.batch_size = batch_size
        if is_known_at_parse_time(self.mode) and is_known_at_parse_time(self.key_fields):
            self._check_keys()

    def _check_keys(self) -> None:
        if self.mode != "upsert" and self.key_fields:
            raise ConfigError(f"key_fields: only supported in mode 'upsert', not {self.mode!r}")
        if self.mode == "upsert" and not self.key_fields:
            raise ConfigError("mode 'upsert' needs key_fields, the fields that identify the record of a row")

    def _sql_table(self) -> tuple[str | None, str | None]:
        return read_text(self.source_schema), read_text(self.source_table)

    def _copy(self, opened: OpenedTable, engine: Engine, where: TableAddress) -> TransferReport:
        from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
        from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource

        parameters = read_values(self.parameters, "parameters")
        schema, table = self._sql_table()
        source = SqlSource(read_text(self.sql), parameters, table, schema)
        options = LoadOptions(
            **self._shared_options(),
            key_fields=self._keys(),
            batch_size=read_count(self.batch_size, "batch_size") or 0,
            # the core adds the table, which may not have its id yet
            seed=token_seed(opened.context, TablePlace("", "")),
        )
        return copy_to_bitable(
            opened.client,
            engine,
            source,
            where,
            options,
            find_user_ids=opened.find_user_ids,
            clock=opened.hook.clock,
        )
