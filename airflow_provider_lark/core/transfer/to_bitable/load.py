"""Rows of SQL into a Bitable table: appended, in place of the old records, or matched by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from sqlalchemy import Engine

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.limits import BATCH_WRITE_MAX
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.connections import open_session, read_only_session
from airflow_provider_lark.core.database.lenient_loading import lenient
from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, ValueMismatch
from airflow_provider_lark.core.fields.field_column import UserKey
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.users import FindUserIds
from airflow_provider_lark.core.fields.zones import read_zone
from airflow_provider_lark.core.lark_side.base_zone import zone_or_base
from airflow_provider_lark.core.lark_side.unwritten_table import UnwrittenTable
from airflow_provider_lark.core.transfer.pairing import (
    FieldChoice,
    Names,
    name_keys,
    name_pairs,
    pair_with_columns,
    read_choice,
    writable_field,
)
from airflow_provider_lark.core.transfer.report import OnRowError, TransferReport, check_choice
from airflow_provider_lark.core.transfer.to_bitable.bitable_target import (
    FoundTable,
    find_table,
    finish_table,
    make_table,
    no_such_table,
)
from airflow_provider_lark.core.transfer.to_bitable.cell_digest import CellDigest
from airflow_provider_lark.core.transfer.to_bitable.cells import Encode
from airflow_provider_lark.core.transfer.to_bitable.load_modes import Append, Existing, Mode, Replace, Upsert
from airflow_provider_lark.core.transfer.to_bitable.record_index import RecordIndex
from airflow_provider_lark.core.transfer.to_bitable.record_writer import Item, RecordWriter
from airflow_provider_lark.core.transfer.to_bitable.sql_source import OpenSource, SqlSource
from airflow_provider_lark.core.transfer.to_bitable.sql_users import SqlUsers

LoadMode = Literal["append", "replace", "upsert"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How rows become records.

    :param key_fields: for ``upsert``: the fields by which a row finds its record.
    :param fields: column by field name, or the names that both sides share; default: every column of the source.
    :param create_table: make the table where the base has none of its name.
    :param batch_size: records a write call carries, at most 1000.
    :param time_zone: the zone of dates and of datetimes without one; default: the base's own.
    :param on_row_error: ``fail`` on the first row that Lark cannot hold, or ``skip`` and report it.
    :param allow_empty: ``replace`` may empty the table when the source has no rows.
    :param users: whether persons stand in SQL by ``id`` or by ``email``.
    :param dry_run: write nothing, in a session with the database that only reads, and report what would be written.
        Records that would be created are only counted: they have no id yet. What Lark makes of cells is not foreseen.
    :param seed: what stays the same when the transfer is tried again, so that no create is repeated; default: nothing.
    :raises ConfigError: an option is impossible.
    """

    mode: LoadMode = "append"
    key_fields: Sequence[str] = ()
    fields: FieldChoice = None
    create_table: bool = False
    batch_size: int = BATCH_WRITE_MAX
    time_zone: str | None = None
    on_row_error: OnRowError = "fail"
    allow_empty: bool = False
    users: UserKey = "id"
    seed: str = ""
    dry_run: bool = False

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, ("append", "replace", "upsert"))
        check_choice("on_row_error", self.on_row_error, ("fail", "skip"))
        check_batch_size(self.batch_size)
        if self.time_zone:
            read_zone(self.time_zone)
        if isinstance(self.key_fields, str):
            raise ConfigError("key_fields: expected a list of field names")
        if self.mode == "upsert" and not self.key_fields:
            raise ConfigError("mode 'upsert' needs key_fields, the fields that identify the record of a row")
        if self.mode != "upsert" and self.key_fields:
            raise ConfigError(f"key_fields: only supported in mode 'upsert', not {self.mode!r}")


def check_batch_size(size: int) -> None:
    """Check how many records a call carries.

    :raises ConfigError: it is not 1 to 1000.
    """
    if type(size) is not int or not 1 <= size <= BATCH_WRITE_MAX:
        raise ConfigError(f"batch_size must be 1 to {BATCH_WRITE_MAX}, got {size!r}")


