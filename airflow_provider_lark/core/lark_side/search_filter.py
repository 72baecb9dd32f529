"""Conditions and order of a search, as people write them, turned into Lark's form and checked against the fields.

Lark may answer a condition that it does not understand with no records at all and no error, so nothing is left to it.
Sources: open.feishu.cn, "Record filter guide", read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.api.wire.limits import FILTER_CONDITIONS_MAX, FILTER_LENGTH_MAX, SORT_LENGTH_MAX
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.fields.users import FindUserIds
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.lark_side.filter_values import EMPTY, LISTS, VALUES_MAX, ConditionWriter

Filter = Mapping[str, Any]


def build_filter(
    given: Filter | None,
    fields: Sequence[Field],
    *,
    time_zone: Zone | None = None,
    find_user_ids: FindUserIds | None = None,
) -> dict[str, Any]:
    """Return *given* as Lark's filter; empty when nothing is asked for.

    >>> qty = Field("fld1", "Qty", FieldType.NUMBER)
    >>> build_filter({"Qty": {"isGreater": 3}}, [qty])["conditions"]
    [{'field_name': 'Qty', 'operator': 'isGreater', 'value': ['3']}]

    :param given: ``{"Status": "open", "Qty": {"isGreater": 3}, "Tags": ["a", "b"], "Note": None}``, all of which must
        hold: a value, a list of which one must fit, None for an empty cell, or comparisons by Lark's names; or Lark's
        own form with ``conjunction``.
    :param time_zone: of dates, and of datetimes without a zone.
    :param find_user_ids: for persons given by e-mail.
    :raises SchemaMismatch: a field does not exist.
    :raises ConfigError: a comparison or a value does not fit its field, the filter holds no condition, or it is beyond
        Lark's limits.
    """
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(f'filter: expected a dictionary such as {{"Status": "open"}}, found {type(given).__name__}')
    reader = _Reader(fields, ConditionWriter(time_zone, find_user_ids))
    built = _part(reader.read_group(given, "filter") if "conjunction" in given else reader.read_short(given))
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
    built = [_read_order(item, fields) for item in ([given] if isinstance(given, str) else given or ())]
    if len(_compact(built)) > SORT_LENGTH_MAX:
        raise ConfigError(f"sort: longer than the {SORT_LENGTH_MAX:,} characters Lark allows; use fewer fields")
    return built


class _Reader:
    def __init__(self, fields: Sequence[Field], writer: ConditionWriter) -> None:
        self._fields = fields
        self._write = writer.write

    def read_short(self, given: Filter) -> dict[str, Any]:
        conditions: list[dict[str, Any]] = []
        choices: list[dict[str, Any]] = []
        for name, wanted in given.items():
            field = find_field(name, self._fields, where="filter")
            if isinstance(wanted, list | tuple | set | frozenset):
                choices.append(self._one_of(field, list(wanted)))
            else:
                conditions += self._comparisons(field, wanted)
        parts = {"conditions": conditions, "children": choices}
        return {"conjunction": "and", **{name: part for name, part in parts.items() if part}}

    def read_group(self, given: Filter, where: str) -> dict[str, Any]:
        """Check a filter in Lark's own form; values may be numbers and datetimes."""
        if not isinstance(given, Mapping):
            raise ConfigError(f"{where}: must be {{conjunction, conditions}}")
        if unknown := sorted(set(given) - {"conjunction", "conditions", "children"}):
            raise ConfigError(f"{where}: unknown key {unknown[0]!r}; expected conjunction, conditions or children")
        if given.get("conjunction") not in ("and", "or"):
            raise ConfigError(f"{where}.conjunction: must be 'and' or 'or'")
        group: dict[str, Any] = {"conjunction": given["conjunction"]}
        if conditions := given.get("conditions"):
            group["conditions"] = [
                self._read_condition(condition, f"{where}.conditions[{at}]") for at, condition in enumerate(conditions)
            ]
        children = given.get("children") or ()
        if children and where != "filter":
            raise ConfigError(f"{where}: Lark only allows one level of nesting; remove these children")
        if children:
            group["children"] = [self.read_group(child, f"{where}.children[{at}]") for at, child in enumerate(children)]
        return group

    def _read_condition(self, given: Any, where: str) -> dict[str, Any]:
        if not isinstance(given, Mapping) or not {"field_name", "operator"} <= set(given):
            raise ConfigError(f"{where}: must be {{field_name, operator, value}}")
        field = find_field(given["field_name"], self._fields, where=where)
        value = given.get("value")
        values = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
        return self._write(field, given["operator"], values)

    def _comparisons(self, field: Field, wanted: Any) -> Iterator[dict[str, Any]]:
        if wanted is None:
            yield self._write(field, "isEmpty", [])
        elif not isinstance(wanted, Mapping):
            yield self._write(field, "contains" if field.type in LISTS else "is", [wanted])
        elif not wanted:
            # no comparison at all would let every record through
            raise ConfigError(f"filter: field {field.describe()}: no comparison given; give a value or None")
        else:
            for operator, operand in wanted.items():
                yield self._comparison(field, operator, operand)

    def _comparison(self, field: Field, operator: Any, operand: Any) -> dict[str, Any]:
        if operator in EMPTY:
            # {"isEmpty": false} means the opposite
            return self._write(field, operator if operand else EMPTY[operator == "isEmpty"], [])
        return self._write(field, operator, list(operand) if isinstance(operand, list | tuple) else [operand])

    def _one_of(self, field: Field, wanted: list[Any]) -> dict[str, Any]:
        if not wanted:
            raise ConfigError(
                f"filter: field {field.describe()}: an empty list matches no record; give a value or None"
            )
        if any(isinstance(value, Mapping) for value in wanted):
            raise ConfigError(
                f"filter: field {field.describe()}: a list may only contain values; put comparisons in a dictionary"
            )
        if field.type in LISTS:
            conditions = self._contains_one_of(field, [value for value in wanted if value is not None])
            conditions += self._comparisons(field, None) if None in wanted else ()
        else:
            conditions = [condition for value in wanted for condition in self._comparisons(field, value)]
        return {"conjunction": "or", "conditions": conditions}

    def _contains_one_of(self, field: Field, wanted: list[Any]) -> list[dict[str, Any]]:
        # persons are looked up together, but Lark does not say whether several values in one condition mean any or all
        parts = [
            self._write(field, "contains", wanted[at : at + VALUES_MAX]) for at in range(0, len(wanted), VALUES_MAX)
        ]
        return [{**part, "value": [value]} for part in parts for value in part["value"]]


