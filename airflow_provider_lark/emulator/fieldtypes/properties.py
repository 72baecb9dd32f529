"""``property`` of a field: checked on the way in, completed with the defaults that reads show (reference §3.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.fieldtypes.kinds import PROPERTY_ERROR, FieldType
from airflow_provider_lark.emulator.ids import Ids

Property = dict[str, Any]

NUMBER_FORMATTERS: Final = frozenset(
    {
        *("0", "0.0", "0.00", "0.000", "0.0000", "1,000", "1,000.00"),
        *("%", "0%", "0.0%", "0.00%", "¥", "¥0.00", "$", "$0.00"),
    }
)
DATE_FORMATTERS: Final = frozenset(
    {
        *("yyyy/MM/dd", "yyyy/MM/dd HH:mm", "yyyy-MM-dd", "yyyy-MM-dd HH:mm"),
        *("MM-dd", "MM/dd/yyyy", "dd/MM/yyyy"),
    }
)
NEEDED: Final = {
    "Progress": ("formatter",),
    "Currency": ("formatter", "currency_code"),
    "Rating": ("formatter", "min", "max"),
}
"""Members of a number's property that the platform calls required (§3.1)."""
_SERIAL_PARTS: Final = frozenset({"system_number", "fixed_text", "created_time"})
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
            raise invalid("property", given, f"field type {type_code} takes no property")
        return None
    if given is not None and not isinstance(given, dict):
        raise _property_error(type_code, "property must be an object")
    return builder(type_code, ui_type, dict(given or {}), ids, old)


def check_needed(ui_type: str, given: object) -> None:
    """Refuse a property that lacks what its face needs.

    :raises ApiError: 1254081.
    """
    held = given if isinstance(given, dict) else {}
    missing = [name for name in NEEDED.get(ui_type, ()) if name not in held]
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
        raise _property_error(type_code, f"{name} is one of {sorted(allowed)}")


def _none(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> None:
    if given:
        raise _property_error(type_code, "this field type takes no property")


def _text(type_code: int, ui_type: str, given: Property, _ids: Ids, _old: Property | None) -> Property | None:
    if ui_type == "Barcode":
        _only(type_code, given, "allowed_edit_modes")
        return {"allowed_edit_modes": given.get("allowed_edit_modes", {"manual": True, "scan": True})}
    _only(type_code, given)
    return None


def _number(type_code: int, ui_type: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    members = {
        "Number": ("formatter",),
        "Progress": ("formatter", "range_customize", "min", "max"),
        "Currency": ("formatter", "currency_code"),
        "Rating": ("formatter", "rating", "min", "max"),
    }[ui_type]
    _only(type_code, given, *members)
    by_ui_type: dict[str, Property] = {
        "Number": {"formatter": "0"},
        "Progress": {"formatter": "0%", "range_customize": False, "min": 0, "max": 1},
        "Currency": {"formatter": "0.00", "currency_code": "CNY"},
        "Rating": {"formatter": "0", "rating": {"symbol": "star"}, "min": 1, "max": 5},
    }
    built = {**by_ui_type[ui_type], **given}
    _require(type_code, built["formatter"], NUMBER_FORMATTERS, "formatter")
    return built


def _select(type_code: int, _ui: str, given: Property, ids: Ids, old: Property | None) -> Property:
    _only(type_code, given, "options")
    options = given.get("options", [])
    if not isinstance(options, list) or len(options) > MAX_OPTIONS:
        raise _property_error(type_code, f"options must be a list of at most {MAX_OPTIONS}")
    known = {each["id"]: each for each in (old or {}).get("options", [])}
    built: list[Property] = []
    for position, option in enumerate(options):
        if not isinstance(option, dict) or not isinstance(option.get("name"), str):
            raise _property_error(type_code, "an option is {name, color?}")
        if not option["name"].strip():
            raise ApiError(1254026, "an option needs a name")
        option_id = option.get("id")
        if option_id is not None and not (isinstance(option_id, str) and option_id in known):
            # §3.1: on create the id must not be given; on update it names an option that is there
            raise _property_error(type_code, "an option id must name an existing option")
        color = option.get("color", position % 55)
        if not isinstance(color, int) or not 0 <= color <= 54:
            raise _property_error(type_code, "an option colour is 0..54")
        built.append({"id": option_id or ids.option(), "name": option["name"], "color": color})
    return {"options": built}


def _date(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    members = ("date_formatter", "auto_fill") if type_code == FieldType.DATE_TIME else ("date_formatter",)
    _only(type_code, given, *members)
    built: Property = {"date_formatter": "yyyy/MM/dd", **given}
    if type_code == FieldType.DATE_TIME:
        built.setdefault("auto_fill", False)
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
    return built


def _formula(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "formatter", "formula_expression", "type")
    return {"formatter": "", "formula_expression": "", **given}


def _location(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "location")
    location = given.get("location", {"input_type": "not_limit"})
    if not isinstance(location, dict):
        raise _property_error(type_code, "location must be an object")
    _require(type_code, location.get("input_type"), {"only_mobile", "not_limit"}, "location.input_type")
    return {"location": location}


def _auto_number(type_code: int, _ui: str, given: Property, _ids: Ids, _old: Property | None) -> Property:
    _only(type_code, given, "auto_serial")
    serial = given.get("auto_serial", {"type": "auto_increment_number"})
    options = serial.get("options") or [] if isinstance(serial, dict) else None
    if not isinstance(options, list) or not all(isinstance(each, dict) for each in options):
        raise _property_error(type_code, "auto_serial is {type, options: [{type, value}]}")
    _require(type_code, serial.get("type"), {"auto_increment_number", "custom"}, "auto_serial.type")
    for option in options:
        _require(type_code, option.get("type"), _SERIAL_PARTS, "auto_serial.options.type")
        if option["type"] == "system_number" and not str(option.get("value", "1")).isdecimal():
            raise _property_error(type_code, "the value of system_number is its count of digits")
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
    FieldType.CREATED_TIME: _date,
    FieldType.MODIFIED_TIME: _date,
    FieldType.CREATED_USER: _none,
    FieldType.MODIFIED_USER: _none,
    FieldType.AUTO_NUMBER: _auto_number,
    FieldType.BUTTON: _none,
}
