"""A sensor on the records of a Bitable table: waits until some, or none, meet a filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import PokeReturnValue

from airflow_provider_lark.core.api.wire.limits import SEARCH_PAGE_MAX
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import (
    CALL_FIELDS,
    read_count,
    read_filter,
    read_list,
    read_zone,
    refuse_open_password,
)
from airflow_provider_lark.hooks.table_place import BitableTableLink, TablePlace, find_place
from airflow_provider_lark.sensors.polling import PollingSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.fields.schema import Field
    from airflow_provider_lark.core.lark_side.record_table import RecordTable
    from airflow_provider_lark.hooks.calls.settings import CallRetry, CallSettings
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.record_condition import RecordCondition
    from airflow_provider_lark.triggers.bitable import BitableRecordTrigger


class BitableRecordSensor(PollingSensor):
    """Waits until records meet a filter, and returns ``{"total", "records": [{"record_id", "fields"}]}``.

    Each look is one call to Lark, and one or two more before the first. A look a minute is 43,200 calls a month, a free
    tenant has 10,000: set *poke_interval*, or *exponential_backoff* with *max_wait*.

    :param table: the table: ``MyDB:users``, an address with ``?table=``, or with *base* its id or name.
    :param base: the base, for a *table* that names none.
    :param filter: ``{"Status": "done"}``, or Lark's own form; None: any record.
    :param min_records: minimum number of matching records; 0 together with *max_records* 0 waits until none is left.
    :param max_records: maximum number of matching records.
    :param field_names: return only these fields.
    :param limit: maximum number of records to return, up to 500.
    :param time_zone: name of the zone of dates in the filter; default: the base's own.
    :param lark_conn_id: connection of type ``lark``.
    :param timeout_seconds: how long one call may take, up to 600; default: as the connection says.
    :param proxy: address of a proxy; default: as the connection says. One with a password comes from a template.
    :param call_retry: what is sent again within a look, how often and when; see :class:`.CallingOperator`. Deferred,
        its handler has to be a dotted name.
    """

    template_fields: Sequence[str] = (
        "table",
        "base",
        "filter",
        "min_records",
        "max_records",
        "field_names",
        "limit",
        "time_zone",
        "lark_conn_id",
        *CALL_FIELDS,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"filter": "json"}
    operator_extra_links = (BitableTableLink(),)

    def __init__(
        self,
        *,
        table: str,
        base: str | None = None,
        filter: Mapping[str, Any] | str | None = None,
        min_records: int | str = 1,
        max_records: int | str | None = None,
        field_names: Sequence[str] | str | None = None,
        limit: int | str = 10,
        time_zone: str | None = None,
        lark_conn_id: str = "lark_default",
        timeout_seconds: float | str | None = None,
        proxy: str | None = None,
        call_retry: CallRetry = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_open_password(proxy)
        self.timeout_seconds = timeout_seconds
        self.proxy = proxy
        self.call_retry = call_retry
        self.table = table
        self.base = base
        self.filter = filter
        self.min_records = min_records
        self.max_records = max_records
        self.field_names = field_names
        self.limit = limit
        self.time_zone = time_zone
        self.lark_conn_id = lark_conn_id
        self.table_place: TablePlace | None = None
        self._known_ids: tuple[str, str] | None = None
        self._fields: list[Field] | None = None

    def poke(self, context: Context) -> PokeReturnValue:
        """Search once."""
        from airflow_provider_lark.core.lark_side.record_table import Search

        with airflow_errors():
            condition = self._condition()
            with self._opened() as table:
                wanted = self._wanted() or [field.name for field in table.fields]
                names = [*wanted, *self._filter_names(table)]
                found = table.first(Search(read_filter(self.filter), field_names=names, limit=self._limit()))
                self._fields = table.fields
        for record in found.records:
            record["fields"] = {name: value for name, value in record["fields"].items() if name in wanted}
        seen = self._tell(found.total, found.records)
        return PokeReturnValue(is_done=condition.is_met(found.total), xcom_value=seen)

    def _trigger(self, polling: dict[str, Any]) -> BitableRecordTrigger:
        from airflow_provider_lark.triggers.bitable import BitableRecordTrigger

        with airflow_errors(), self._opened() as table:
            return BitableRecordTrigger(
                lark_conn_id=self.lark_conn_id,
                **table.table.ids,
                filter=table.build_filter(read_filter(self.filter)),
                condition=self._condition().limits,
                field_names=[table.primary_name, *self._filter_names(table)],
                limit=self._limit(),
                calls=self._calls().to_plain(),
                **polling,
            )

    def _finish(self, event: dict[str, Any]) -> dict[str, Any]:
        self._known_ids = (event["app_token"], event["table_id"])
        with airflow_errors(), self._opened() as table:
            ids = event["record_ids"]
            # what was changed or deleted since is told as it is now
            records = table.get(ids, field_names=self._wanted()).records if ids else []
        return self._tell(event["total"], records)

    @contextmanager
    def _opened(self) -> Iterator[RecordTable]:
        """Open the table; its place is looked up once, its fields by the first look."""
        from airflow_provider_lark.core.lark_side.record_table import RecordTable
        from airflow_provider_lark.core.lark_side.table import LarkTable
        from airflow_provider_lark.hooks.lark import LarkHook

        hook = LarkHook(self.lark_conn_id, **{name: getattr(self, name) for name in CALL_FIELDS})
        with hook.client() as client:
            place = self.table_place = self.table_place or self._find(hook, client)
            table = RecordTable(
                LarkTable(client, place.app_token, place.table_id),
                time_zone=read_zone(self.time_zone),
                find_user_ids=lambda emails: hook.user_directory(client).find_by_email(emails),
                fields=self._fields,
            )
            yield table

    def _find(self, hook: LarkHook, client: LarkClient) -> TablePlace:
        if self._known_ids:
            return TablePlace(hook.settings.host, *self._known_ids, given=self.base or self.table)
        return find_place(hook, client, self.table, self.base)

    def _calls(self) -> CallSettings:
        from airflow_provider_lark.hooks.calls.settings import CallSettings

        return CallSettings.read(timeout_seconds=self.timeout_seconds, proxy=self.proxy, call_retry=self.call_retry)

    def _wanted(self) -> list[str] | None:
        return read_list(self.field_names, "field_names")

    def _filter_names(self, table: RecordTable) -> list[str]:
        # a filter by a field that was renamed meanwhile may find nothing for ever; a field to read that is not there is
        # an error
        from airflow_provider_lark.core.lark_side.search_filter import fields_of

        return fields_of(table.build_filter(read_filter(self.filter)))

    def _tell(self, total: int, records: list[dict[str, Any]]) -> dict[str, Any]:
        place = self.table_place
        if place is None:
            raise RuntimeError("the table is found before it is told of")
        self.log.info("%s: total %d", place.uri, total)
        return {"app_token": place.app_token, "table_id": place.table_id, "total": total, "records": records}

    def _limit(self) -> int:
        limit = read_count(self.limit, "limit")
        if limit is not None and limit > SEARCH_PAGE_MAX:
            raise ConfigError(
                f"limit: {limit} is more than the {SEARCH_PAGE_MAX} records one poke can return; use "
                "BitableListRecordsOperator after the sensor to read more"
            )
        return 1 if limit is None else limit

    def _condition(self) -> RecordCondition:
        from airflow_provider_lark.hooks.record_condition import RecordCondition

        return RecordCondition.read(min_records=self.min_records, max_records=self.max_records)
