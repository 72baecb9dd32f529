"""Changes to fields (lark-api §2.2, §2.7, §3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.fieldtypes.properties import check_needed, make_property
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.tenant.changes import FieldChanged, Tell, tell_nobody
from airflow_provider_lark.emulator.tenant.kinds import (
    LINKS,
    NOT_CREATABLE,
    PRIMARY_TYPES,
    PROPERTY_ERROR,
    SELECTS,
    UI_TYPES,
    FieldType,
)
from airflow_provider_lark.emulator.tenant.model import Base, Field, Table

# §2.7
MAX_FIELDS: Final = 300
MAX_FORMULAS: Final = 100

_DESCRIBES: Final = frozenset({"text", "disable_sync"})


@dataclass(frozen=True)
class SchemaEditing:
    """Where, when and by whom a schema changes."""

    base: Base
    ids: Ids
    now_ms: int
    actor: str
    by_person: bool
    tell: Tell = tell_nobody
    keeps_description: bool = False
    max_field_name: int = 100
    far_field_stays: bool = False

    @property
    def born_ms(self) -> int:
        """Birth of what is made: only what the API makes may be unknown to a replica at first (§2.8)."""
        return 0 if self.by_person else self.now_ms


def _checked_kind(editing: SchemaEditing, definition: Mapping[str, Any], is_now: int = 0) -> tuple[int, str]:
    type_code = definition.get("type")
    if not isinstance(type_code, int) or isinstance(type_code, bool) or type_code not in UI_TYPES:
        raise ApiError(1254012, f"unknown field type {type_code!r}")
    if type_code in NOT_CREATABLE and type_code != is_now and not editing.by_person:
        raise ApiError(1254012, f"field type {type_code} cannot be created by the API")
    ui_type = UI_TYPES[type_code][0] if definition.get("ui_type") in (None, "") else definition["ui_type"]
    if ui_type not in UI_TYPES[type_code]:
        raise ApiError(1254012, f"ui_type {ui_type!r} does not belong to field type {type_code}")
    return type_code, ui_type


def _checked_field_name(editing: SchemaEditing, table: Table, name: object, *, but: str = "") -> str:
    if not isinstance(name, str) or not name.strip():
        raise ApiError(1254028, "a field needs a name")
    if len(name.strip()) > editing.max_field_name:
        raise ApiError(1254029, f"a field name may have at most {editing.max_field_name} characters")
    found = table.field_named(name)
    if found is not None and found.field_id != but:
        raise ApiError(1254014, "the table already has a field of that name")
    return name.strip()


def _description_text(editing: SchemaEditing, given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, Mapping) and not editing.by_person:
        raise invalid("description", given, "description must be {text, disable_sync}")
    if isinstance(given, Mapping):  # written {text, disable_sync}, read as a string (§2.2)
        text, disable_sync = given.get("text"), given.get("disable_sync")
        fits = isinstance(text, str | None) and isinstance(disable_sync, bool | None)
        if not fits or set(given) - _DESCRIBES:
            raise invalid("description", given, "description must be {text, disable_sync}, a string and a boolean")
        return text or ""
    return str(given)


def add_field(editing: SchemaEditing, table: Table, definition: Mapping[str, Any]) -> Field:
    """Add a field; the first one of a table is its primary field."""
    name = _checked_field_name(editing, table, definition.get("field_name"))
    type_code, ui_type = _checked_kind(editing, definition)
    if len(table.fields) >= MAX_FIELDS:
        raise ApiError(1254105, f"a table may have at most {MAX_FIELDS} fields")
    formulas = sum(each.type == FieldType.FORMULA for each in table.fields)
    if type_code == FieldType.FORMULA and formulas >= MAX_FORMULAS:
        raise ApiError(1254105, f"a table may have at most {MAX_FORMULAS} formulas")
    is_primary = not table.fields
    if is_primary and type_code not in PRIMARY_TYPES:
        raise ApiError(1254012, f"a primary field cannot have type {type_code}")
    if not editing.by_person:
        check_needed(ui_type, definition.get("property"))
    made = make_property(type_code, ui_type, definition.get("property"), ids=editing.ids)
    column = Field(editing.ids.field(), name, type_code, ui_type, made, is_primary, created_ms=editing.born_ms)
    column.description = _description_text(editing, definition.get("description"))
    if type_code in LINKS:
        _tie_link(editing, table, column)
    table.fields.append(column)
    table.touch_schema()
    editing.base.revision += 1
    editing.tell(FieldChanged(editing.base, table, editing.actor, "field_added", None, column))
    return column


def _tie_link(editing: SchemaEditing, table: Table, column: Field) -> None:
    """Resolve the linked table; a two-way link gets its back field there (§3.1)."""
    settings = column.settings or {}
    target = editing.base.tables.get(settings["table_id"])
    if target is None:
        raise ApiError(PROPERTY_ERROR[column.type], "property.table_id is not a table of this base")
    settings["table_name"] = target.name
    if column.type != FieldType.DUPLEX_LINK:
        return
    back_name = settings.get("back_field_name") or f"{table.name}-{column.name}"
    back = Field(
        field_id=editing.ids.field(),
        name=_checked_field_name(editing, target, back_name),
        type=FieldType.DUPLEX_LINK,
        ui_type="DuplexLink",
        settings={
            "multiple": True,
            "table_id": table.table_id,
            "table_name": table.name,
            "back_field_name": column.name,
            "back_field_id": column.field_id,
        },
        created_ms=editing.born_ms,
    )
    target.fields.append(back)
    target.touch_schema()
    settings["back_field_name"] = back.name
    settings["back_field_id"] = back.field_id


def update_field(editing: SchemaEditing, table: Table, column: Field, definition: Mapping[str, Any]) -> Field:
    """Replace a field's definition.

    Through the API what is left out falls back to its default, so that a select loses its options and a field its
    description (§2.2: the definition is *replaced*); a person changes what is named and keeps the rest.

    :raises ApiError: 1254606 when nothing changes; 1254012 for a change of type while cells are filled,
        which the emulator does not convert.
    """
    name = _checked_field_name(editing, table, definition.get("field_name", column.name), but=column.field_id)
    type_code, ui_type = _checked_kind(editing, {"type": column.type, **definition}, column.type)
    if type_code == column.type and not definition.get("ui_type"):
        ui_type = column.ui_type
    if type_code != column.type and any(column.field_id in each.cells for each in table.records.values()):
        raise ApiError(1254012, "the emulator does not convert cells with values to another type")
    if column.is_primary and type_code not in PRIMARY_TYPES:
        raise ApiError(1254012, f"a primary field cannot have type {type_code}")
    description = column.description if editing.by_person or editing.keeps_description else ""
    if "description" in definition:
        description = _description_text(editing, definition["description"])
    made = _new_settings(editing, column, (type_code, ui_type), definition.get("property"))
    after = (name, type_code, ui_type, made, description)
    if after == (column.name, column.type, column.ui_type, column.settings, column.description):
        raise ApiError(1254606, "the update changes nothing")
    before = replace(column)
    column.name, column.type, column.ui_type, column.settings, column.description = after
    _tell_back_field(editing.base, column)
    _drop_lost_options(table, column)
    table.touch_schema()
    editing.base.revision += 1
    editing.tell(FieldChanged(editing.base, table, editing.actor, "field_edited", before, column))
    return column


def _new_settings(editing: SchemaEditing, column: Field, kind: tuple[int, str], given: object) -> dict[str, Any] | None:
    old = column.settings if kind[0] == column.type else None
    if given is None and old is not None and (editing.by_person or column.type in LINKS):
        return old
    if not editing.by_person:
        check_needed(kind[1], given)
    made = make_property(*kind, given, ids=editing.ids, old=old)
    if old is not None and made is not None and column.type in LINKS:
        return {**old, "multiple": made["multiple"]}
    return made


def _tell_back_field(base: Base, column: Field) -> None:
    """The far side of a two-way link shows this field's name."""
    settings = column.settings or {}
    target = base.tables.get(settings.get("table_id", ""))
    back = target.field_by_id(settings.get("back_field_id", "")) if target is not None else None
    if target is not None and back is not None and back.settings is not None:
        back.settings = {**back.settings, "back_field_name": column.name}
        target.touch_schema()


