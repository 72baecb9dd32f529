"""Operators that read and write the records of a Bitable table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.core.errors import ConfigError, SafetyStop
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.hooks.parameters import (
    read_count,
    read_filter,
    read_ids,
    read_list,
    read_patch,
    read_rows,
    read_text,
)
from airflow_provider_lark.operators.records.base import BitableRecordsOperator, BitableWriteRecordsOperator
from airflow_provider_lark.operators.records.results import check_ids, check_size, gather, refuse_missing, write_lines

if TYPE_CHECKING:
    from airflow_provider_lark.core.lark_side.record_table import RecordTable, Search
    from airflow_provider_lark.operators.records.base import OpenedTable


class BitableListRecordsOperator(BitableRecordsOperator):
    """Reads records and returns ``{"records": [{"record_id", "fields"}], "total"}``, empty cells left out.

    :param filter: ``{"Status": "open", "Qty": {"isGreater": 3}, "Note": None}``, or Lark's own form.
    :param sort: names of fields, ``-`` in front for descending.
    :param view: only the records of this view, by id or name; not beside *filter* and *sort*. The view of an address
        counts where neither is given.
    :param field_names: only these fields.
    :param limit: at most so many records; *total* tells how many there are.
    :param output_path: write the records there instead, one JSON object a line; any Airflow object storage path.
    """

    lineage = "reads"
    template_fields: Sequence[str] = (
        *BitableRecordsOperator.template_fields,
        "filter",
        "sort",
        "view",
        "field_names",
        "limit",
        "output_path",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"filter": "json"}

    def __init__(
        self,
        *,
        filter: Mapping[str, Any] | str | None = None,
        sort: Sequence[Any] | str | None = None,
        view: str | None = None,
        field_names: Sequence[str] | str | None = None,
        limit: int | str | None = None,
        output_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filter = filter
        self.sort = sort
        self.view = view
        self.field_names = field_names
        self.limit = limit
        self.output_path = output_path

    def _work(self, table: RecordTable) -> dict[str, Any]:
        pages = table.search(self._search(table))
        output = read_text(self.output_path)
        if output is None:
            return gather(pages)
        from airflow.sdk import ObjectStoragePath

        path = ObjectStoragePath(output)
        with path.open("w", encoding="utf-8") as lines:  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
            return {"path": str(self.output_path), **write_lines(pages, lines)}

    def _search(self, table: RecordTable) -> Search:
        from airflow_provider_lark.core.lark_side.record_table import Search

        filter_ = read_filter(self.filter)
        sort = read_list(self.sort, "sort")
        view = read_text(self.view)
        if view is None and not filter_ and not sort and self.table_place:
            view = self.table_place.view_id or None
        return Search(
            filter=filter_,
            sort=sort,
            view_id=table.table.find_view(view) if view else None,
            field_names=read_list(self.field_names, "field_names"),
            limit=read_count(self.limit, "limit"),
        )


class BitableGetRecordsOperator(BitableRecordsOperator):
    """Reads records by id and returns ``{"records": [{"record_id", "fields"}], "missing", "forbidden"}``.

    :param record_ids: ids of records.
    :param if_missing: ``fail`` when one does not exist or may not be seen, or ``skip`` it.
    """

    lineage = "reads"
    template_fields: Sequence[str] = (*BitableRecordsOperator.template_fields, "record_ids")

    def __init__(
        self, *, record_ids: Sequence[str] | str, if_missing: Literal["fail", "skip"] = "fail", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.record_ids = record_ids
        self.if_missing = if_missing

    def _work(self, table: RecordTable) -> dict[str, Any]:
        ids = read_ids(self.record_ids)
        got = table.get(ids)
        if self.if_missing == "fail":
            refuse_missing([*got.missing, *got.forbidden])
        check_size(got.records, len(got.records))
        return asdict(got)


class BitableCreateRecordsOperator(BitableWriteRecordsOperator):
    """Creates records and returns ``{"created", "record_ids", "near_misses"}``, the ids in the order of the records.

    *near_misses* counts the records of which Lark's answer shows something else than was sent: trimmed, rounded.

    A task that is tried again creates nothing twice while its records stay the same: each batch goes under a token
    made from DAG, run, task and content, and Lark carries a token out once. Where Lark refuses a record, the others of
    its batch are taken back, so that the corrected task makes none twice.

    :param records: dictionaries of field names and values.
    :param return_ids: return the ids; must be off above 10,000 records.
    """

    template_fields: Sequence[str] = (*BitableWriteRecordsOperator.template_fields, "records")
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json"}

    def __init__(self, *, records: Sequence[Mapping[str, Any]] | str, return_ids: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.records = records
        self.return_ids = return_ids
        self._tries = 1

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        self._tries = getattr(opened.context["ti"], "try_number", 1)
        return super()._run(opened)

    def _work(self, table: RecordTable) -> dict[str, Any]:
        rows = read_rows(self.records, "records")
        check_ids(len(rows), wanted=self.return_ids and not self.is_dry_run)
        ids = table.create(rows)
        if self._tries > 1:
            # cleared after people have deleted its records, it is told their ids again
            table.table.refuse_replays(table.firsts_made)
        done = {"created": len(ids), **({"record_ids": ids} if self.return_ids else {})}
        return self._add_near_misses(table, done)


class BitableUpdateRecordsOperator(BitableWriteRecordsOperator):
    """Sets fields of records and returns ``{"updated", "near_misses"}``; None clears a cell, others stay.

    :param records: ``[{"record_id": "rec…", "fields": {…}}]``, as the list operator returns them.
    :param skip_read_only: leave out what Lark computes, such as formulas and creation times; refused otherwise.
    """

    template_fields: Sequence[str] = (*BitableWriteRecordsOperator.template_fields, "records")
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json"}

    def __init__(
        self, *, records: Sequence[Mapping[str, Any]] | str, skip_read_only: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.records = records
        self.skip_read_only = skip_read_only

    @property
    def _names_ids(self) -> bool:
        return True

    def _work(self, table: RecordTable) -> dict[str, Any]:
        patches = [read_patch(row, at) for at, row in enumerate(read_rows(self.records, "records"))]
        table.update(patches)
        return self._add_near_misses(table, {"updated": len(patches)})


class BitableUpsertRecordsOperator(BitableWriteRecordsOperator):
    """Updates the records that carry the rows' keys, creates the others, and leaves equal ones alone.

    Returns ``{"created", "updated", "unchanged", "record_ids", "near_misses"}``, the ids in the order of the rows. A
    key that two rows or two records carry is an error that names them; then nothing is written.

    :param records: dictionaries of field names and values.
    :param key_fields: the fields whose values together tell records apart.
    :param lookup: how to find records: ``filter``, ``scan``, or ``auto``, whichever takes fewer calls.
    :param return_ids: return the ids; must be off above 10,000 records.
    """

    template_fields: Sequence[str] = (*BitableWriteRecordsOperator.template_fields, "records", "key_fields")
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json"}

    def __init__(
        self,
        *,
        records: Sequence[Mapping[str, Any]] | str,
        key_fields: Sequence[str] | str,
        lookup: Literal["auto", "filter", "scan"] = "auto",
        return_ids: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.records = records
        self.key_fields = key_fields
        self.lookup = lookup
        self.return_ids = return_ids

    def _work(self, table: RecordTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.upsert import upsert_records

        rows = read_rows(self.records, "records")
        check_ids(len(rows), wanted=self.return_ids and not self.is_dry_run)
        keys = read_list(self.key_fields, "key_fields") or ()
        done = asdict(upsert_records(table, rows, keys, lookup=self.lookup))
        if not self.return_ids:
            del done["record_ids"]
        return self._add_near_misses(table, done)


class BitableDeleteRecordsOperator(BitableWriteRecordsOperator):
    """Deletes records by id, or those that meet a filter, and returns ``{"deleted", "missing"}``.

    :param record_ids: ids of records.
    :param filter: instead of ids; see :class:`BitableListRecordsOperator`. An empty one is refused.
    :param max_deletes: delete nothing when there are more.
    :param if_missing: ``skip`` records that are gone already, or ``fail``.
    """

    template_fields: Sequence[str] = (
        *BitableWriteRecordsOperator.template_fields,
        "record_ids",
        "filter",
        "max_deletes",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"filter": "json"}

    def __init__(
        self,
        *,
        record_ids: Sequence[str] | str | None = None,
        filter: Mapping[str, Any] | str | None = None,
        max_deletes: int | str = 500,
        if_missing: Literal["fail", "skip"] = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.record_ids = record_ids
        self.filter = filter
        self.max_deletes = max_deletes
        self.if_missing = if_missing

    @property
    def _names_ids(self) -> bool:
        return read_filter(self.filter) is None

    def _work(self, table: RecordTable) -> dict[str, Any]:
        ids = self._wanted(table)
        most = read_count(self.max_deletes, "max_deletes") or 0
        if len(ids) > most:
            raise SafetyStop(
                f"nothing was deleted: {counted(len(ids), 'record')} would be deleted, more than max_deletes ({most}) "
                "allows; raise max_deletes if that is intended"
            )
        if self.if_missing == "fail":
            got = table.get(ids)
            refuse_missing([*got.missing, *got.forbidden])
        missing = table.delete(ids)
        return {"deleted": len(ids) - len(missing), "missing": len(missing)}

    def _wanted(self, table: RecordTable) -> list[str]:
        filter_ = read_filter(self.filter)
        record_ids = None if self.record_ids == "None" else self.record_ids
        if (record_ids is None) == (filter_ is None):
            raise ConfigError("give either record_ids or a non-empty filter, not both")
        return read_ids(record_ids) if filter_ is None else table.find_ids(filter_)
