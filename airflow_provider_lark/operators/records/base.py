"""What the Bitable operators share: reaching a base or a table, telling lineage and outlets, opening it in Lark."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.core.api.wire.limits import BATCH_WRITE_DEFAULT
from airflow_provider_lark.core.dry_run import Foreseen, tell
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import TABLE_SUCH_AS, need_text, read_count, read_zone
from airflow_provider_lark.hooks.table_place import TablePlace, find_place, read_address
from airflow_provider_lark.operators.calling import CallingOperator
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.lineage import collect_lineage, count_changes, openlineage_facets, tell_outlets
from airflow_provider_lark.operators.links import BitableTableLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.accounts.users import UserDirectory
    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.core.lark_side.record_table import RecordTable
    from airflow_provider_lark.core.lark_side.table import LarkTable
    from airflow_provider_lark.hooks.lark import LarkHook

COUNTS = ("created", "updated", "unchanged", "deleted", "missing", "written", "transferred", "skipped")
"""What a result may count; it goes into the events of outlets."""

_LISTS = ("records", "tables", "fields")


@dataclass(frozen=True)
class OpenedTable:
    """What a task works with."""

    hook: LarkHook
    client: LarkClient
    place: TablePlace
    context: Context

    @property
    def table(self) -> LarkTable:
        """The table that the task works on."""
        from airflow_provider_lark.core.lark_side.table import LarkTable

        return LarkTable(self.client, self.place.app_token, self.place.table_id)

    def find_user_ids(self, emails: Sequence[str]) -> Mapping[str, str | None]:
        """Return the open_id of each e-mail address, None for nobody."""
        return self._people.find_by_email(emails)

    @cached_property
    def _people(self) -> UserDirectory:
        # opens a database, and most tasks name nobody
        return self.hook.user_directory(self.client)


class BitableOperator(CallingOperator):
    """Works on one base.

    :param base: the base: its app_token, its address (also ``/wiki/…``), or a name from the connection's *bases*.
    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = ("base", "lark_conn_id", *CallingOperator.template_fields)
    operator_extra_links = (BitableTableLink(),)
    ui_color = "#d6e8ff"

    lineage: ClassVar[Literal["reads", "writes", ""]] = ""

    def __init__(self, *, base: str | None = None, lark_conn_id: str = "lark_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base = base
        self.lark_conn_id = lark_conn_id
        self.table_place: TablePlace | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the work and return what was found or done, as plain data."""
        from airflow_provider_lark.hooks.lark import LarkHook

        with airflow_errors():
            hook = LarkHook(self.lark_conn_id, **self.call_settings)
            with hook.client(stop=self.stop_flag) as client:
                self.table_place = self._find(hook, client)
                result = self._run(OpenedTable(hook, client, self.table_place, context))
        # a table that was just made has its id only now
        place = self.table_place
        counts = {name: result[name] for name in COUNTS if isinstance(result.get(name), int)}
        self._log_counts(place, counts, result)
        if place.table_id and not result.get("dry_run"):
            collect_lineage(hook, **self._lineage(place))
            uploaded = counts.get("transferred", 0) if self.lineage == "writes" else 0
            tell_outlets(context, self.outlets, place, counts, changed=count_changes(counts) + uploaded)
        ids = {"app_token": place.app_token, "table_id": place.table_id}
        return {**{name: id_ for name, id_ in ids.items() if id_}, **result}

    @abstractmethod
    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        """Do the work and return what was found or done, as plain data."""

    def _find(self, hook: LarkHook, client: LarkClient) -> TablePlace:
        from airflow_provider_lark.core.api.address import parse_base

        address = parse_base(need_text(self.base, "base", such_as=TABLE_SUCH_AS), bases=hook.bases)
        app_token = client.bitable.locate_base(address)
        return TablePlace(hook.settings.host, app_token, given=self.base or "")

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the table that was read or written, for OpenLineage."""
        place = self.table_place
        if self.is_dry_run:
            return None
        return openlineage_facets(**self._lineage(place)) if place and place.table_id else None

    def _log_counts(self, place: TablePlace, counts: Mapping[str, int], result: Mapping[str, Any]) -> None:
        self.log.info("%s: %s", place.uri, _summarize(counts, result))

    def _lineage(self, place: TablePlace) -> dict[str, Any]:
        return {"reads": {"inputs": [place]}, "writes": {"outputs": [place]}}.get(self.lineage, {})


class BitableTableOperator(BitableOperator):
    """Works on one table.

    :param table: the table: ``MyDB:users``, an address with ``?table=`` (also ``/wiki/…``), or with *base* its id or
        name.
    :param base: see :class:`BitableOperator`; for a *table* that names no base.
    """

    template_fields: Sequence[str] = ("table", *BitableOperator.template_fields)

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table

    def _find(self, hook: LarkHook, client: LarkClient) -> TablePlace:
        return find_place(hook, client, self.table, self.base)

    def _address(self, hook: LarkHook) -> TableAddress:
        """Read what the parameters name, without asking Lark."""
        return read_address(hook, self.table, self.base)


class BitableRecordsOperator(BitableTableOperator):
    """Works on the records of one table.

    :param time_zone: name of the zone of dates, and of datetimes that say none; default: the base's own.
    """

    template_fields: Sequence[str] = (*BitableTableOperator.template_fields, "time_zone")

    batch_size: int | str = BATCH_WRITE_DEFAULT
    skip_read_only = False

    def __init__(self, *, time_zone: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.time_zone = time_zone

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.record_table import RecordTable
        from airflow_provider_lark.core.transfer.batch_tokens import batch_token

        seed = token_seed(opened.context, opened.place)
        table = RecordTable(
            self._written(opened.table),
            new_token=lambda number, body: batch_token(seed, number, body),
            batch_size=read_count(self.batch_size, "batch_size") or 0,
            time_zone=read_zone(self.time_zone),
            find_user_ids=opened.find_user_ids,
            skip_read_only=self.skip_read_only,
        )
        return self._work(table)

    def _written(self, table: LarkTable) -> LarkTable:
        """Return what is read and written."""
        return table

    @abstractmethod
    def _work(self, table: RecordTable) -> dict[str, Any]:
        """Do the work on the records and return what was found or done, as plain data."""


class BitableWriteRecordsOperator(DryRunOperator, BitableRecordsOperator):
    """Writes records of one table.

    A dry run makes the reads of the task, and returns what the task would, without ids, and with ``would``: how many
    records of each kind, and the ids of the first; records to create have none, so they are counted only.

    :param batch_size: records a write call carries, at most 1000.
    """

    lineage = "writes"
    template_fields: Sequence[str] = (*BitableRecordsOperator.template_fields, "batch_size")

    def __init__(self, *, batch_size: int | str = BATCH_WRITE_DEFAULT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_size = batch_size
        self._foreseen = Foreseen()

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        done = super()._run(opened)
        if not self.is_dry_run:
            return done
        done.pop("record_ids", None)
        return tell(done, self._foreseen.to_dict())

    def _written(self, table: LarkTable) -> LarkTable:
        if not self.is_dry_run:
            return table
        from airflow_provider_lark.core.lark_side.unwritten_table import UnwrittenTable

        return UnwrittenTable(table, self._foreseen, looks=self._names_ids)

    @property
    def _names_ids(self) -> bool:
        """Whether the task is given ids of records, which may not be there."""
        return False

    def _add_near_misses(self, table: RecordTable, result: dict[str, Any]) -> dict[str, Any]:
        """Tell, also in the log, of how many records Lark's answer shows something else than was sent."""
        if told := table.near_misses.describe():
            self.log.warning("%s: %s", table.table.label, told)
        return {**result, "near_misses": table.near_misses.count}


def _summarize(counts: Mapping[str, int], result: Mapping[str, Any]) -> str:
    """Say how many, and nothing of what stands in them."""
    numbers = {**counts, **{name: len(part) for name, part in result.items() if name in _LISTS}}
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def token_seed(context: Context, place: TablePlace) -> str:
    """Return what all tries of one task share, and no other task or table has."""
    ti = context["ti"]
    parts = (ti.dag_id, context["run_id"], ti.task_id, ti.map_index, place.app_token, place.table_id)
    return json.dumps([str(part) for part in parts])
