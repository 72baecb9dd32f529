"""Creating, changing and deleting tables and fields; each operation is idempotent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.limits import FIELDS_PER_TABLE_MAX
from airflow_provider_lark.core.errors import ConfigError, LarkError, OutcomeUnknown, SchemaMismatch, UnexpectedAnswer
from airflow_provider_lark.core.fields.schema import Field, FieldType, find_field
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.lark_side.table_completion import complete_table, is_leftover

IfExists = Literal["fail", "skip"]

TABLE_NAME_MAX = 100
_NAME_TAKEN = 1254014
_NOT_IN_NAMES = re.compile(r"[/\\?*:\[\]]")

_LOOKS = {"Email": 1, "Barcode": 1, "Progress": 2, "Currency": 2, "Rating": 2}
"""Types that are another one with another face, by Lark's ui_type."""

_NEEDED: dict[str, dict[str, Any]] = {
    "Progress": {"formatter": "0%"},
    "Currency": {"formatter": "0.00", "currency_code": None},
    "Rating": {"formatter": "0", "min": 1, "max": 5},
}
"""What Lark's guide to fields marks as required in a property, and what is usual; None: there is nothing usual."""

_TYPES: dict[str, tuple[int, str | None]] = {
    **{member.label.lower(): (int(member), None) for member in FieldType},
    **{name.lower(): (code, name) for name, code in _LOOKS.items()},
}
_MEMBERS = ("name", "type", "ui_type", "property", "description", "options")


@dataclass(frozen=True, slots=True)
class Made:
    """A table or a field, and whether it had to be created."""

    id: str
    created: bool


def read_definition(given: Mapping[str, Any] | str, *, where: str = "field") -> dict[str, Any]:
    """Return a field's definition in Lark's form.

    >>> read_definition({"name": "Status", "type": "SingleSelect", "options": ["open", "done"]})["property"]
    {'options': [{'name': 'open'}, {'name': 'done'}]}

    :param given: a name, for a text field; ``{"name", "type", "options", "property", "description"}``, where *type* is
        Lark's number or name (``SingleSelect``, ``Rating``); or Lark's own form with ``field_name``.
    :raises ConfigError: name or type is missing or unknown.
    """
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, Mapping):
        raise ConfigError(f'{where}: expected a name or a dictionary such as {{"name": "Qty", "type": "Number"}}')
    members = {("name" if name == "field_name" else name): value for name, value in given.items()}
    if unknown := sorted(set(members) - set(_MEMBERS)):
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(_MEMBERS)}")
    name = members.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{where}: has no name")
    code, look = _read_type(members.get("type", FieldType.TEXT), where=f"{where} {name!r}")
    definition: dict[str, Any] = {"field_name": name.strip(), "type": code}
    if look := members.get("ui_type") or look:
        definition["ui_type"] = look
    property_ = dict(members.get("property") or {})
    if options := members.get("options"):
        property_["options"] = [{"name": each} if isinstance(each, str) else dict(each) for each in options]
    if property_:
        definition["property"] = property_
    if members.get("description") is not None:
        definition["description"] = _describe(members["description"])
    return definition


def ensure_table(
    client: LarkClient,
    app_token: str,
    name: str,
    definitions: Iterable[Mapping[str, Any] | str],
    *,
    if_exists: IfExists,
) -> Made:
    """Create a table, the first field of which is the primary one; or find it where that is allowed.

    A creation without an answer is looked up, so a repetition does not fail on its own table. Fields that Lark left out
    are made, also where an earlier try ended between the two.

    :param if_exists: ``skip`` takes a table of that name whose fields have these names and types.
    :raises SchemaMismatch: the table exists, or exists otherwise.
    """
    fields = [_complete(read_definition(each, where=f"fields[{at}]")) for at, each in enumerate(definitions)]
    check_design(name, fields)
    tables = {table.name: table.table_id for table in client.bitable.list_tables(app_token=app_token)}
    if name in tables:
        table = LarkTable(client, app_token, tables[name])
        if is_leftover(table, fields):
            complete_table(table, fields)
            return Made(table.table_id, created=True)
        if if_exists == "fail":
            raise SchemaMismatch(f"table {name!r} already exists; set if_exists='skip' to use it")
        _compare(table, fields)
        return Made(table.table_id, created=False)
    try:
        table_id = client.bitable.create_table(app_token=app_token, name=name, fields=fields)
    except (OutcomeUnknown, UnexpectedAnswer):
        # there was no table of that name, so one that is there now is ours
        tables = {table.name: table.table_id for table in client.bitable.list_tables(app_token=app_token)}
        if name not in tables:
            raise
        table_id = tables[name]
    complete_table(LarkTable(client, app_token, table_id), fields)
    return Made(table_id, created=True)


def drop_table(client: LarkClient, app_token: str, table_id: str) -> None:
    """Delete a table with its records; one that is gone although no answer came counts as deleted."""
    try:
        client.bitable.delete_table(app_token=app_token, table_id=table_id)
    except OutcomeUnknown:
        if any(table.table_id == table_id for table in client.bitable.list_tables(app_token=app_token)):
            raise


