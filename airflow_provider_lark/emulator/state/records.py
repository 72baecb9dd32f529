"""Writes to records: all or nothing, automatic fields kept, two-way links mirrored (lark-api §2.5, §3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.writing import Writing, parse_cell
from airflow_provider_lark.emulator.state import history
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.changes import RecordChange, RecordsChanged
from airflow_provider_lark.emulator.tenant.kinds import LINKS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Cells, Field, Record, Table, UserIdType, Version
from airflow_provider_lark.emulator.tenant.workflows import How


@dataclass(frozen=True)
class Edit:
    """Who writes where, and how."""

    state: State
    base: Base
    table: Table
    actor: str
    user_id_type: UserIdType = "open_id"
    by_person: bool = False
    how: How = "edit"
    """How a person changes them; the API's own way where it does."""
    unchecked: bool = False
    """ignore_consistency_check: replicas may lag behind this write (§2.3)."""
    member_id: str = ""
    """The caller, for row rights; empty: a person, from whom nothing is hidden."""

    @property
    def lags(self) -> bool:
        """Whether readers may see this write late."""
        return self.state.switches.replica_lag_seconds > 0 and (self.by_person or self.unchecked)

    def remember(self, record_id: str, replaced: Record | None, now_ms: int) -> None:
        """Keep the replaced version for lagging readers, or show the new one to all."""
        history.keep_replaced(self.table, record_id, replaced)
        if self.lags:
            history.remember(self.table, record_id, replaced, now_ms)
        else:
            self.table.history.pop(record_id, None)

    def keep_version(self, record_id: str, before: Cells | None, after: Cells | None) -> None:
        """Keep who changed the record."""
        version = Version(self.table.revision + 1, self.state.now_ms, self.actor, before, after)
        history.keep_version(self.table, record_id, version)

    def writing(self) -> Writing:
        """What turning values needs."""
        state = self.state
        return Writing(self.base, state.directory, state.ids, self.user_id_type, self.by_person, state.switches)


def create(edit: Edit, rows: Sequence[object]) -> list[str]:
    """Create a record a row and return the ids in order.

    :param rows: ``fields`` by name in write shape.
    """
    limit = edit.state.switches.max_records
    if limit is not None and len(edit.table.records) + len(rows) > limit:
        raise ApiError(1254103, f"the table may have at most {limit} records")
    writing = edit.writing()
    parsed = _parse_rows(edit, rows, writing)
    _add_options(edit.table, writing)
    now = edit.state.now_ms
    made: list[str] = []
    for changes in parsed:
        record_id = edit.state.ids.record()
        cells = {field_id: held for field_id, held in changes.items() if held is not None}
        serial = edit.table.next_serial
        edit.table.next_serial += 1
        edit.remember(record_id, None, now)
        edit.keep_version(record_id, None, cells)
        record = Record(record_id, cells, serial, now, now, edit.actor, edit.actor)
        edit.table.records[record_id] = record
        made.append(record_id)
    _mirror_links(edit, [(record_id, {}, edit.table.records[record_id].cells) for record_id in made])
    _bump(edit)
    records = [edit.table.records[record_id] for record_id in made]
    _announce(edit, [RecordChange(each.record_id, None, each.cells, each) for each in records])
    return made


def update(edit: Edit, rows: Sequence[tuple[str, object]]) -> None:
    """Change the named fields of records; ``None`` clears (§2.5)."""
    for record_id, _ in rows:
        require_record(edit, record_id)
    writing = edit.writing()
    parsed = _parse_rows(edit, [fields for _, fields in rows], writing)
    _add_options(edit.table, writing)
    now = edit.state.now_ms
    mirrored: list[tuple[str, Cells, Cells]] = []
    for (record_id, _), changes in zip(rows, parsed, strict=True):
        record = edit.table.records[record_id]
        cells = {**record.cells, **changes}
        cells = {field_id: held for field_id, held in cells.items() if held is not None}
        if cells == record.cells and not edit.state.switches.noop_update_touches:
            continue
        edit.remember(record_id, record, now)
        edit.keep_version(record_id, record.cells, cells)
        edit.table.records[record_id] = record.edited(cells, now, edit.actor)
        mirrored.append((record_id, record.cells, cells))
    _mirror_links(edit, mirrored)
    _bump(edit)
    _announce(edit, [RecordChange(*each) for each in mirrored])


def delete(edit: Edit, record_ids: Sequence[str]) -> None:
    """Delete records; links to them vanish."""
    for record_id in record_ids:
        require_record(edit, record_id)
    now = edit.state.now_ms
    gone = dict.fromkeys(record_ids)
    deleted: list[RecordChange] = []
    for record_id in gone:
        record = edit.table.records.pop(record_id)
        edit.remember(record_id, record, now)
        edit.keep_version(record_id, record.cells, None)
        deleted.append(RecordChange(record_id, record.cells, None, record))
    _drop_links_to(edit, set(gone))
    _bump(edit)
    _announce(edit, deleted)


