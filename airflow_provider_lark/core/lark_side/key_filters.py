"""The searches that find the records of given keys: one condition for each key field of each row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.api.wire.limits import FILTER_CONDITIONS_MAX, FILTER_LENGTH_MAX
from airflow_provider_lark.core.fields.decimals import decimal_of_float, format_number
from airflow_provider_lark.core.fields.schema import Field, FieldType

_FILTERABLE = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.PHONE})
"""Types of which one condition surely finds every record that carries the value."""

_ITEMS_LENGTH_MAX = FILTER_LENGTH_MAX - 100
"""Leaves room for the words around the conditions."""


def build_key_filters(fields: Sequence[Field], bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the filters that together find every row's record; None where filters cannot."""
    if any(each.type not in _FILTERABLE for each in fields):
        return None
    if any(not _is_plain(body[each.name]) for each in fields for body in bodies):
        return None
    keys = [[_condition(each, body[each.name]) for each in fields] for body in bodies]
    member, items = "conditions", [key[0] for key in keys]
    if len(fields) > 1:
        member, items = "children", [{"conjunction": "and", "conditions": key} for key in keys]
    filters = [{"conjunction": "or", member: part} for part in _cut(items, len(fields))]
    return None if any(_length(each) > FILTER_LENGTH_MAX for each in filters) else filters


def _is_plain(value: Any) -> bool:
    # how Lark compares outer blanks and line ends is not documented
    return not isinstance(value, str) or (value.isprintable() and value == value.strip())


def _condition(field: Field, value: Any) -> dict[str, Any]:
    if field.type == FieldType.NUMBER:
        value = format_number(decimal_of_float(value) if isinstance(value, float) else value)
    return {"field_name": field.name, "operator": "is", "value": [value]}


def _cut(items: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Cut so that each part keeps to Lark's limits on the number of conditions and the filter's length.

    :param size: conditions of an item.
    """
    part: list[dict[str, Any]] = []
    length = 0
    for item in items:
        added = _length(item) + 1
        if part and ((len(part) + 1) * size > FILTER_CONDITIONS_MAX or length + added > _ITEMS_LENGTH_MAX):
            yield part
            part, length = [], 0
        part.append(item)
        length += added
    if part:
        yield part


def _length(value: Any) -> int:
    """Return the characters that Lark may count: those of the JSON, written as Go writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text) + sum(text.count(each) for each in "<>&") * len("u003c")
