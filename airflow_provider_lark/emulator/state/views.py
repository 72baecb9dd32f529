"""What a view selects: its ``filter_info``, which stands in wire form in its property (lark-api §2.2 notes, §2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.formats.jsontext import parse_text
from airflow_provider_lark.emulator.state.query.filters import Filtering, compile_filter
from airflow_provider_lark.emulator.tenant.kinds import SELECTS
from airflow_provider_lark.emulator.tenant.model import Field, Table, View

_MEMBERS: Final[dict[str, frozenset[str]]] = {
    # one set for both levels: the filter, and the conditions in it
    "filter_info": frozenset({"conjunction", "conditions", "condition_omitted", "field_id", "operator", "value"})
    | {"condition_id", "field_type"},
    "hidden_fields": frozenset(),
    "hierarchy_config": frozenset({"field_id"}),
}


def check_property(given: object, filtering: Filtering) -> dict[str, Any]:
    """The property to keep for a view.

    :raises ApiError: 99992402 for its shape, 1254044 for fields that are not there, 1254018 for the filter.
    """
    strict = filtering.switches.strict_parameters
    if not isinstance(given, dict) or (strict and set(given) - set(_MEMBERS)):
        raise invalid("property", given, f"property must be an object with {sorted(_MEMBERS)}")
    for name, known in _MEMBERS.items():
        for each in _objects_in(given.get(name)):
            if strict and set(each) - known:
                raise invalid(f"property.{name}", each, f"{name} must be an object with {sorted(known)}")
    hidden = [] if given.get("hidden_fields") is None else given["hidden_fields"]
    if not isinstance(hidden, list):
        raise invalid("property.hidden_fields", hidden, "hidden_fields must be a list of field ids")
    for field_id in hidden:
        _column(filtering.table, field_id)
    hierarchy = given.get("hierarchy_config")
    if hierarchy is not None:
        if not isinstance(hierarchy, dict):
            raise invalid("property.hierarchy_config", hierarchy, "hierarchy_config must be {field_id}")
        if hierarchy.get("field_id") not in (None, ""):
            _column(filtering.table, hierarchy["field_id"])
    compile_filter(_wire_filter(given.get("filter_info"), filtering.table, strict=True), filtering)
    return given


def _objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects_in(each)


def filter_of(view: View, table: Table) -> dict[str, Any] | None:
    """The filter of records/search that selects what the view shows; None: everything.

    Conditions on fields that are gone fall away.
    """
    return _wire_filter((view.property or {}).get("filter_info"), table, strict=False)


def _wire_filter(info: object, table: Table, *, strict: bool) -> dict[str, Any] | None:
    if info is None or info == {}:
        return None
    conditions = info.get("conditions") if isinstance(info, Mapping) else None
    if not isinstance(info, Mapping) or not isinstance(conditions, list):
        raise invalid("property.filter_info", info, "filter_info must be {conjunction, conditions}")
    kept = [each for each in conditions if strict or table.field_by_id(str(each.get("field_id"))) is not None]
    return {"conjunction": info.get("conjunction"), "conditions": [_condition(each, table) for each in kept]}


def _condition(given: object, table: Table) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ApiError(1254018, "a condition must be {field_id, operator, value}")
    column = _column(table, given.get("field_id"))
    try:
        # a list of texts, as JSON in a text
        value = parse_text(given.get("value") or "[]")
    except (TypeError, ValueError) as exc:
        raise ApiError(1254018, "the value in a view must be a list, as a JSON string") from exc
    if column.type in SELECTS and isinstance(value, list):
        # options are named by id here, by name in a search
        names = {each["id"]: each["name"] for each in column.options}
        value = [names.get(each, each) if isinstance(each, str) else each for each in value]
    return {"field_name": column.name, "operator": given.get("operator"), "value": value}


def _column(table: Table, field_id: object) -> Field:
    column = table.field_by_id(field_id) if isinstance(field_id, str) else None
    if column is None:
        raise ApiError(1254044, "the view's property contains an unknown field")
    return column
