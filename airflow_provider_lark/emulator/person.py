"""Edits by a person in the web page: no token, no quota, no write lock, and seen by clients only through reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.state import columns, schema
from airflow_provider_lark.emulator.state import records as edits
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.workflows import check_steps
from airflow_provider_lark.emulator.tenant.kinds import COMPUTED, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Table
from airflow_provider_lark.emulator.tenant.workflows import How


class Person:
    """What colleagues do by hand. Values are in write shape (lark-api §3.4), and beyond it: text as a list of
    segments, a location as an object.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def add_record(self, app_token: str, table_id: str, fields: Mapping[str, Any], *, actor: str | None = None) -> str:
        """Add a record and return its id."""
        return self.add_records(app_token, table_id, [fields], actor=actor)[0]

    def add_records(
        self,
        app_token: str,
        table_id: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        actor: str | None = None,
        how: How = "edit",
    ) -> list[str]:
        """Add records, any number, and return their ids in order.

        :param how: typed, pasted, imported, synced or made by another automation: see :data:`.CONTROLS`.
        """
        with self._state.lock:
            return edits.create(self._edit(app_token, table_id, actor, how), rows)

    def edit_record(
        self,
        app_token: str,
        table_id: str,
        record_id: str,
        fields: Mapping[str, Any],
        *,
        actor: str | None = None,
        how: How = "edit",
    ) -> None:
        """Change the named fields; ``None`` clears.

        :param how: as for :meth:`add_records`.
        """
        with self._state.lock:
            edits.update(self._edit(app_token, table_id, actor, how), [(record_id, fields)])

    def delete_record(self, app_token: str, table_id: str, record_id: str) -> None:
        """Delete a record."""
        self.delete_records(app_token, table_id, [record_id])

    def delete_records(self, app_token: str, table_id: str, record_ids: Sequence[str]) -> None:
        """Delete records, any number."""
        with self._state.lock:
            edits.delete(self._edit(app_token, table_id, None), record_ids)

    def set_computed(self, app_token: str, table_id: str, record_id: str, field: str, value: Any) -> None:
        """Seed a formula, lookup or stage cell, as the emulator computes nothing.

        :param value: as it is read, ``{"type": 2, "value": [3]}`` (§3.2), or a plain text, number or list of
            them, from which that is built; None empties the cell.
        """
        with self._state.lock:
            edit = self._edit(app_token, table_id, None)
            column = self._field(edit.table, field)
            if column.type not in COMPUTED:
                msg = f"field {field!r} is not computed: use edit_record"
                raise ValueError(msg)
            record = edits.require_record(edit, record_id)
            cells = {**record.cells, column.field_id: _computed(column, value)}
            if value is None:
                del cells[column.field_id]
            now = self._state.now_ms if self._state.switches.computed_touches else record.modified_ms
            edit.remember(record_id, record, self._state.now_ms)
            edit.table.records[record_id] = record.edited(cells, now, record.modified_by)
            edit.table.revision += 1

    def add_field(self, app_token: str, table_id: str, definition: Mapping[str, Any]) -> str:
        """Add a field of any type, also those that the API does not make; returns its id."""
        with self._state.lock:
            base, table = self._table(app_token, table_id)
            return columns.add_field(self._state.editing(base, by_person=True), table, definition).field_id

    def rename_field(self, app_token: str, table_id: str, field: str, name: str) -> None:
        """Rename a field (given by name or id); its cells stay."""
        self._change_field(app_token, table_id, field, {"field_name": name})

    def set_options(self, app_token: str, table_id: str, field: str, options: Sequence[Mapping[str, Any]]) -> None:
        """Replace the options of a select field; those with their id keep their cells (§3.1)."""
        self._change_field(app_token, table_id, field, {"property": {"options": [dict(each) for each in options]}})

    def delete_field(self, app_token: str, table_id: str, field: str) -> None:
        """Delete a field with its cells."""
        with self._state.lock:
            base, table = self._table(app_token, table_id)
            columns.delete_field(self._state.editing(base, by_person=True), table, self._field(table, field))

    def change_type(self, app_token: str, table_id: str, field: str, definition: Mapping[str, Any]) -> None:
        """Give a field another type; its cells are emptied, as the emulator converts none."""
        with self._state.lock:
            _, table = self._table(app_token, table_id)
            column = self._field(table, field)
            for record in list(table.records.values()):
                if column.field_id in record.cells:
                    cells = {name: held for name, held in record.cells.items() if name != column.field_id}
                    table.records[record.record_id] = record.edited(cells, record.modified_ms, record.modified_by)
            self._change_field(app_token, table_id, field, definition)

    def rename_table(self, app_token: str, table_id: str, name: str) -> None:
        """Rename a table."""
        with self._state.lock:
            base, table = self._table(app_token, table_id)
            schema.rename_table(self._state.editing(base, by_person=True), table, name)

    def records(self, app_token: str, table_id: str) -> list[dict[str, Any]]:
        """All records as the page shows them: ``{"record_id", "fields"}`` in read shape."""
        with self._state.lock:
            base, table = self._table(app_token, table_id)
            reading = Reading(base, table, self._state.directory, origin=self._state.origin)
            return [
                {"record_id": each.record_id, "fields": dict(reading.fields_of(each))}
                for each in table.records.values()
            ]

    def fields(self, app_token: str, table_id: str) -> dict[str, str]:
        """Field ids by name."""
        with self._state.lock:
            return {each.name: each.field_id for each in self._table(app_token, table_id)[1].fields}

    def _change_field(self, app_token: str, table_id: str, field: str, definition: Mapping[str, Any]) -> None:
        with self._state.lock:
            base, table = self._table(app_token, table_id)
            column = self._field(table, field)
            columns.update_field(self._state.editing(base, by_person=True), table, column, definition)

    def set_workflow(self, app_token: str, workflow_id: str, **changes: Any) -> None:
        """Change an automation in the web page.

        :param changes: ``title``, ``steps`` and ``enabled``; what is left out stays.
        """
        with self._state.lock:
            base = self._state.bases[app_token]
            workflow = base.workflows[workflow_id]
            if "steps" in changes:
                checked = check_steps(base, changes["steps"], self._state.switches)
                workflow.steps, workflow.table_ids = checked
            workflow.title = changes.get("title", workflow.title)
            workflow.is_enabled = changes.get("enabled", workflow.is_enabled)
            workflow.updater_id, workflow.updated = self._state.person.open_id, self._state.now_ms // 1000

    def delete_workflow(self, app_token: str, workflow_id: str) -> None:
        """Delete an automation."""
        with self._state.lock:
            del self._state.bases[app_token].workflows[workflow_id]

    def _edit(self, app_token: str, table_id: str, actor: str | None, how: How = "edit") -> edits.Edit:
        base, table = self._table(app_token, table_id)
        return edits.Edit(self._state, base, table, actor or self._state.person.open_id, by_person=True, how=how)

    def _table(self, app_token: str, table_id: str) -> tuple[Base, Table]:
        base = self._state.bases.get(app_token)
        if base is None:
            raise ApiError(91402, f"no base {app_token}")
        table = base.tables.get(table_id)
        if table is None:
            raise ApiError(1254041, f"no table {table_id}")
        return base, table

    def _field(self, table: Table, name_or_id: str) -> Field:
        column = table.field_by_id(name_or_id) or table.field_named(name_or_id)
        if column is None:
            raise ApiError(1254045, f"no field {name_or_id!r}")
        return column


def _computed(column: Field, value: Any) -> Any:
    if column.type == FieldType.STAGE or (isinstance(value, Mapping) and "value" in value):
        return value
    values = value if isinstance(value, list) else [value]
    if values and all(isinstance(each, str) for each in values):
        return {"type": FieldType.TEXT.value, "value": [{"text": each, "type": "text"} for each in values]}
    if all(isinstance(each, bool) for each in values):
        return {"type": FieldType.CHECKBOX.value, "value": values}
    return {"type": FieldType.NUMBER.value, "value": values}
