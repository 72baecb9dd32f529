"""Changes to tables, fields and views (reference §2.2, §2.7, §3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.kinds import (
    LINKS,
    NOT_CREATABLE,
    PRIMARY_TYPES,
    PROPERTY_ERROR,
    UI_TYPES,
    FieldType,
)
from airflow_provider_lark.emulator.fieldtypes.properties import make_property
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state.model import Base, Field, Record, Table, View

# §2.7
MAX_TABLES: Final = 100
MAX_FIELDS: Final = 300
MAX_VIEWS: Final = 200
MAX_NAME: Final = 100
DEFAULT_ROWS: Final = 10

_FORBIDDEN_IN_TABLE_NAME: Final = re.compile(r"[/\\?*:\[\]]")
VIEW_TYPES: Final = frozenset({"grid", "kanban", "gallery", "gantt", "form"})


@dataclass(frozen=True)
class SchemaEditing:
    """Where and when a schema change happens."""

    base: Base
    ids: Ids
    now_ms: int
    actor: str


def check_table_name(base: Base, name: object, *, but: str = "") -> str:
    """A table name that may be used: 1..100 characters, unique in the base (§2.2 notes)."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME or _FORBIDDEN_IN_TABLE_NAME.search(name):
        raise ApiError(1254001, r"a table name has 1-100 characters and none of / \ ? * : [ ]")
    if any(each.name == name and each.table_id != but for each in base.tables.values()):
        raise ApiError(1254013, "the base has a table of that name")
    return name


def add_table(
    editing: SchemaEditing,
    name: object,
    fields: Sequence[Mapping[str, Any]],
    *,
    default_view_name: str = "Grid View",
    by_person: bool = False,
) -> Table:
    """Add a table; without *fields* it gets one text field."""
    base = editing.base
    checked = check_table_name(base, name)
    if len(base.tables) >= MAX_TABLES:
        raise ApiError(1254100, f"a base holds at most {MAX_TABLES} tables")
    table = Table(editing.ids.table(), checked, created_ms=editing.now_ms)
    table.views.append(View(editing.ids.view(), default_view_name))
    base.tables[table.table_id] = table
    try:
        for definition in fields or [{"field_name": "Text", "type": 1}]:
            add_field(editing, table, definition, by_person=by_person)
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


def delete_table(editing: SchemaEditing, table: Table) -> None:
    """Delete a table; the last one stays (1254034)."""
    if len(editing.base.tables) == 1:
        raise ApiError(1254034, "the last table of a base cannot be deleted")
    del editing.base.tables[table.table_id]
    editing.base.revision += 1


def _checked_kind(definition: Mapping[str, Any], *, by_person: bool) -> tuple[int, str]:
    type_code = definition.get("type")
    if not isinstance(type_code, int) or type_code not in UI_TYPES:
        raise ApiError(1254012, f"unknown field type {type_code!r}")
    if type_code in NOT_CREATABLE and not by_person:
        raise ApiError(1254012, f"field type {type_code} cannot be made by the API")
    ui_type = definition.get("ui_type") or UI_TYPES[type_code][0]
    if ui_type not in UI_TYPES[type_code]:
        raise ApiError(1254012, f"ui_type {ui_type!r} does not belong to field type {type_code}")
    return type_code, ui_type


def _checked_field_name(table: Table, name: object, *, but: str = "") -> str:
    if not isinstance(name, str) or not name.strip():
        raise ApiError(1254028, "a field needs a name")
    found = table.field_named(name)
    if found is not None and found.field_id != but:
        raise ApiError(1254014, "the table has a field of that name")
    return name.strip()


def _description_text(given: object) -> str:
    if given is None:
        return ""
    if isinstance(given, Mapping):  # written {text, disable_sync}, read as a string (§2.2)
        return str(given.get("text", ""))
    return str(given)


def add_field(editing: SchemaEditing, table: Table, definition: Mapping[str, Any], *, by_person: bool = False) -> Field:
    """Add a field; the first one of a table is its primary field."""
    name = _checked_field_name(table, definition.get("field_name"))
    type_code, ui_type = _checked_kind(definition, by_person=by_person)
    if len(table.fields) >= MAX_FIELDS:
        raise ApiError(1254105, f"a table holds at most {MAX_FIELDS} fields")
    is_primary = not table.fields
    if is_primary and type_code not in PRIMARY_TYPES:
        raise ApiError(1254012, f"a primary field cannot have type {type_code}")
    made = make_property(type_code, ui_type, definition.get("property"), ids=editing.ids)
    column = Field(editing.ids.field(), name, type_code, ui_type, made, is_primary, created_ms=editing.now_ms)
    column.description = _description_text(definition.get("description"))
    if type_code in LINKS:
        _tie_link(editing, table, column)
    table.fields.append(column)
    table.touch_schema()
    editing.base.revision += 1
    return column