def ensure_field(
    table: LarkTable,
    definition: Mapping[str, Any] | str,
    *,
    if_exists: IfExists,
    client_token: str,
) -> Made:
    """Create a field, or find it where that is allowed.

    :param if_exists: ``skip`` takes a field of that name and type.
    :param client_token: a UUID of version 4; the same one again creates nothing.
    :raises SchemaMismatch: the field exists, or exists with another type.
    """
    wanted = read_definition(definition)
    if if_exists == "skip":
        existing = next((each for each in table.read_fields() if each.name == wanted["field_name"]), None)
        if existing is not None:
            _check_type(existing, wanted)
            return Made(existing.field_id, created=False)
    wanted = _complete(wanted)
    try:
        # where an earlier try made it under this token, Lark answers as it did then
        made = table.client.bitable.create_field(**table.ids, field=wanted, client_token=client_token)
        return Made(made["field_id"], created=True)
    except LarkError as error:
        if error.code != _NAME_TAKEN:
            raise
        raise SchemaMismatch(
            f"field {wanted['field_name']!r} already exists; set if_exists='skip' to use it"
        ) from error


def change_field(table: LarkTable, field: str, changes: Mapping[str, Any]) -> tuple[Field, bool]:
    """Change a field and return it as it is now, and whether anything changed.

    What *changes* does not name stays. Options keep their ids, and so their cells, by their names; those that are
    not named again are removed, as Lark does with their cells.

    :param field: its name or its id.
    :param changes: ``name``, ``type``, ``property``, ``description``, ``options``; see :func:`read_definition`.
    """
    bitable = table.client.bitable
    wires = bitable.list_fields(**table.ids)
    by_id = {wire["field_id"]: wire["field_name"] for wire in wires}
    current = find_field(by_id.get(field, field), list(map(Field.from_wire, wires)), where=table.label)
    described = next((wire.get("description") for wire in wires if wire["field_id"] == current.field_id), None)
    wanted = _merge(current, changes, described)
    changed = Field.from_wire(bitable.update_field(**table.ids, field_id=current.field_id, field=wanted))
    is_redescribed = _describe(wanted.get("description")) != _describe(described)
    return changed, changed != current or is_redescribed


def _merge(current: Field, changes: Mapping[str, Any], described: Any) -> dict[str, Any]:
    if not changes:
        raise ConfigError("changes: is empty; give name, type, options, property or description")
    same_type = "type" not in changes
    kept = {"name": current.name, **({"type": int(current.type), "ui_type": current.ui_type} if same_type else {})}
    # Lark replaces the whole definition: what is not sent again may be lost
    wanted = read_definition({**kept, "description": described, **changes}, where=f"field {current.name!r}")
    if same_type and current.property:
        wanted["property"] = {**current.property, **wanted.get("property", {})}
    known = {option["name"]: option for option in current.property.get("options") or () if "name" in option}
    if options := wanted.get("property", {}).get("options"):
        wanted["property"]["options"] = [{**known.get(option.get("name"), {}), **option} for option in options]
    return _complete(wanted)


def _complete(definition: dict[str, Any]) -> dict[str, Any]:
    """Return *definition* with what Lark needs in its property.

    :raises ConfigError: something is missing that only a person can know.
    """
    needed = _NEEDED.get(definition.get("ui_type") or "")
    if needed is None:
        return definition
    property_ = {**needed, **definition.get("property", {})}
    if missing := [name for name, value in property_.items() if value is None]:
        raise ConfigError(
            f"field {definition['field_name']!r}: property needs {missing[0]}; "
            'for an amount of money use {"property": {"currency_code": "USD"}}'
        )
    return {**definition, "property": property_}


def _read_type(given: Any, *, where: str) -> tuple[int, str | None]:
    if isinstance(given, int) and not isinstance(given, bool):
        return int(given), None
    name = str(given).replace("_", "").replace(" ", "").lower()
    if name in _TYPES:
        return _TYPES[name]
    names = [*(member.label for member in FieldType), *_LOOKS]
    there_are = f"there are: {', '.join(names)}"
    raise ConfigError(f"{where}: has an unknown type; {did_you_mean(given, names, otherwise=there_are)}")


def _describe(description: Any) -> Any:
    if isinstance(description, list):
        description = "".join(str(part.get("text", "")) for part in description)
    return {"text": description} if isinstance(description, str) else description or {"text": ""}


def check_design(name: str, fields: Sequence[Mapping[str, Any]]) -> None:
    """Check a table before it is created.

    :raises ConfigError: Lark would refuse its name or its fields.
    """
    if not 1 <= len(name.strip()) <= TABLE_NAME_MAX or _NOT_IN_NAMES.search(name):
        raise ConfigError(f"table name: must have 1 to {TABLE_NAME_MAX} characters and none of / \\ ? * : [ ]")
    names = [field["field_name"] for field in fields]
    if twins := sorted({each for each in names if names.count(each) > 1}):
        raise ConfigError(f"fields: {twins[0]!r} is listed twice")
    if not 1 <= len(fields) <= FIELDS_PER_TABLE_MAX:
        raise ConfigError(f"fields: a table must have 1 to {FIELDS_PER_TABLE_MAX} fields, got {len(fields)}")


def _compare(table: LarkTable, wanted: Sequence[Mapping[str, Any]]) -> None:
    existing = table.read_fields()
    for each in wanted:
        _check_type(find_field(each["field_name"], existing, where=table.label), each)


def _check_type(existing: Field, wanted: Mapping[str, Any]) -> None:
    look = wanted.get("ui_type")
    if existing.type != wanted["type"] or (look and existing.ui_type and look != existing.ui_type):
        asked = Field("", existing.name, wanted["type"], look).type_label
        raise SchemaMismatch(
            f"field {existing.describe()} exists but does not have type {asked}; rename or change one of them"
        )