def require_record(edit: Edit, record_id: object) -> Record:
    """The record, or the error that the platform gives."""
    if not isinstance(record_id, str) or not record_id.startswith("rec"):
        raise ApiError(1254006, "a record_id must begin with rec")
    record = edit.table.records.get(record_id)
    if record is None or (not edit.by_person and history.is_unborn(edit.state, edit.table, record_id)):
        raise ApiError(1254043, f"record {record_id} is not in table {edit.table.table_id}")
    if edit.member_id and edit.table.hides(record_id, edit.member_id):
        raise ApiError(edit.state.switches.hidden_record_code, "row rights hide the record from the caller")
    return record


def _bump(edit: Edit) -> None:
    edit.table.revision += 1
    edit.base.revision += 1


def _announce(edit: Edit, records: Sequence[RecordChange]) -> None:
    changed = [each for each in records if each.before != each.after]
    if changed:
        how = edit.how if edit.by_person else "api"
        edit.state.tell(RecordsChanged(edit.base, edit.table, edit.actor, changed, how))


def _parse_rows(edit: Edit, rows: Sequence[object], writing: Writing) -> list[Cells]:
    columns: dict[str, Field] = {}
    parsed: list[Cells] = []
    for row in rows:
        if not isinstance(row, Mapping):
            raise ApiError(1254001, "fields must be an object")
        changes: Cells = {}
        for name, given in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = _writable(edit, name)
            changes[column.field_id] = parse_cell(given, column, writing)
        parsed.append(changes)
    return parsed


def _writable(edit: Edit, name: str) -> Field:
    column = edit.table.field_named(name)
    if column is None:
        raise ApiError(1254045, f"table {edit.table.table_id} has no field of that name")
    if column.is_read_only:
        # §3.4 says "not writable" and names no code
        raise ApiError(1254015, f"field type {column.type} is read-only")
    return column


def _add_options(table: Table, writing: Writing) -> None:
    for field_id, options in writing.new_options.items():
        column = table.field_by_id(field_id)
        if column is not None and column.settings is not None:
            column.settings["options"] = [*column.options, *options]
    if writing.new_options:
        table.touch_schema()


def _mirror_links(edit: Edit, changes: Sequence[tuple[str, Cells, Cells]]) -> None:
    """Keep the far side of two-way links (§3.1 ``back_field_id``)."""
    for column in edit.table.fields:
        if column.type != FieldType.DUPLEX_LINK or column.settings is None:
            continue
        target = edit.base.tables.get(column.settings["table_id"])
        back_id = column.settings.get("back_field_id")
        if target is None or back_id is None:
            continue
        for record_id, old, new in changes:
            before, after = set(old.get(column.field_id, ())), set(new.get(column.field_id, ()))
            for far in before - after:
                _set_back_link(edit, target, far, back_id, record_id, linked=False)
            # in the order given, so that ids stay repeatable
            for far in [each for each in new.get(column.field_id, ()) if each in after - before]:
                _set_back_link(edit, target, far, back_id, record_id, linked=True)
        target.revision += 1


def _set_back_link(edit: Edit, target: Table, far: str, back_id: str, near: str, *, linked: bool) -> None:
    record = target.records.get(far)
    if record is None:
        return
    held = [each for each in record.cells.get(back_id, ()) if each != near]
    if linked:
        held.append(near)
    cells = {field_id: value for field_id, value in record.cells.items() if field_id != back_id}
    if held:
        cells[back_id] = held
    touched = edit.state.switches.back_link_touches
    modified_ms = edit.state.now_ms if touched else record.modified_ms
    target.records[far] = record.edited(cells, modified_ms, edit.actor if touched else record.modified_by)


def _drop_links_to(edit: Edit, gone: set[str]) -> None:
    for table in edit.base.tables.values():
        for column in table.fields:
            if column.type == FieldType.SINGLE_LINK and edit.state.switches.keeps_dead_links:
                continue
            if column.type in LINKS and (column.settings or {}).get("table_id") == edit.table.table_id:
                _drop_links_in(edit, table, column, gone)


def _drop_links_in(edit: Edit, table: Table, column: Field, gone: set[str]) -> None:
    touched = edit.state.switches.back_link_touches
    for record in list(table.records.values()):
        held = record.cells.get(column.field_id)
        if not held or gone.isdisjoint(held):
            continue
        left = [each for each in held if each not in gone]
        cells: dict[str, Any] = {**record.cells, column.field_id: left}
        if not left:
            del cells[column.field_id]
        modified_ms = edit.state.now_ms if touched else record.modified_ms
        actor = edit.actor if touched else record.modified_by
        table.records[record.record_id] = record.edited(cells, modified_ms, actor)
    table.revision += 1