def copy_to_bitable(
    client: LarkClient,
    engine: Engine,
    source: SqlSource,
    address: TableAddress,
    options: LoadOptions,
    *,
    find_user_ids: FindUserIds | None = None,
    clock: Clock | None = None,
) -> TransferReport:
    """Write the rows of *source* to the table of *address*, in calls of at most ``batch_size`` records.

    Memory does not grow with the number of rows or of records.

    :param find_user_ids: finds users by e-mail; see :meth:`.UserDirectory.find_by_email`.
    :raises SafetyStop: ``replace`` would empty the table; no record was deleted.
    :raises IncompleteRead: ``replace`` or ``upsert`` may not have seen all records; nothing was written.
    :raises RowError: Lark cannot hold a row and ``on_row_error`` is ``fail``; batches before it were written.
    :raises SchemaMismatch: a column or a field is missing, or they do not fit.
    """
    clock, users = clock or SystemClock(), SqlUsers(options.users, find_user_ids)
    started, calls = clock.now(), client.calls.snapshot()
    report = TransferReport("sql_to_bitable", options.mode, source=source.description)
    report.would = Foreseen() if options.dry_run else None
    session = read_only_session if options.dry_run else open_session
    with session(engine) as conn, lenient(conn), RecordIndex() as index, closing(source.open(conn)) as opened:
        found = find_table(client, address)
        fields = [] if found is None else found.fields
        choice = name_pairs(read_choice(options.fields), fields)
        options = replace(options, key_fields=name_keys(options.key_fields, fields))
        pairs = pair_with_columns(choice, opened.columns, where=source.description)
        if found is None:
            found = _make(client, address, pairs, opened, options, report.would)
        elif options.create_table:
            found = finish_table(found, pairs, opened, options.key_fields, report.would)
        if report.would is not None:
            found = replace(found, table=UnwrittenTable(found.table, report.would))
        report.target = f"table {found.table.table_id}"
        report.app_token, report.table_id = found.table.app_token, found.table.table_id
        _warn_of_order(opened, options, report)
        load = _Load(client, found, opened, pairs, options, index, users, report)
        load.run()
    report.finish(seconds=clock.now() - started, api_calls=client.calls.since(calls))
    return report


def _make(
    client: LarkClient,
    address: TableAddress,
    pairs: Names,
    opened: OpenSource,
    options: LoadOptions,
    would: Foreseen | None,
) -> FoundTable:
    if not options.create_table:
        raise no_such_table(address, create="create it, or set create_table=True")
    if unknown := set(options.key_fields) - {field for field, _ in pairs}:
        raise ConfigError(f"key_fields: {min(unknown)!r} is not among the fields that are written")
    return make_table(client, address, pairs, opened, options.key_fields, would)


def _warn_of_order(opened: OpenSource, options: LoadOptions, report: TransferReport) -> None:
    if options.mode == "append" and options.seed and not opened.is_ordered:
        report.warnings.append(
            f"{report.source}: the order of its rows is not defined (no primary key or ORDER BY); if a retry returns "
            "them in another order, records are created twice"
        )


class _Load:
    """One run: the source's rows, encoded, handed to the mode."""

    def __init__(
        self,
        client: LarkClient,
        found: FoundTable,
        opened: OpenSource,
        pairs: Names,
        options: LoadOptions,
        index: RecordIndex,
        users: SqlUsers,
        report: TransferReport,
    ) -> None:
        where = f"Bitable {report.target}"
        zone = zone_or_base(options.time_zone, client, found.table.app_token)
        fields = [writable_field(name, found.fields, where=where) for name, _ in pairs]
        columns = [column for _, column in pairs]
        self._cells: list[tuple[str, Encode]] = [
            (field.name, opened.encoder(column, field, zone, users))
            for field, column in zip(fields, columns, strict=True)
        ]
        by_email = users.key == "email"
        self._users = users
        self._user_places = [at for at, field in enumerate(fields) if by_email and field.type == FieldType.USER]
        self._opened, self._columns = opened, columns
        self._options, self._report = options, report
        seed = options.seed or str(uuid4())
        writer = RecordWriter(
            found.table,
            report,
            batch_size=options.batch_size,
            seed=seed,
            fields=found.fields,
            on_row_error=options.on_row_error,
            # the other modes find what was created, by key or as old records
            takes_back=options.mode == "append" and options.on_row_error == "fail",
        )
        existing = Existing(found, index)
        self._mode: Mode = _make_mode(options, fields, existing, writer, report)

    def run(self) -> None:
        self._mode.begin()
        for items in self._items():
            self._mode.take(items)
        self._mode.end()

    def _items(self) -> Iterator[list[Item]]:
        number = 0
        for rows in self._opened.rows(self._columns):
            items = []
            for at in self._user_places:
                self._users.look_up(row[at] for row in rows)
            for row in rows:
                number += 1
                try:
                    cells = {name: encode(value) for (name, encode), value in zip(self._cells, row, strict=True)}
                except ValueMismatch as error:
                    problem = ValueMismatch(f"row {number}: {error.message}")
                    self._report.skip(problem, self._options.on_row_error)
                else:
                    items.append(Item(number, cells))
            self._report.read = number
            yield items


def _make_mode(
    options: LoadOptions, fields: Sequence[Field], existing: Existing, writer: RecordWriter, report: TransferReport
) -> Mode:
    if options.mode == "append":
        return Append(writer)
    if options.mode == "replace":
        return Replace(fields[0].name, existing, writer, report, allow_empty=options.allow_empty)
    digest = CellDigest(fields, options.key_fields)
    return Upsert(digest, existing, writer, report, on_row_error=options.on_row_error)
