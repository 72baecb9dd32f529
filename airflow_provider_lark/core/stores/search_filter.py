"""Conditions and order of a search, as people write them, turned into Lark's form and checked against the fields.

Lark may answer a condition that it does not understand with no records at all and no error, so nothing is left to it.
Sources: open.feishu.cn, "Record filter guide", read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from typing import Any

from airflow_provider_lark.core.api.limits import FILTER_CONDITIONS_MAX, FILTER_LENGTH_MAX, SORT_LENGTH_MAX
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.decimals import decimal_of_float, format_number
from airflow_provider_lark.core.fields.iso import parse_datetime
from airflow_provider_lark.core.fields.schema import Field, FieldType

VALUES_MAX = 10
"""Values of one condition. Same source."""

_EMPTY = ("isEmpty", "isNotEmpty")
_EQUAL = ("is", "isNot")
_CONTAIN = ("contains", "doesNotContain")
_ORDER = ("isGreater", "isGreaterEqual", "isLess", "isLessEqual")

_TEXT = frozenset(
    {
        FieldType.TEXT,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.LOCATION,
        FieldType.AUTO_NUMBER,
        FieldType.STAGE,
    }
)
_LISTS = frozenset(
    {
        FieldType.MULTI_SELECT,
        FieldType.USER,
        FieldType.GROUP_CHAT,
        FieldType.SINGLE_LINK,
        FieldType.DUPLEX_LINK,
        FieldType.CREATED_USER,
        FieldType.MODIFIED_USER,
    }
)
_DATES = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})

_OPERATORS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys(_TEXT, (*_EQUAL, *_CONTAIN, *_EMPTY)),
    **dict.fromkeys(_LISTS, (*_EQUAL, *_CONTAIN, *_EMPTY)),
    # the other comparisons of dates find nothing and say nothing
    **dict.fromkeys(_DATES, ("is", "isGreater", "isLess", *_EMPTY)),
    FieldType.NUMBER: (*_EQUAL, *_ORDER, *_EMPTY),
    FieldType.SINGLE_SELECT: (*_EQUAL, *_CONTAIN, *_EMPTY),
    FieldType.CHECKBOX: ("is",),
    FieldType.ATTACHMENT: _EMPTY,
}

_ANY_COMPARISON = ("Today", "Tomorrow", "Yesterday")
_ONLY_IS = (
    "CurrentWeek",
    "LastWeek",
    "CurrentMonth",
    "LastMonth",
    "TheLastWeek",
    "TheNextWeek",
    "TheLastMonth",
    "TheNextMonth",
)
_NO_ZONE = timezone(timedelta(0), "none was given")

Filter = Mapping[str, Any]


def build_filter(given: Filter | None, fields: Sequence[Field], *, time_zone: tzinfo | None = None) -> dict[str, Any]:
    """Return *given* as Lark's filter; empty when nothing is asked for.

    >>> qty = Field("fld1", "Qty", FieldType.NUMBER)
    >>> build_filter({"Qty": {"isGreater": 3}}, [qty])["conditions"]
    [{'field_name': 'Qty', 'operator': 'isGreater', 'value': ['3']}]

    :param given: ``{"Status": "open", "Qty": {"isGreater": 3}, "Tags": ["a", "b"], "Note": None}``, all of which must
        hold: a value, a list of which one must fit, None for an empty cell, or comparisons by Lark's names; or Lark's
        own form with ``conjunction``.
    :param time_zone: of dates, and of datetimes without a zone.
    :raises SchemaMismatch: a field does not exist.
    :raises ConfigError: a comparison or a value does not fit its field, or the filter is beyond Lark's limits.
    """
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(f'filter: expected a dictionary such as {{"Status": "open"}}, found {type(given).__name__}')
    reader = _Reader({field.name: field for field in fields}, time_zone)
    built = reader.read_group(given, "filter") if "conjunction" in given else reader.read_short(given)
    _check_size(built)
    return built


def fields_of(filter: Filter) -> list[str]:
    """Return the names of the fields that a filter in Lark's form names, each once."""
    groups = (filter, *filter.get("children", ()))
    return list(dict.fromkeys(condition["field_name"] for each in groups for condition in each.get("conditions", ())))


