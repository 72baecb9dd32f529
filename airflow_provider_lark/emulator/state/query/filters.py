"""``filter`` of records/search: checked, then compiled into one predicate (lark-api §4.1 to §4.4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.state.query import days
from airflow_provider_lark.emulator.state.query.values import LIST_TYPES, TEXT_TYPES, getter
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.directory import Directory
from airflow_provider_lark.emulator.tenant.kinds import DATES, LINKS, SELECTS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record, Table, UserIdType

Predicate = Callable[[Record], bool]

MAX_CONDITIONS: Final = 50
MAX_VALUES: Final = 10
MAX_LENGTH: Final = 2000

_EMPTY: Final = frozenset({"isEmpty", "isNotEmpty"})
_EQUAL: Final = frozenset({"is", "isNot"}) | _EMPTY
_CONTAIN: Final = frozenset({"contains", "doesNotContain"}) | _EQUAL
_GREATER: Final = frozenset({"isGreater", "isLess"})
_RANGE: Final = frozenset({"isGreaterEqual", "isLessEqual"})
OPERATORS: Final = _CONTAIN | _GREATER | _RANGE


@dataclass(frozen=True)
class Filtering:
    """What a filter is read against."""

    base: Base
    table: Table
    directory: Directory
    switches: Switches
    now_ms: int
    user_id_type: UserIdType = "open_id"


def is_relative(filter_: object) -> bool:
    """Whether the filter depends on today's date, so that its result must not be kept."""
    return any(f'"{each}"' in json.dumps(filter_) for each in days.ANY_OPERATOR | days.ONLY_IS)


def compile_filter(filter_: object, filtering: Filtering) -> Predicate | None:
    """A predicate over records; ``None`` for a filter without conditions.

    :raises ApiError: 1254018, 1254107, or 99992402 for values of the wrong JSON type.
    """
    if filter_ is None or filter_ == {}:
        return None
    if not isinstance(filter_, Mapping):
        # also [], "", 0 and false, which select nothing and everything by turns elsewhere
        raise ApiError(1254018, "filter must be an object")
    if len(json.dumps(filter_, ensure_ascii=False, separators=(",", ":"))) > MAX_LENGTH:
        raise ApiError(1254107, f"a filter may have at most {MAX_LENGTH} characters")
    children = [] if filter_.get("children") is None else filter_["children"]
    if not isinstance(children, list):
        raise invalid("filter.children", children, "children must be a list")
    groups = [each.get("conditions") for each in [filter_, *children] if isinstance(each, Mapping)]
    if sum(len(each) for each in groups if isinstance(each, list)) > MAX_CONDITIONS:
        raise ApiError(1254018, f"a filter may have at most {MAX_CONDITIONS} conditions")
    parts = _conditions(filter_, filtering)
    if children and not filtering.switches.conditions_beside_children:
        parts = []
    for child in children:
        if not isinstance(child, Mapping) or child.get("children"):
            raise ApiError(1254018, "children of a filter cannot have children")
        if nested := _conditions(child, filtering):
            parts.append(_join(child, nested))
    return _join(filter_, parts) if parts else None


def _join(group: Mapping[str, Any], parts: list[Predicate]) -> Predicate:
    conjunction = group.get("conjunction")
    if conjunction not in ("and", "or"):
        raise ApiError(1254018, "conjunction must be and / or")
    if len(parts) == 1:
        return parts[0]
    if conjunction == "and":
        return lambda record: all(part(record) for part in parts)
    return lambda record: any(part(record) for part in parts)


def _conditions(group: Mapping[str, Any], filtering: Filtering) -> list[Predicate]:
    _known_only(group, {"conjunction", "conditions", "children"}, "filter", filtering)
    if group.get("conjunction") not in (None, "and", "or"):
        raise ApiError(1254018, "conjunction must be and / or")
    conditions = [] if group.get("conditions") is None else group["conditions"]
    if not isinstance(conditions, list):
        raise invalid("filter.conditions", conditions, "conditions must be a list")
    return [compile_condition(each, filtering) for each in conditions]


def _known_only(given: Mapping[str, Any], known: set[str], where: str, filtering: Filtering) -> None:
    unknown = sorted(set(given) - known)
    if unknown and filtering.switches.strict_parameters:
        raise invalid(f"{where}.{unknown[0]}", "", f"{where}: unknown member {unknown[0]!r}")


def compile_condition(condition: object, filtering: Filtering) -> Predicate:
    """One condition ``{field_name, operator, value}``."""
    if not isinstance(condition, Mapping):
        raise ApiError(1254018, "a condition must be {field_name, operator, value}")
    _known_only(condition, {"field_name", "operator", "value"}, "filter.conditions", filtering)
    operator = condition.get("operator")
    value = condition.get("value")
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise ApiError(1254018, f"unknown operator {operator!r}")
    if value is None:
        raise ApiError(1254018, "value must be present, [] for isEmpty / isNotEmpty")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid("filter.conditions.value", value, "value must be a list of strings")
    if len(value) > MAX_VALUES:
        raise ApiError(1254018, f"value may have at most {MAX_VALUES} elements")
    name = condition.get("field_name")
    column = filtering.table.field_named(name) if isinstance(name, str) else None
    if column is None:
        if filtering.switches.unknown_filter_field == "empty":
            return lambda _record: False
        raise ApiError(1254018, "the filter contains an unknown field")
    return _compile(column, operator, value, filtering)


