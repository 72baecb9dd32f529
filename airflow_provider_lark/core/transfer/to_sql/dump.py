"""Records of a Bitable table into a SQL table: only new ones, matched by key, or in place of the old rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, DuplicateKey, RowError, SafetyStop, ValueMismatch
from airflow_provider_lark.core.fields.field_column import UserKey
from airflow_provider_lark.core.fields.users import FindUserIds
from airflow_provider_lark.core.fields.zones import read_zone
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.base_zone import zone_or_base
from airflow_provider_lark.core.lark_side.count_check import CountCheck
from airflow_provider_lark.core.lark_side.search_filter import Filter, build_filter
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.pairing import FieldChoice, name_keys, name_pairs, read_choice
from airflow_provider_lark.core.transfer.report import OnRowError, TransferReport, check_choice
from airflow_provider_lark.core.transfer.to_sql.foreseeing import ForeseenLoading
from airflow_provider_lark.core.transfer.to_sql.loading import Loading
from airflow_provider_lark.core.transfer.to_sql.sql_target import SourceFields, TargetPlace, TargetTable, find_target
from airflow_provider_lark.core.transfer.to_sql.staging import RowValues

DumpMode = Literal["append", "upsert", "replace"]


@dataclass(frozen=True, slots=True)
class DumpOptions:
    """How records become rows.

    :param fields: column by field name, or the names that both sides share; default: every field with a column.
    :param view: only the records of this view, given by id or name; Lark knows no view beside a filter.
    :param filter: which records; see :func:`.build_filter`.
    :param create_table: make the table where there is none.
    :param time_zone: the zone of columns without one, and of dates; default: the base's own.
    :param users: keep persons by ``id`` or by ``email``, which needs the scope contact:user.email:readonly.
    :param on_row_error: ``fail`` when a record does not fit, with the table unchanged, or ``skip`` and report it.
    :param allow_empty: ``replace`` may empty the table when Lark shows no record.
    :param dry_run: write nothing to the table, and report what would be written. The records are collected in a
        temporary table of the session all the same, to be held against the rows.
    :raises ConfigError: an option is impossible.
    """

    mode: DumpMode = "append"
    fields: FieldChoice = None
    view: str = ""
    filter: Filter | None = None
    create_table: bool = False
    time_zone: str | None = None
    users: UserKey = "id"
    on_row_error: OnRowError = "fail"
    allow_empty: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, ("append", "upsert", "replace"))
        check_choice("users", self.users, ("id", "email"))
        check_choice("on_row_error", self.on_row_error, ("fail", "skip"))
        if self.time_zone:
            read_zone(self.time_zone)
        if self.view and self.filter:
            raise ConfigError("give either a view or a filter: Lark ignores the view when a filter is given")


def copy_to_sql(
    client: LarkClient,
    engine: Engine,
    address: TableAddress,
    place: TargetPlace,
    options: DumpOptions,
    *,
    find_user_ids: FindUserIds | None = None,
    clock: Clock | None = None,
) -> TransferReport:
    """Write the records of the table, or view, of *address* to the table of *place*, all in one transaction.

    The records are collected page by page in a temporary table first, so memory does not grow with their number, and
    readers of the target see it before or after, never half.

    :param find_user_ids: finds persons that the filter gives by e-mail.
    :raises SafetyStop: ``replace`` would empty the table.
    :raises IncompleteRead: ``replace`` may not have seen all records; the target is unchanged.
    :raises RowError: a record does not fit and ``on_row_error`` is ``fail``; the target is unchanged.
    :raises SchemaMismatch: a column or a field is missing, or they do not fit.
    """
    clock = clock or SystemClock()
    started, calls = clock.now(), client.calls.snapshot()
    report = TransferReport("bitable_to_sql", options.mode, target=f"table {place.label!r}")
    report.would = Foreseen() if options.dry_run else None
    found = client.bitable.locate(address)
    table = LarkTable(client, found.app_token, found.table_id)
    report.source, report.app_token, report.table_id = table.label, table.app_token, table.table_id
    fields = table.read_fields()
    zone = zone_or_base(options.time_zone, client, table.app_token)
    only = build_filter(options.filter, fields, time_zone=zone, find_user_ids=find_user_ids)
    with open_session(engine) as conn:
        choice = name_pairs(read_choice(options.fields), fields)
        source = SourceFields(f"Bitable table {table.table_id}", fields, choice, zone, options.users)
        keyed = replace(place, key_fields=name_keys(place.key_fields, fields))
        target = find_target(conn, keyed, source, create=options.create_table, would=report.would)
        conn.commit()
        _note_left_out(report, target)
        _check_key(options, place, target)
        view_id = table.find_view(options.view) if options.view else found.view_id
        _Dump(table, only, "" if only else view_id, conn, target, options, report).run()
    report.finish(seconds=clock.now() - started, api_calls=client.calls.since(calls))
    return report


def _note_left_out(report: TransferReport, target: TargetTable) -> None:
    if target.left_out:
        shown = ", ".join(target.left_out[:20]) + (" …" if len(target.left_out) > 20 else "")
        report.warnings.append(f"fields without a column of the same name were left out: {shown}")


def _check_key(options: DumpOptions, place: TargetPlace, target: TargetTable) -> None:
    if options.mode != "replace" and not target.key:
        raise ConfigError(
            f"mode {options.mode!r} must be able to identify rows: add a column "
            f"{place.record_id_column or 'lark_record_id'!r} with a UNIQUE constraint to the table, or set key_fields"
        )


class _Dump:
    """One run: pages into the staging table, checks, then the target."""

    def __init__(
        self,
        table: LarkTable,
        only: dict[str, Any],
        view_id: str,
        conn: Connection,
        target: TargetTable,
        options: DumpOptions,
        report: TransferReport,
    ) -> None:
        self._table = table
        self._filter = only
        self._view_id = view_id
        self._target = target
        self._options = options
        self._report = report
        self._staging: Loading | ForeseenLoading
        if report.would is None:
            self._staging = Loading(conn, target, self._skip, report.warnings.append)
        else:
            self._staging = ForeseenLoading(conn, target, report.would)
        self._key_fields = {each.field.name for each in target.bound if each.column.name in target.key}
        self._count = CountCheck()
        self._distinct = 0

    def run(self) -> None:
        self._staging.create()
        try:
            self._collect()
            self._check_complete()
            self._write()
        finally:
            self._staging.drop()

    def _collect(self) -> None:
        names = [each.field.name for each in self._target.bound]
        for page in self._table.search(names, filter=self._filter, view_id=self._view_id):
            self._count.see(page)
            self._report.read += len(page.items)
            new, refused = self._staging.add(list(self._rows(page.items)))
            self._distinct += new
            for problem in refused:
                self._report.skip(problem, self._options.on_row_error)
        for record_id in self._staging.duplicates():
            problem = DuplicateKey(
                f"record {record_id}: another record has the same key ({', '.join(self._target.key)}); give one of "
                "them another key"
            )
            self._report.skip(problem, self._options.on_row_error)

    def _rows(self, records: Sequence[WireRecord]) -> Iterator[tuple[str, RowValues]]:
        for record in records:
            try:
                values = self._values(record["fields"])
            except ValueMismatch as error:
                self._distinct += 1
                problem = ValueMismatch(f"record {record['record_id']}: {error.message}")
                self._report.skip(problem, self._options.on_row_error)
            else:
                yield record["record_id"], values

    def _values(self, cells: dict[str, Any]) -> RowValues:
        values = {each.column.name: each.bind(cells.get(each.field.name)) for each in self._target.bound}
        for each in self._target.bound:
            if each.field.name in self._key_fields and values[each.column.name] in (None, ""):
                raise ValueMismatch(f"key field {each.field.describe()} is empty")
        return values

    def _check_complete(self) -> None:
        """Hold what was read against what Lark counts.

        :raises IncompleteRead: something may be missing, and rows would be deleted for it.
        :raises SafetyStop: nothing came, and all rows would be deleted for it.
        """
        if self._options.mode != "replace":
            if complaint := self._count.complaint(self._distinct):
                self._report.warnings.append(f"{self._report.source}: {complaint}; the next run loads what is missing")
            return
        self._count.require_all(
            self._distinct, where=self._report.source, state=f"{self._report.target} was not changed"
        )
        if not len(self._staging) and not self._options.allow_empty and not self._staging.target_is_empty():
            raise SafetyStop(
                f"{self._report.source}: Lark returned no record that could be written, so {self._report.target} was "
                "not changed. In a base with advanced permissions, an app without permission also gets no records: "
                "give the app permission on the table, or if the table is really empty, set allow_empty=True"
            )

    def _skip(self, problem: RowError) -> None:
        self._report.skip(problem, self._options.on_row_error)

    def _write(self) -> None:
        report = self._report
        staged, skipped = len(self._staging), report.skipped
        if self._options.mode != "replace" and (why := self._staging.missing_undo()):
            report.warnings.append(
                f"{report.target}: {why}. Until then, rows written before a failure are not rolled back"
            )
        if self._options.mode == "replace":
            report.deleted, report.created = self._staging.replace()
            if report.created != staged - report.skipped + skipped:
                report.warnings.append(
                    f"{report.target}: the database reports that only {report.created} of {counted(staged, 'row')} "
                    "were inserted; check the table's triggers and rules"
                )
        elif self._options.mode == "append":
            report.created = self._staging.append()
            report.unchanged = staged - report.created - report.skipped + skipped
        else:
            report.updated, report.created = self._staging.upsert()
            report.unchanged = staged - report.created - report.updated - report.skipped + skipped