def build_sort(given: Sequence[Any] | str | None, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Return *given* as Lark's sort.

    >>> build_sort("-Qty", [Field("fld1", "Qty", FieldType.NUMBER)])
    [{'field_name': 'Qty', 'desc': True}]

    :param given: names of fields, ``-`` in front for descending, or Lark's own objects; the first sorts first.
    :raises SchemaMismatch: a field does not exist.
    """
    names = {field.name: field for field in fields}
    built = [_read_order(item, names) for item in ([given] if isinstance(given, str) else given or ())]
    if len(_compact(built)) > SORT_LENGTH_MAX:
        raise ConfigError(f"sort: is longer than the {SORT_LENGTH_MAX} characters that Lark takes; name fewer fields")
    return built


def find_field(name: Any, fields: Mapping[str, Field], *, where: str) -> Field:
    """Return the field called *name*, blanks around it apart, as Lark compares names.

    :raises SchemaMismatch: there is none; the message proposes a similar one.
    """
    found = fields.get(name) or (fields.get(name.strip()) if isinstance(name, str) else None)
    if found is not None:
        return found
    similar = get_close_matches(str(name), fields, n=1)
    hint = f"did you mean {similar[0]!r}?" if similar else f"the table has: {', '.join(fields) or 'no fields'}"
    raise SchemaMismatch(f"{where}: the table has no field {name!r}; {hint}")


class _Reader:
    def __init__(self, fields: Mapping[str, Field], time_zone: tzinfo | None) -> None:
        self._fields = fields
        self._time_zone = time_zone

    def read_short(self, given: Filter) -> dict[str, Any]:
        conditions: list[dict[str, Any]] = []
        choices: list[dict[str, Any]] = []
        for name, wanted in given.items():
            field = find_field(name, self._fields, where="filter")
            if isinstance(wanted, list | tuple | set | frozenset) and field.type not in _LISTS:
                choices.append(self._one_of(field, list(wanted)))
            else:
                conditions += self._comparisons(field, wanted)
        parts = {"conditions": conditions, "children": choices}
        return {"conjunction": "and", **{name: part for name, part in parts.items() if part}}

    def read_group(self, given: Filter, where: str) -> dict[str, Any]:
        """Check a filter in Lark's own form; values may be numbers and datetimes."""
        if unknown := sorted(set(given) - {"conjunction", "conditions", "children"}):
            raise ConfigError(f"{where}: {unknown[0]!r} is not known; Lark takes conjunction, conditions and children")
        if given["conjunction"] not in ("and", "or"):
            raise ConfigError(f"{where}.conjunction: must be 'and' or 'or'")
        group: dict[str, Any] = {"conjunction": given["conjunction"]}
        if conditions := given.get("conditions"):
            group["conditions"] = [
                self._read_condition(condition, f"{where}.conditions[{at}]") for at, condition in enumerate(conditions)
            ]
        children = given.get("children") or ()
        if children and where != "filter":
            raise ConfigError(f"{where}: Lark nests one level deep; take these children out")
        if children:
            group["children"] = [self.read_group(child, f"{where}.children[{at}]") for at, child in enumerate(children)]
        return group

    def _read_condition(self, given: Any, where: str) -> dict[str, Any]:
        if not isinstance(given, Mapping) or not {"field_name", "operator"} <= set(given):
            raise ConfigError(f"{where}: must be {{field_name, operator, value}}")
        field = find_field(given["field_name"], self._fields, where=where)
        value = given.get("value")
        values = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
        if given["operator"] not in _EMPTY and field.type in _DATES and values[:1] == ["ExactDate"]:
            values = [int(values[1])] if len(values) == 2 and str(values[1]).lstrip("-").isdigit() else []
        return self._condition(field, given["operator"], values)

    def _comparisons(self, field: Field, wanted: Any) -> Iterator[dict[str, Any]]:
        if wanted is None:
            yield self._condition(field, "isEmpty", [])
        elif not isinstance(wanted, Mapping):
            values = list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
            yield self._condition(field, "contains" if field.type in _LISTS else "is", values)
        else:
            for operator, operand in wanted.items():
                yield self._comparison(field, operator, operand)

    def _comparison(self, field: Field, operator: Any, operand: Any) -> dict[str, Any]:
        if operator in _EMPTY:
            # {"isEmpty": false} means the opposite
            return self._condition(field, operator if operand else _EMPTY[operator == "isEmpty"], [])
        return self._condition(field, operator, list(operand) if isinstance(operand, list | tuple) else [operand])

    def _one_of(self, field: Field, wanted: list[Any]) -> dict[str, Any]:
        if not wanted:
            raise ConfigError(f"filter: field {field.describe()}: an empty list fits no record; give a value, or None")
        conditions = [condition for value in wanted for condition in self._comparisons(field, value)]
        return {"conjunction": "or", "conditions": conditions}

    def _condition(self, field: Field, operator: Any, values: list[Any]) -> dict[str, Any]:
        where = f"filter: field {field.describe()}"
        allowed = _OPERATORS.get(field.type)
        if allowed is None:
            raise ConfigError(f"{where}: Lark cannot filter by it; read the records and filter afterwards")
        if operator not in allowed:
            raise ConfigError(f"{where}: {operator!r} does not fit; it takes {', '.join(allowed)}")
        if operator in _EMPTY:
            return {"field_name": field.name, "operator": operator, "value": []}
        most = VALUES_MAX if field.type in _LISTS or (operator in _CONTAIN and field.type not in _TEXT) else 1
        if not 1 <= len(values) <= most:
            raise ConfigError(f"{where}: {operator} takes {'one value' if most == 1 else f'1 to {most} values'}")
        if field.type in _DATES:
            return {"field_name": field.name, "operator": operator, "value": self._day(values[0], operator, where)}
        return {"field_name": field.name, "operator": operator, "value": [_text(v, field, where) for v in values]}

    def _day(self, value: Any, operator: str, where: str) -> list[str]:
        if isinstance(value, str) and value in _ANY_COMPARISON:
            return [value]
        if isinstance(value, str) and value in _ONLY_IS:
            if operator != "is":
                raise ConfigError(f"{where}: {value} goes with 'is' only")
            return [value]
        if isinstance(value, int) and not isinstance(value, bool):
            return ["ExactDate", str(value)]
        return ["ExactDate", str(round(self._instant(value, where).timestamp() * 1000))]

    def _instant(self, value: Any, where: str) -> datetime:
        zone = self._time_zone or _NO_ZONE
        try:
            if isinstance(value, str):
                value = parse_datetime(value, zone)
        except ValueError:
            value = None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), zone)
        if not isinstance(value, datetime):
            raise ConfigError(f"{where}: expected a datetime, ISO 8601 text, milliseconds, or a word such as Today")
        moment = value if value.tzinfo else value.replace(tzinfo=zone)
        if moment.tzinfo is _NO_ZONE:
            raise ConfigError(f"{where}: the date says no time zone; add one to the value or set time_zone")
        return moment


