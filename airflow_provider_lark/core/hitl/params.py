"""Params of Airflow as fields of a form, and what was filled in as Airflow takes it.

A field stands for a Param whose JSON schema is understood whole: Airflow checks an answer when the task goes on, and
fails the task where it does not fit. So each rule of the schema is checked at the click, or there is no form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import one_line
from airflow_provider_lark.core.questions.approval_card import FormField
from airflow_provider_lark.core.questions.fields import TEXT_MAX, Field, Kind

Params = Mapping[str, Mapping[str, Any]]

WHO = "lark_user"
"""The name of a text Param that is told who answered."""

_SILENT = frozenset(
    {"title", "description", "description_md", "section", "examples", "values_display", "default", "$schema"}
)
"""Of a schema, what says nothing about values; *examples* of an array are its options."""
_KNOWN: Mapping[str, frozenset[str]] = {
    "string": frozenset({"type", "format", "enum", "minLength", "maxLength", "pattern"}),
    "integer": frozenset({"type", "enum", "minimum", "maximum"}),
    "number": frozenset({"type", "enum", "minimum", "maximum"}),
    "boolean": frozenset({"type"}),
    "array": frozenset({"type", "items", "minItems"}),
}
_FORMATS: Mapping[str, Kind] = {"date": "date", "date-time": "datetime", "time": "time", "multiline": "text"}
_NAME = re.compile(r"(?!answer)[A-Za-z][A-Za-z0-9_]{0,59}")
_OPTIONS_MAX = 100
_PLACEHOLDER_BYTES = 100


class _Beyond(Exception):
    """A schema that no component stands for."""


def read_params(params: Params) -> list[FormField] | None:
    """Return the fields of a form for *params*; None where one of them is beyond what a card can ask."""
    try:
        return [
            _field(name, param, _schema(param), _types(_schema(param)))
            for name, param in field_names(params).items()
            if "const" not in _schema(param) and not _asks_who(param)
        ]
    except _Beyond:
        return None


def field_names(params: Params) -> dict[str, Mapping[str, Any]]:
    """Return *params* by the names that their fields have in the card: their own, where a card takes them."""
    named = enumerate(params.items())
    return {name if _NAME.fullmatch(name) else f"param_{at}": {"name": name, **param} for at, (name, param) in named}


def params_input(params: Params, values: Mapping[str, Any], who: str) -> dict[str, Any]:
    """Return what Airflow takes for *params*: a value for each of them, and nothing else.

    :param values: of the form, by the names of its fields.
    :param who: the person who answered.
    """
    return {
        param["name"]: who if _asks_who(param) else _value(_schema(param), values.get(name))
        for name, param in field_names(params).items()
    }


def _asks_who(param: Mapping[str, Any]) -> bool:
    """Tell whether a Param is to be told who answered, and any text fits it; the person is not asked for it."""
    schema = _schema(param)
    given = schema.get("type")
    types = list(given) if isinstance(given, list | tuple) else [given]
    return param.get("name") == WHO and "string" in types and not set(schema) - {"type"} - _SILENT


def _schema(param: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = param.get("schema")
    return schema if isinstance(schema, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the type of a schema, and whether it may be null.

    :raises _Beyond: there are several, or none that is known.
    """
    given = schema.get("type")
    types = list(given) if isinstance(given, list | tuple) else [given]
    values = [str(each) for each in types if each != "null"]
    if len(values) != 1 or set(schema) - _KNOWN.get(values[0], frozenset()) - _SILENT:
        raise _Beyond
    if values[0] not in _KNOWN:
        raise _Beyond
    return values[0], "null" in types