def _part(group: dict[str, Any]) -> dict[str, Any]:
    """Return *group* with conditions and children apart: Lark's documents show no group that has both."""
    if not (group.get("conditions") and group.get("children")):
        return group
    conjunction = group["conjunction"]
    own = {"conjunction": conjunction, "conditions": group["conditions"]}
    return {"conjunction": conjunction, "children": [own, *group["children"]]}


def _check_size(built: dict[str, Any]) -> None:
    count = sum(len(group.get("conditions", ())) for group in (built, *built.get("children", ())))
    if count == 0:
        raise ConfigError("filter: has no conditions, which would match every record; leave it out if that is intended")
    if count > FILTER_CONDITIONS_MAX:
        raise ConfigError(
            f"filter: has {count} conditions, more than the {FILTER_CONDITIONS_MAX} Lark allows; split the task"
        )
    length = len(_compact(built))
    if length > FILTER_LENGTH_MAX:
        raise ConfigError(
            f"filter: has {length:,} characters, more than the {FILTER_LENGTH_MAX:,} Lark allows; split the task"
        )


def _read_order(item: Any, fields: Sequence[Field]) -> dict[str, Any]:
    if isinstance(item, Mapping):
        field = find_field(item.get("field_name"), fields, where="sort")
        return {"field_name": field.name, "desc": bool(item.get("desc"))}
    is_name = any(field.name == item for field in fields)
    descending = isinstance(item, str) and item.startswith("-") and not is_name
    field = find_field(item[1:] if descending else item, fields, where="sort")
    return {"field_name": field.name, "desc": descending}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