def _drop_lost_options(table: Table, column: Field) -> None:
    """Cells whose option is gone become empty (§3.1: keep ids to keep cells)."""
    if column.type not in SELECTS:
        return
    kept = {each["id"] for each in column.options}
    for record in list(table.records.values()):
        held = record.cells.get(column.field_id)
        chosen = [held] if isinstance(held, str) else held or []
        left = [each for each in chosen if each in kept]
        if len(left) == len(chosen):
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
        if editing.far_field_stays:
            _untie(target, back_id)
        else:
            _remove_column(target, back_id)
    editing.base.revision += 1
    editing.tell(FieldChanged(editing.base, table, editing.actor, "field_deleted", column, None))


def _untie(table: Table, field_id: str) -> None:
    """The far side of a two-way link lives on as a one-way link, with its cells."""
    column = table.field_by_id(field_id)
    if column is not None:
        kept = {name: value for name, value in (column.settings or {}).items() if not name.startswith("back_field")}
        column.type, column.ui_type, column.settings = FieldType.SINGLE_LINK, "SingleLink", kept
        table.touch_schema()


def _remove_column(table: Table, field_id: str) -> None:
    table.fields = [each for each in table.fields if each.field_id != field_id]
    for record in table.records.values():
        record.cells.pop(field_id, None)
    table.touch_schema()
