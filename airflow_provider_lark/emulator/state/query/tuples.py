"""Filters and sorts of base/v3: conditions as lists, moments to the millisecond (lark-api §4.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.state.query.days import BeyondCalendar, day_beside
from airflow_provider_lark.emulator.state.query.filters import Filtering, Predicate
from airflow_provider_lark.emulator.state.query.values import LIST_TYPES, TEXT_TYPES, getter
from airflow_provider_lark.emulator.tenant.kinds import DATES, FieldType
from airflow_provider_lark.emulator.tenant.model import Field, Record, Table

MAX_SORTS: Final = 10
OPERATORS: Final = frozenset({"==", "!=", ">", ">=", "<", "<=", "intersects", "disjoint", "empty", "non_empty"})

_BARE: Final = frozenset({"empty", "non_empty"})
_ORDERED: Final = frozenset({"==", "!=", ">", ">=", "<", "<="})
_EXACT: Final = re.compile(r"ExactDate\((\d{4}-\d\d-\d\d)(?: (\d\d:\d\d)(:\d\d)?(\.\d{1,3})?)?\)")
_BESIDE: Final = {"Today": 0, "Yesterday": -1, "Tomorrow": 1}
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda held, wanted: bool(held == wanted),
    "!=": lambda held, wanted: bool(held != wanted),
    ">": lambda held, wanted: bool(held > wanted),
    ">=": lambda held, wanted: bool(held >= wanted),
    "<": lambda held, wanted: bool(held < wanted),
    "<=": lambda held, wanted: bool(held <= wanted),
}


def refused(detail: str) -> ApiError:
    """What base/v3 answers to a request of another shape."""
    return ApiError(800010701, detail)


def field_called(table: Table, name: object) -> Field:
    """The field of that id or name.

    :raises ApiError: 1254045, there is none.
    """
    found = (table.field_by_id(name) or table.field_named(name)) if isinstance(name, str) else None
    if found is None:
        raise ApiError(1254045, "the table has no such field")
    return found


def parse_sort(sort: object, table: Table) -> list[tuple[Field, bool]]:
    """The fields to sort by and whether descending."""
    if not isinstance(sort, list) or len(sort) > MAX_SORTS:
        raise refused(f"sort: a list of at most {MAX_SORTS} items is expected")
    parsed = []
    for each in sort:
        if not isinstance(each, Mapping) or set(each) - {"field", "desc"} or not isinstance(each.get("desc"), bool):
            raise refused("sort: an item is {field, desc}")
        parsed.append((field_called(table, each.get("field")), bool(each["desc"])))
    return parsed


def compile_tuples(filter_: object, filtering: Filtering) -> Predicate | None:
    """A predicate over records; None for a filter without conditions.

    :raises ApiError: 800010701 for a shape that is none, 1254045 for a field that is not there.
    """
    if not isinstance(filter_, Mapping) or set(filter_) - {"logic", "conditions"}:
        raise refused("filter: {logic, conditions} is expected")
    conditions = filter_.get("conditions")
    if filter_.get("logic", "and") not in ("and", "or") or not isinstance(conditions, list):
        raise refused("filter.logic is and / or, filter.conditions a list")
    parts = [_condition(each, filtering) for each in conditions]
    if not parts:
        return None
    if filter_.get("logic", "and") == "and":
        return lambda record: all(part(record) for part in parts)
    return lambda record: any(part(record) for part in parts)


def _condition(given: object, filtering: Filtering) -> Predicate:
    if not isinstance(given, list) or len(given) not in (2, 3) or not all(isinstance(each, str) for each in given[:2]):
        raise refused("filter.conditions: an item is [field, operator, value]")
    column, operator = field_called(filtering.table, given[0]), given[1]
    if operator not in OPERATORS or (operator not in _BARE and len(given) < 3):
        raise refused(
            f"filter.conditions: the operators are {sorted(OPERATORS)}, with a value apart from {sorted(_BARE)}"
        )
    get = getter(column, filtering.base)
    if operator in _BARE:
        return lambda record: (get(record) in (None, [], "")) is (operator == "empty")
    if column.type in DATES:
        return _moment(get, operator, given[2], filtering)
    if column.type in LIST_TYPES:
        return _several(get, operator, given[2])
    return _single(column, get, operator, given[2])


def _single(column: Field, get: Callable[[Record], Any], operator: str, value: object) -> Predicate:
    if column.type == FieldType.NUMBER and _is_number(value) and operator in _ORDERED:
        return _compared(get, operator, value)
    is_equality = operator in ("==", "!=")
    if column.type == FieldType.CHECKBOX and isinstance(value, bool) and is_equality:
        return lambda record: (bool(get(record)) == value) is (operator == "==")
    if column.type in TEXT_TYPES and isinstance(value, str):
        if is_equality:
            return lambda record: (get(record) == value) is (operator == "==")
        if operator in ("intersects", "disjoint"):
            return lambda record: (value in (get(record) or "")) is (operator == "intersects")
    raise refused(f"filter.conditions: {operator} with this value does not fit the field")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compared(get: Callable[[Record], Any], operator: str, value: Any) -> Predicate:
    compare = _COMPARE[operator]

    def fits(record: Record) -> bool:
        held = get(record)
        return operator == "!=" if held is None else compare(held, value)

    return fits


def _several(get: Callable[[Record], Any], operator: str, value: object) -> Predicate:
    given = value if isinstance(value, list) else [value]
    wanted = {each.get("id") if isinstance(each, Mapping) else each for each in given}
    if not all(isinstance(each, str) for each in wanted) or operator in (">", ">=", "<", "<="):
        raise refused(f"filter.conditions: {operator} compares lists of names, or of {{id}}")
    if operator in ("==", "!="):
        return lambda record: (set(get(record) or ()) == wanted) is (operator == "==")
    return lambda record: bool(wanted & set(get(record) or ())) is (operator == "intersects")


def _moment(get: Callable[[Record], Any], operator: str, value: object, filtering: Filtering) -> Predicate:
    if operator not in ("==", "!=", ">", "<") or not isinstance(value, str):
        raise refused("filter.conditions: dates are compared by ==, !=, > and <")
    first, after = _span(value, filtering)

    def fits(record: Record) -> bool:
        held = get(record)
        if held is None:
            return operator == "!="
        if operator == ">":
            return bool(held >= after)
        return bool(held < first) if operator == "<" else (first <= held < after) is (operator == "==")

    return fits


def _span(text: str, filtering: Filtering) -> tuple[int, int]:
    """First ms of what the text names, and first ms after it, in the base's zone."""
    try:
        if text in _BESIDE:
            return day_beside(filtering.now_ms, _BESIDE[text], filtering.base.zone)
        match = _EXACT.fullmatch(text)
        if match is None:
            raise ValueError
        day, minute, second, part = match.groups()
        start = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}{(part or '.0')[:4].ljust(4, '0')}")
        step = timedelta(milliseconds=1) if part else timedelta(seconds=1) if second else timedelta(minutes=1)
        end = start + (step if minute else timedelta(days=1))
        zone = filtering.base.zone
        return tuple(int(each.replace(tzinfo=zone).timestamp() * 1000) for each in (start, end))  # type: ignore[return-value]
    except (ValueError, OverflowError, BeyondCalendar) as exc:
        raise refused("filter.conditions: Today, Yesterday, Tomorrow or ExactDate(…) is expected") from exc