def _field(name: str, param: Mapping[str, Any], schema: Mapping[str, Any], types: tuple[str, bool]) -> FormField:
    kind, is_required = _kind(schema, types[0]), not types[1]
    label = one_line(str(schema.get("title") or param["name"]))
    options = _options(schema, kind)
    field = Field(
        name,
        kind,
        label,
        # a list may be empty, and an unticked box is an answer
        bool(schema.get("minItems")) if types[0] == "array" else is_required and kind != "checked",
        None if options is None else tuple(options),
        min(_number(schema.get("maxLength"), TEXT_MAX), TEXT_MAX),
        _bound(schema.get("minimum")),
        _bound(schema.get("maximum")),
        fewest=_number(schema.get("minLength"), 0),
        pattern=_pattern(schema.get("pattern")),
    )
    hint = one_line(str(param.get("description") or schema.get("description") or ""))
    return FormField(
        field,
        _default(param.get("value"), kind, options),
        cut_end(hint, _PLACEHOLDER_BYTES) or None,
        schema.get("format") == "multiline",
        _labels(schema, options),
    )


def _kind(schema: Mapping[str, Any], type_: str) -> Kind:
    if type_ == "array":
        return _kind_of_list(schema)
    if "enum" in schema:
        return "option"
    if type_ == "string" and "format" in schema:
        kind = _FORMATS.get(schema["format"])
        if kind is None or (kind != "text" and {"pattern", "minLength", "maxLength"} & set(schema)):
            raise _Beyond
        return kind
    simple: Mapping[str, Kind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "checked"}
    return simple[type_]


def _kind_of_list(schema: Mapping[str, Any]) -> Kind:
    items = schema.get("items", {"type": "string"})
    if not isinstance(items, Mapping) or set(items) - {"type", "enum"} or items.get("type", "string") != "string":
        raise _Beyond
    if _number(schema.get("minItems"), 0) > 1:
        raise _Beyond
    return "options" if "enum" in items or schema.get("examples") else "lines"


def _options(schema: Mapping[str, Any], kind: Kind) -> dict[str, Any] | None:
    """Return the options of a choice, by what the card sends back for them; None of anything else."""
    if kind == "option":
        given = schema["enum"]
    elif kind == "options":
        # JSON Schema has no enum for the array itself: Airflow's form takes the examples
        given = (schema.get("items") or {}).get("enum") or schema["examples"]
    else:
        return None
    options = {_as_text(each): each for each in given if each is not None}
    if not options or len(options) > _OPTIONS_MAX or "" in options:
        raise _Beyond
    return options


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _labels(schema: Mapping[str, Any], options: Mapping[str, Any] | None) -> dict[str, str]:
    shown = schema.get("values_display")
    if options is None or not isinstance(shown, Mapping):
        return {}
    return {text: str(shown[value]) for text, value in options.items() if isinstance(value, str) and value in shown}


def _default(value: Any, kind: Kind, options: Mapping[str, Any] | None) -> Any:
    if value is None:
        return None
    match kind:
        case "option":
            return text if (text := _as_text(value)) in (options or {}) else None
        case "options":
            return [each for each in value if each in (options or {})] if isinstance(value, list) else None
        case "lines":
            shown = "\n".join(map(str, value)) if isinstance(value, list) else ""
        case "checked":
            return value is True
        case _:
            shown = str(value)
    if len(shown) > TEXT_MAX:
        # a card would cut it, and the person would send the rest of it away
        raise _Beyond
    return shown


def _bound(given: Any) -> float | None:
    if given is None or (isinstance(given, int | float) and not isinstance(given, bool)):
        return given
    raise _Beyond


def _pattern(given: Any) -> str | None:
    """Return a regular expression that Python can read, as Airflow has to; None where there is none."""
    try:
        return None if given is None else re.compile(given).pattern
    except (re.error, TypeError):
        raise _Beyond from None


def _number(given: Any, otherwise: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) else otherwise


def _value(schema: Mapping[str, Any], given: Any) -> Any:
    if "const" in schema:
        return schema["const"]
    if given is None:
        return None
    kind = _kind(schema, _types(schema)[0])
    if kind == "time":
        return f"{given}:00"
    if kind == "option":
        return (_options(schema, kind) or {}).get(given, given)
    return given