def _tie_link(editing: SchemaEditing, table: Table, column: Field) -> None:
    """Resolve the linked table; a two-way link gets its back field there (§3.1)."""
    settings = column.settings or {}
    target = editing.base.tables.get(settings["table_id"])
    if target is None:
        raise ApiError(PROPERTY_ERROR[column.type], "property.table_id names no table of this base")
    settings["table_name"] = target.name
    if column.type != FieldType.DUPLEX_LINK:
        return
    back_name = settings.get("back_field_name") or f"{table.name}-{column.name}"
    back = Field(
        field_id=editing.ids.field(),
        name=_checked_field_name(target, back_name),
        type=FieldType.DUPLEX_LINK,
        ui_type="DuplexLink",
        settings={
            "multiple": True,
            "table_id": table.table_id,
            "table_name": table.name,
            "back_field_name": column.name,
            "back_field_id": column.field_id,
        },
        created_ms=editing.now_ms,
    )
    target.fields.append(back)
    target.touch_schema()
    settings["back_field_name"] = back.name
    settings["back_field_id"] = back.field_id


def update_field(
    editing: SchemaEditing,
    table: Table,
    column: Field,
    definition: Mapping[str, Any],
    *,
    by_person: bool = False,
) -> Field:
    """Replace a field's definition; its property is replaced whole (§2.2).

    :raises ApiError: 1254606 when nothing changes; 1254012 for a change of type while cells are filled,
        which the emulator does not convert.
    """
    name = _checked_field_name(table, definition.get("field_name", column.name), but=column.field_id)
    type_code, ui_type = _checked_kind({"ui_type": None, "type": column.type, **definition}, by_person=by_person)
    if type_code == column.type and not definition.get("ui_type"):
        ui_type = column.ui_type
    if type_code != column.type and any(column.field_id in each.cells for each in table.records.values()):
        raise ApiError(1254012, "the emulator does not convert filled cells to another type")
    if column.is_primary and type_code not in PRIMARY_TYPES:
        raise ApiError(1254012, f"a primary field cannot have type {type_code}")
    old = column.settings if type_code == column.type else None
    given = definition.get("property")
    made = (
        old if given is None and old is not None else make_property(type_code, ui_type, given, ids=editing.ids, old=old)
    )
    if old is not None and made is not None and type_code in LINKS:
        made = {**old, "multiple": made["multiple"]}
    description = column.description
    if "description" in definition:
        description = _description_text(definition["description"])
    after = (name, type_code, ui_type, made, description)
    if after == (column.name, column.type, column.ui_type, column.settings, column.description):
        raise ApiError(1254606, "nothing changes")
    column.name, column.type, column.ui_type, column.settings, column.description = after
    _drop_lost_options(table, column)
    table.touch_schema()
    editing.base.revision += 1
    return column


def _drop_lost_options(table: Table, column: Field) -> None:
    """Cells whose option is gone become empty (§3.1: keep ids to keep cells)."""
    if column.type not in {FieldType.SINGLE_SELECT, FieldType.MULTI_SELECT}:
        return
    kept = {each["id"] for each in column.options}
    for record in list(table.records.values()):
        held = record.cells.get(column.field_id)
        if held is None:
            continue
        left = [each for each in ([held] if isinstance(held, str) else held) if each in kept]
        if isinstance(held, list) and len(left) == len(held):
            continue
        if isinstance(held, str) and left:
            continue
        cells = {**record.cells, column.field_id: left}
        if not left:
            del cells[column.field_id]
        table.records[record.record_id] = record.edited(cells, record.modified_ms, record.modified_by)


def delete_field(editing: SchemaEditing, table: Table, column: Field) -> None:
    """Delete a field with its cells; the primary one stays (1254046)."""
    if column.is_primary:
        raise ApiError(1254046, "the primary field cannot be deleted")
    _remove_column(table, column.field_id)
    back_id = (column.settings or {}).get("back_field_id")
    target = editing.base.tables.get((column.settings or {}).get("table_id", ""))
    if column.type == FieldType.DUPLEX_LINK and back_id and target is not None:
        _remove_column(target, back_id)
    editing.base.revision += 1


def _remove_column(table: Table, field_id: str) -> None:
    table.fields = [each for each in table.fields if each.field_id != field_id]
    for record in table.records.values():
        record.cells.pop(field_id, None)
    table.touch_schema()


def add_view(editing: SchemaEditing, table: Table, name: object, view_type: object) -> View:
    """Add a view (§2.2)."""
    if not isinstance(name, str) or not name.strip():
        raise ApiError(1254021, "a view needs a name")
    if view_type not in VIEW_TYPES:
        raise ApiError(1254019, f"view_type is one of {sorted(VIEW_TYPES)}")
    if any(each.name == name for each in table.views):
        raise ApiError(1254020, "the table has a view of that name")
    if len(table.views) >= MAX_VIEWS:
        raise ApiError(1254101, f"a table holds at most {MAX_VIEWS} views")
    view = View(editing.ids.view(), name, str(view_type))
    table.views.append(view)
    return view


def delete_view(table: Table, view: View) -> None:
    """Delete a view; the last one stays (1254023)."""
    if len(table.views) == 1:
        raise ApiError(1254023, "the last view of a table cannot be deleted")
    table.views.remove(view)