def _text(value: Any, field: Field, where: str) -> str:
    if field.type == FieldType.CHECKBOX:
        if isinstance(value, bool) or value in ("true", "false"):
            return str(value).lower()
        raise ConfigError(f"{where}: expected true or false, found {type(value).__name__}")
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not isfinite(value):
        raise ConfigError(f"{where}: expected text or a finite number, found {type(value).__name__}")
    return format_number(decimal_of_float(value) if isinstance(value, float) else value)


def _check_size(built: dict[str, Any]) -> None:
    count = sum(len(group.get("conditions", ())) for group in (built, *built.get("children", ())))
    if count > FILTER_CONDITIONS_MAX:
        raise ConfigError(f"filter: has {count} conditions, Lark takes {FILTER_CONDITIONS_MAX}; split the task")
    length = len(_compact(built))
    if length > FILTER_LENGTH_MAX:
        raise ConfigError(f"filter: has {length} characters, Lark takes {FILTER_LENGTH_MAX}; split the task")


def _read_order(item: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    if isinstance(item, Mapping):
        field = find_field(item.get("field_name"), fields, where="sort")
        return {"field_name": field.name, "desc": bool(item.get("desc"))}
    descending = isinstance(item, str) and item.startswith("-") and item not in fields
    field = find_field(item[1:] if descending else item, fields, where="sort")
    return {"field_name": field.name, "desc": descending}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
