"""The parameter *form* of an approval, read: every member may come from a template, and so as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_count, read_flag, read_list, read_text

if TYPE_CHECKING:
    from airflow_provider_lark.core.questions.approval_card import FormField

_MEMBERS = frozenset(
    {"name", "type", "label", "required", "options", "default", "placeholder", "minimum", "maximum", "max_length"}
)
_KINDS = (
    *("text", "multiline", "integer", "number", "option", "options", "date", "time", "datetime"),
    *("person", "persons", "checked"),
)
_CHOICES = ("option", "options", "person", "persons")


def read_form_field(given: Any, where: str) -> FormField:
    """Read one field.

    :raises ConfigError: something in it is unknown, missing, or not what its member holds.
    """
    from airflow_provider_lark.core.questions.approval_card import FormField
    from airflow_provider_lark.core.questions.fields import TEXT_MAX, Field

    name, kind = _name_and_kind(given, where)
    options = _texts(given.get("options"), f"{where}.options") if kind in _CHOICES else None
    if kind in ("option", "options") and not options:
        raise ConfigError(f"{where}: a field of type {kind} needs options")
    is_required, is_required_to_reject = _required(given.get("required"), f"{where}.required")
    field = Field(
        name,
        "text" if kind == "multiline" else kind,
        read_text(given.get("label")) or name,
        is_required,
        tuple(options) if options else None,
        read_count(given.get("max_length"), f"{where}.max_length") or TEXT_MAX,
        _number(given.get("minimum"), f"{where}.minimum"),
        _number(given.get("maximum"), f"{where}.maximum"),
        is_required_to_reject=is_required_to_reject,
    )
    default = _default(given.get("default"), kind, options, f"{where}.default")
    return FormField(field, default, read_text(given.get("placeholder")), kind == "multiline")


def _name_and_kind(given: Any, where: str) -> tuple[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: expected an object such as {{'name': 'reason', 'type': 'text'}}")
    unknown = sorted(set(given) - _MEMBERS)
    name, kind = given.get("name"), given.get("type", "text")
    if unknown or not isinstance(name, str) or not name.strip():
        what = f"unknown member {unknown[0]!r}" if unknown else "a field needs a name"
        raise ConfigError(f"{where}: {what}; known: {', '.join(sorted(_MEMBERS))}")
    if kind not in _KINDS:
        raise ConfigError(f"{where}: type {kind!r} is unknown; known: {', '.join(_KINDS)}")
    return name, kind


def _texts(given: Any, where: str) -> list[str] | None:
    found = read_list(given, where)
    for at, each in enumerate(found or ()):
        if isinstance(each, bool) or not isinstance(each, str | int | float) or not str(each).strip():
            raise ConfigError(f"{where}[{at}]: expected a text or a number, found {each!r}")
    texts = [str(each) for each in found or ()]
    if len(set(texts)) != len(texts):
        raise ConfigError(f"{where}: the same one stands there twice")
    return texts or None


def _number(given: Any, where: str) -> int | float | None:
    text = "" if given is None else str(given).strip()
    if text in ("", "None"):
        return None
    try:
        number = math.nan if isinstance(given, bool) else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{where}: expected a number")
    return int(number) if number.is_integer() else number


def _required(given: Any, where: str) -> tuple[bool, bool]:
    """Return whether those who do not reject have to fill it in, and whether those who do have to."""
    if given == "on_reject":
        return False, True
    try:
        return read_flag(given, where), False
    except ConfigError:
        raise ConfigError(f"{where}: expected true, false or 'on_reject', not {given!r}") from None


def _default(given: Any, kind: str, options: list[str] | None, where: str) -> Any:
    """Return what the field begins with; None: nothing."""
    if kind == "checked":
        return read_flag(given, where)
    if kind not in _CHOICES:
        return read_text(given)
    chosen = _texts(given, where) or []
    if options and (strange := [each for each in chosen if each not in options]):
        raise ConfigError(f"{where}: {strange[0]!r} is not one of the options {', '.join(options)}")
    if kind in ("options", "persons"):
        return chosen
    if len(chosen) > 1:
        raise ConfigError(f"{where}: a field of type {kind} begins with one choice, not with {len(chosen)}")
    return chosen[0] if chosen else None
