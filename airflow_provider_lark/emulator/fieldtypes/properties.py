"""``property`` of a field: checked on the way in, completed with the defaults that reads show (lark-api §3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.fieldtypes import numbers
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.tenant.kinds import PROPERTY_ERROR, UI_TYPES, FieldType

Property = dict[str, Any]

DATE_FORMATTERS: Final = frozenset(
    {
        *("yyyy/MM/dd", "yyyy/MM/dd HH:mm", "yyyy-MM-dd", "yyyy-MM-dd HH:mm"),
        *("MM-dd", "MM/dd/yyyy", "dd/MM/yyyy"),
    }
)
_SERIAL_PARTS: Final = {
    "system_number": re.compile(r"[1-9]"),
    "fixed_text": re.compile(r".{1,20}", re.DOTALL),
    "created_time": re.compile(r"yyyyMMdd|yyyyMM|yyyy|MMdd|MM|dd"),
}
"""Rules that a custom auto number is made of, and what their ``value`` may be."""
MAX_OPTIONS: Final = 20_000  # §2.7


def make_property(
    type_code: int, ui_type: str, given: object, *, ids: Ids, old: Property | None = None
) -> Property | None:
    """The property to hold for a field.

    :param given: as sent; ``None`` takes the defaults.
    :param old: the present property on an update, whose options keep their ids (§3.1).
    :raises ApiError: one of the ``*FieldPropertyError`` codes.
    """
    builder = _BUILDERS.get(type_code)
    if builder is None:
        if given is not None:
            raise invalid("property", given, f"field type {type_code} has no property")
        return None
    if given is not None and not isinstance(given, dict):
        raise _property_error(type_code, "property must be an object")
    return builder(type_code, ui_type, dict(given or {}), ids, old)


def check_needed(ui_type: str, given: object) -> None:
    """Refuse a property that lacks what its face needs.

    :raises ApiError: 1254081.
    """
    held = given if isinstance(given, dict) else {}
    missing = numbers.missing_members(ui_type, held)
    if missing:
        raise _property_error(FieldType.NUMBER, f"a property of {ui_type} needs {missing}")


def _property_error(type_code: int, detail: str) -> ApiError:
    return ApiError(PROPERTY_ERROR.get(type_code, 1254800), detail)


def _only(type_code: int, given: Property, *names: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise _property_error(type_code, f"unknown property members {unknown}")


def _require(type_code: int, given: object, allowed: Collection[str], name: str) -> None:
    if not isinstance(given, str) or given not in allowed:
        raise _property_error(type_code, f"{name} must be one of {sorted(allowed)}")


def _none(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> None:
    if given:
        raise _property_error(type_code, "this field type has no property")


def _text(type_code: int, ui_type: str, given: Property, _ids: Ids, _old: Property | None) -> Property | None:
    if ui_type == "Barcode":
        _only(type_code, given, "allowed_edit_modes")
        modes = given.get("allowed_edit_modes", {})
        known = isinstance(modes, dict) and not set(modes) - {"manual", "scan"}
        if not known or not all(isinstance(each, bool) for each in modes.values()):
            raise _property_error(type_code, "allowed_edit_modes must be {manual, scan}, each true or false")
        return {"allowed_edit_modes": {"manual": True, "scan": True, **modes}}
    _only(type_code, given)
    return None


def _number(type_code: int, ui_type: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    try:
        return numbers.complete(ui_type, given)
    except ValueError as exc:
        raise _property_error(type_code, str(exc)) from exc


def _select(type_code: int, _ui: str, given: Property, ids: Ids, old: Property | None) -> Property:
    _only(type_code, given, "options")
    options = given.get("options", [])
    if not isinstance(options, list) or len(options) > MAX_OPTIONS:
        raise _property_error(type_code, f"options must be a list of at most {MAX_OPTIONS}")
    known = {each["id"]: each for each in (old or {}).get("options", [])}
    built: list[Property] = []
    for position, option in enumerate(options):
        if not isinstance(option, dict) or not isinstance(option.get("name"), str):
            raise _property_error(type_code, "an option must be {name, color?}")
        _only(type_code, option, "id", "name", "color")
        if not option["name"].strip():
            raise ApiError(1254026, "an option needs a name")
        option_id = option.get("id")
        if option_id is not None and not (isinstance(option_id, str) and option_id in known):
            # §3.1: on create the id must not be given; on update it names an option that is there
            raise _property_error(type_code, "an option id must name an existing option")
        color = option.get("color", position % 55)
        if not isinstance(color, int) or isinstance(color, bool) or not 0 <= color <= 54:
            raise _property_error(type_code, "the color of an option must be 0..54")
        built.append({"id": option_id or ids.option(), "name": option["name"], "color": color})
    return {"options": built}


def _date(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    members = ("date_formatter", "auto_fill") if type_code == FieldType.DATE_TIME else ("date_formatter",)
    _only(type_code, given, *members)
    built: Property = {"date_formatter": "yyyy/MM/dd", **given}
    if type_code == FieldType.DATE_TIME:
        built.setdefault("auto_fill", False)
        if not isinstance(built["auto_fill"], bool):
            raise _property_error(type_code, "auto_fill must be true or false")
    _require(type_code, built["date_formatter"], DATE_FORMATTERS, "date_formatter")
    return built


def _multiple(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "multiple")
    built = {"multiple": True, **given}
    if not isinstance(built["multiple"], bool):
        raise _property_error(type_code, "multiple must be true or false")
    return built


def _link(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "multiple", "table_id", "table_name", "back_field_name", "back_field_id")
    built = {"multiple": True, **given}
    if not isinstance(built["multiple"], bool) or not isinstance(built.get("table_id"), str):
        raise _property_error(type_code, "a link needs multiple (bool) and table_id")
    if not isinstance(built.get("back_field_name") or "", str):
        raise _property_error(type_code, "back_field_name must be a string")
    return built


def _formula(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "formatter", "formula_expression", "type")
    built = {"formatter": "", "formula_expression": "", **given}
    if not isinstance(built["formatter"], str) or not isinstance(built["formula_expression"], str):
        raise _property_error(type_code, "formatter and formula_expression must be strings")
    _check_formula_type(type_code, built.get("type"))
    return built


def _check_formula_type(type_code: int, given: object) -> None:
    if given is None:
        return
    if not isinstance(given, dict) or set(given) - {"data_type", "ui_type", "ui_property"}:
        raise _property_error(type_code, "type is {data_type, ui_type, ui_property}")
    kind, face, settings = given.get("data_type"), given.get("ui_type"), given.get("ui_property")
    if not isinstance(kind, int) or isinstance(kind, bool) or kind not in UI_TYPES:
        raise _property_error(type_code, "data_type must be a field type")
    if not isinstance(face, str | None) or not isinstance(settings, dict | None):
        raise _property_error(type_code, "ui_type must be a string, ui_property an object")


def _location(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "location")
    location = given.get("location", {"input_type": "not_limit"})
    if not isinstance(location, dict) or set(location) - {"input_type"}:
        raise _property_error(type_code, "location is {input_type}")
    _require(type_code, location.get("input_type"), {"only_mobile", "not_limit"}, "location.input_type")
    return {"location": location}


def _auto_number(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "auto_serial")
    serial = given.get("auto_serial", {"type": "auto_increment_number"})
    options = serial.get("options", []) if isinstance(serial, dict) else None
    options = [] if options is None and isinstance(serial, dict) else options
    if not isinstance(options, list) or not all(isinstance(each, dict) for each in options):
        raise _property_error(type_code, "auto_serial is {type, options: [{type, value}]}")
    _only(type_code, serial, "type", "reformat_existing_records", "options")
    _require(type_code, serial.get("type"), {"auto_increment_number", "custom"}, "auto_serial.type")
    if not isinstance(serial.get("reformat_existing_records", False), bool):
        raise _property_error(type_code, "reformat_existing_records must be true or false")
    for option in options:
        _only(type_code, option, "type", "value")
        _require(type_code, option.get("type"), _SERIAL_PARTS, "auto_serial.options.type")
        if not _SERIAL_PARTS[option["type"]].fullmatch(str(option.get("value", ""))):
            raise _property_error(type_code, f"the value of {option['type']} is wrong or missing")
    return {"auto_serial": serial}


_Builder = Callable[[int, str, Property, Ids, Property | None], Property | None]
_BUILDERS: Final[dict[int, _Builder]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_SELECT: _select,
    FieldType.MULTI_SELECT: _select,
    FieldType.DATE_TIME: _date,
    FieldType.CHECKBOX: _none,
    FieldType.USER: _multiple,
    FieldType.PHONE: _none,
    FieldType.URL: _none,
    FieldType.ATTACHMENT: _none,
    FieldType.SINGLE_LINK: _link,
    FieldType.LOOKUP: _none,
    FieldType.FORMULA: _formula,
    FieldType.DUPLEX_LINK: _link,
    FieldType.LOCATION: _location,
    FieldType.GROUP_CHAT: _multiple,
    FieldType.STAGE: _none,
    FieldType.OBJECT: _none,
    FieldType.CREATED_TIME: _date,
    FieldType.MODIFIED_TIME: _date,
    FieldType.CREATED_USER: _none,
    FieldType.MODIFIED_USER: _none,
    FieldType.AUTO_NUMBER: _auto_number,
    FieldType.BUTTON: _none,
}
