"""Values from outside, checked against the types of the settings that they are for."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def check_values(owner: type, values: Mapping[str, Any]) -> None:
    """See that each value fits the annotation of its name in *owner*.

    :raises ValueError: one does not; says which, and what would.
    """
    hints = get_type_hints(owner)
    for name, value in values.items():
        if not _fits(hints[name], value):
            msg = f"{name} is {_told(hints[name])}, not {value!r}"
            raise ValueError(msg)


def _fits(hint: Any, value: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(hint))
    if origin in (Union, UnionType):
        return any(_fits(each, value) for each in get_args(hint))
    kind = origin or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _told(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {list(get_args(hint))}"
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_told(each) for each in get_args(hint))
    return "null" if hint is NoneType else getattr(hint, "__name__", str(hint))
