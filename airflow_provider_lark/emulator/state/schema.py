"""Changes to tables and views (lark-api §2.2, §2.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.state.columns import SchemaEditing, add_field
from airflow_provider_lark.emulator.tenant.changes import tell_nobody
from airflow_provider_lark.emulator.tenant.kinds import LINKS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Record, Table, View

# §2.7
MAX_TABLES: Final = 100
MAX_VIEWS: Final = 200
MAX_NAME: Final = 100
DEFAULT_ROWS: Final = 10

_FORBIDDEN_IN_VIEW_NAME: Final = re.compile(r"[\[\]]")
_FORBIDDEN_IN_TABLE_NAME: Final = re.compile(r"[/\\?*:\[\]]")
VIEW_TYPES: Final = frozenset({"grid", "kanban", "gallery", "gantt", "form"})


def check_table_name(base: Base, name: object, *, but: str = "") -> str:
    """A table name that may be used: 1..100 characters, unique in the base (§2.2 notes)."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME or _FORBIDDEN_IN_TABLE_NAME.search(name):
        raise ApiError(1254001, r"a table name must have 1-100 characters and none of / \ ? * : [ ]")
    name = name.strip()
    if any(each.name == name and each.table_id != but for each in base.tables.values()):
        raise ApiError(1254013, "the base already has a table of that name")
    return name


def check_table_count(base: Base, more: int) -> None:
    """Whether the base takes so many more tables (§2.7)."""
    if len(base.tables) + more > MAX_TABLES:
        raise ApiError(1254100, f"a base may have at most {MAX_TABLES} tables")


def add_table(
    editing: SchemaEditing,
    name: object,
    fields: Sequence[Mapping[str, Any]],
    *,
    default_view_name: str = "Grid View",
) -> Table:
    """Add a table; without *fields* it gets one text field."""
    base = editing.base
    checked = check_table_name(base, name)
    check_table_count(base, 1)
    if any(each.get("type") == FieldType.ATTACHMENT and each.get("property") is not None for each in fields):
        raise invalid("property", "", "an attachment field must not have a property, not even {}")  # §9.17
    table = Table(editing.ids.table(), checked, created_ms=editing.born_ms)
    table.views.append(View(editing.ids.view(), check_view_name(table, default_view_name)))
    base.tables[table.table_id] = table
    try:
        # a new table's fields are part of it, and no news of their own
        quiet = replace(editing, tell=tell_nobody)
        for definition in fields or [{"field_name": "Text", "type": 1}]:
            add_field(quiet, table, definition)
    except ApiError:
        del base.tables[table.table_id]
        raise
    base.revision += 1
    return table


def add_default_table(editing: SchemaEditing) -> Table:
    """The table a fresh base comes with: default fields and blank rows (§2.2 notes, §9.18)."""
    definitions = [
        {"field_name": "Text", "type": FieldType.TEXT},
        {"field_name": "Single option", "type": FieldType.SINGLE_SELECT},
        {"field_name": "Date", "type": FieldType.DATE_TIME},
        {"field_name": "Attachment", "type": FieldType.ATTACHMENT},
    ]
    table = add_table(editing, "Table", definitions)
    for _ in range(DEFAULT_ROWS):
        record_id = editing.ids.record()
        now = editing.now_ms
        table.records[record_id] = Record(record_id, {}, table.next_serial, now, now, editing.actor, editing.actor)
        table.next_serial += 1
    return table


def rename_table(editing: SchemaEditing, table: Table, name: object) -> None:
    """Rename a table; link fields show the new name (§3.1 ``table_name``)."""
    base = editing.base
    if name is None or name == "":
        # answered with success, and the name stays
        return
    table.name = check_table_name(base, name, but=table.table_id)
    for column in [each for other in base.tables.values() for each in other.fields if each.type in LINKS]:
        if column.settings is not None and column.settings["table_id"] == table.table_id:
            column.settings = {**column.settings, "table_name": table.name}
    base.revision += 1


def delete_table(editing: SchemaEditing, table: Table) -> None:
    """Delete a table; the last one stays (1254034)."""
    if len(editing.base.tables) == 1:
        raise ApiError(1254034, "the last table of a base cannot be deleted")
    del editing.base.tables[table.table_id]
    editing.base.revision += 1


def check_view_name(table: Table, name: object, *, but: str = "") -> str:
    """A view name that may be used: 1..100 characters, none of them a bracket, unique in the table (§2.9)."""
    if not isinstance(name, str) or not name.strip():
        raise ApiError(1254021, "a view needs a name")
    if len(name.strip()) > MAX_NAME or _FORBIDDEN_IN_VIEW_NAME.search(name):
        raise ApiError(1254022, "a view name may have at most 100 characters and none of [ ]")
    if any(each.name == name.strip() and each.view_id != but for each in table.views):
        raise ApiError(1254020, "the table already has a view of that name")
    return name.strip()


def add_view(editing: SchemaEditing, table: Table, name: object, view_type: object) -> View:
    """Add a view (§2.2)."""
    checked = check_view_name(table, name)
    if not isinstance(view_type, str) or view_type not in VIEW_TYPES:
        raise ApiError(1254019, f"view_type must be one of {sorted(VIEW_TYPES)}")
    if len(table.views) >= MAX_VIEWS:
        raise ApiError(1254101, f"a table may have at most {MAX_VIEWS} views")
    view = View(editing.ids.view(), checked, view_type, created_ms=editing.born_ms)
    table.views.append(view)
    return view


def delete_view(table: Table, view: View) -> None:
    """Delete a view; the last one stays (1254023)."""
    if len(table.views) == 1:
        raise ApiError(1254023, "the last view of a table cannot be deleted")
    table.views.remove(view)