def _compile(column: Field, operator: str, value: list[str], filtering: Filtering) -> Predicate:
    get = getter(column, filtering.base)
    if operator in _EMPTY:
        if column.type in {FieldType.LOOKUP, FieldType.FORMULA, FieldType.BUTTON, FieldType.CHECKBOX}:
            raise _unfit(column, operator)
        if value:
            raise ApiError(1254018, f"{operator} needs the value []")
        if operator == "isEmpty":
            return lambda record: not _filled(get(record))
        return lambda record: _filled(get(record))
    if column.type in DATES:
        return _date(column, operator, value, filtering)
    if column.type == FieldType.CHECKBOX:
        return _checkbox(column, operator, value, get)
    if column.type == FieldType.NUMBER:
        return _number(column, operator, value, get)
    if column.type in TEXT_TYPES:
        return _text(column, operator, value, get, filtering)
    if column.type in LIST_TYPES:
        return _list(column, operator, value, get, filtering)
    # lookup and formula cannot be filtered (§4.1), attachments only by isEmpty/isNotEmpty (§4.3)
    raise _unfit(column, operator)


def _filled(value: object) -> bool:
    return value is not None and value not in ("", [])


def _unfit(column: Field, operator: str) -> ApiError:
    return ApiError(1254018, f"field type {column.type} does not support operator {operator}")


def _one(value: list[str]) -> str:
    if len(value) != 1:
        raise ApiError(1254018, "value must have exactly one element here")
    return value[0]


def _checkbox(column: Field, operator: str, value: list[str], get: Callable[[Record], Any]) -> Predicate:
    if operator != "is" or _one(value) not in {"true", "false"}:
        raise _unfit(column, operator)
    wanted = value[0] == "true"
    return lambda record: bool(get(record)) is wanted


def _text(
    column: Field, operator: str, value: list[str], get: Callable[[Record], Any], filtering: Filtering
) -> Predicate:
    if operator not in _CONTAIN:
        if column.type != FieldType.AUTO_NUMBER:
            raise _unfit(column, operator)
        return _number(column, operator, value, lambda record: float(get(record)))
    wanted = _one(value)
    is_odd = wanted != wanted.strip() or not wanted.isprintable()
    if is_odd and not filtering.switches.odd_texts_match:
        return lambda _record: operator in {"isNot", "doesNotContain"}
    if operator == "is":
        return lambda record: get(record) == wanted
    if operator == "isNot":
        return lambda record: get(record) != wanted
    if operator == "contains":
        return lambda record: wanted in (get(record) or "")
    return lambda record: wanted not in (get(record) or "")


def _number(column: Field, operator: str, value: list[str], get: Callable[[Record], Any]) -> Predicate:
    try:
        wanted = float(_one(value))
    except ValueError as exc:
        raise ApiError(1254018, "a condition on a number needs a number, as a string") from exc
    if operator == "isNot":
        return lambda record: get(record) != wanted
    compare: dict[str, Callable[[float], bool]] = {
        "is": lambda held: held == wanted,
        "isGreater": lambda held: held > wanted,
        "isGreaterEqual": lambda held: held >= wanted,
        "isLess": lambda held: held < wanted,
        "isLessEqual": lambda held: held <= wanted,
    }
    if operator not in compare:
        raise _unfit(column, operator)
    matches = compare[operator]
    return lambda record: (held := get(record)) is not None and matches(held)


def _wanted_ids(column: Field, value: list[str], filtering: Filtering) -> list[str]:
    if column.type in SELECTS or column.type in LINKS or column.type == FieldType.GROUP_CHAT:
        return value
    # the kind of id is that of user_id_type (§2.3, §4.3)
    users = [filtering.directory.find(each, filtering.user_id_type) for each in value]
    return [user.open_id if user is not None else "" for user in users]


def _list(
    column: Field, operator: str, value: list[str], get: Callable[[Record], Any], filtering: Filtering
) -> Predicate:
    if operator not in _CONTAIN or not value:
        raise _unfit(column, operator)
    if operator in {"is", "isNot"}:
        _one(value)
    wanted = set(_wanted_ids(column, value, filtering))
    if operator == "is":  # only the identical list (§4.3)
        return lambda record: set(get(record) or ()) == wanted
    if operator == "isNot":
        return lambda record: set(get(record) or ()) != wanted
    if filtering.switches.contains_all and column.type != FieldType.SINGLE_SELECT:
        return lambda record: wanted.issubset(get(record) or ()) == (operator == "contains")
    return lambda record: wanted.isdisjoint(get(record) or ()) == (operator != "contains")


def _date_span(operator: str, value: list[str], filtering: Filtering) -> tuple[int, int]:
    zone = filtering.base.zone
    if value[:1] == ["ExactDate"]:
        if len(value) != 2 or not value[1].lstrip("-").isdigit():
            raise ApiError(1254018, 'a condition on a date needs ["ExactDate", "<ms>"]')
        try:
            return days.day_of(int(value[1]), zone)
        except ValueError as exc:
            raise ApiError(1254018, "the date is outside the calendar") from exc
    keyword = _one(value)
    if keyword not in days.ANY_OPERATOR and not (keyword in days.ONLY_IS and operator == "is"):
        raise ApiError(1254018, f"date keyword {keyword!r} does not support operator {operator}")
    return days.keyword_days(keyword, filtering.now_ms, zone)


def _date(column: Field, operator: str, value: list[str], filtering: Filtering) -> Predicate:
    """Whole days in the base's zone, whatever ms was sent (§4.4)."""
    if operator in _RANGE and filtering.switches.date_range_operators == "empty":
        return lambda _record: False
    if operator not in _GREATER | {"is"}:
        raise _unfit(column, operator)
    get = getter(column, filtering.base)
    start, end = _date_span(operator, value, filtering)
    if operator == "is":
        return lambda record: (held := get(record)) is not None and start <= held < end
    if operator == "isLess":
        return lambda record: (held := get(record)) is not None and held < start
    if filtering.switches.greater_excludes_day:
        return lambda record: (held := get(record)) is not None and held >= end
    return lambda record: (held := get(record)) is not None and held > start
