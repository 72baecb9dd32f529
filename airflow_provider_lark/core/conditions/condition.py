"""A filter as people write it in a mapping: read, checked for its form, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias, cast, get_args

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean

Operator = Literal[
    "is",
    "isNot",
    "contains",
    "doesNotContain",
    "isGreater",
    "isGreaterEqual",
    "isLess",
    "isLessEqual",
    "isEmpty",
    "isNotEmpty",
]
Scalar: TypeAlias = str | int | float | bool | None
OPERATORS: tuple[str, ...] = get_args(Operator)
ORDER = ("isGreater", "isGreaterEqual", "isLess", "isLessEqual")
EMPTY = ("isEmpty", "isNotEmpty")
CONTAIN = ("contains", "doesNotContain")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field or column.

    :param values: one of them has to fit, or none for the operators that deny; None stands for an empty cell.
    """

    name: str
    operator: Operator
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows belong to a mapping: all conditions of at least one group hold."""

    groups: tuple[tuple[Condition, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields or columns that it names, each once."""
        return tuple(dict.fromkeys(condition.name for group in self.groups for condition in group))

    def to_plain(self) -> Any:
        """Return plain data that :func:`read_filter` reads back to an equal filter."""
        plain = [_group_to_plain(group) for group in self.groups]
        return plain[0] if len(plain) == 1 else plain


def _group_to_plain(group: tuple[Condition, ...]) -> dict[str, Any]:
    plain: dict[str, dict[str, Any]] = {}
    for each in group:
        values: Any = list(each.values) if len(each.values) != 1 else each.values[0]
        plain.setdefault(each.name, {})[each.operator] = True if each.operator in EMPTY else values
    return dict(plain)


def read_filter(raw: Any, where: str) -> Filter:
    """Read ``{status: open, qty: {isGreater: 3}, tags: [a, b], note: null}``, which must all hold; or a list of such.

    :param where: the entry, for messages.
    :raises ConfigError: names the entry that is wrong.
    """
    groups = raw if isinstance(raw, list) else [raw]
    if not groups:
        raise ConfigError(f"{where}: has no conditions; leave it out to sync all rows")
    places = [f"{where}[{at}]" for at in range(len(groups))] if isinstance(raw, list) else [where]
    return Filter(tuple(_read_group(group, place) for group, place in zip(groups, places, strict=True)))


def read_optional_filter(raw: Mapping[str, Any], where: str) -> Filter | None:
    """Read the entry ``filter`` of *raw*, which may be missing; see :func:`read_filter`."""
    return None if raw.get("filter") is None else read_filter(raw["filter"], f"{where}.filter")


def _read_group(raw: Any, where: str) -> tuple[Condition, ...]:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where}: expected conditions such as {{status: open}}, or a list of them")
    if not raw:
        # it would let every row through
        raise ConfigError(f"{where}: has no conditions; leave it out to sync all rows")
    found: list[Condition] = []
    for name, wanted in raw.items():
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"{where}: expected the name of a field or column, found a {type(name).__name__}")
        found += _read_conditions(name.strip(), wanted, f"{where}.{name}")
    return tuple(found)


def _read_conditions(name: str, wanted: Any, where: str) -> list[Condition]:
    if not isinstance(wanted, Mapping):
        return [_condition(name, "is", wanted, where)]
    if not wanted:
        raise ConfigError(f"{where}: no comparison given; give a value, a list of values or null")
    found = []
    for word, operand in wanted.items():
        if word not in OPERATORS:
            hint = did_you_mean(str(word), OPERATORS, otherwise=f"known: {', '.join(OPERATORS)}")
            raise ConfigError(f"{where}.{word}: unknown comparison; {hint}")
        found.append(_condition(name, cast("Operator", word), operand, f"{where}.{word}"))
    return found


def _condition(name: str, operator: Operator, operand: Any, where: str) -> Condition:
    if operator in EMPTY:
        if not isinstance(operand, bool):
            raise ConfigError(f"{where}: expected true or false")
        # {isEmpty: false} means the opposite
        return Condition(name, operator if operand else cast("Operator", EMPTY[operator == "isEmpty"]))
    values = tuple(_scalar(each, where) for each in (operand if isinstance(operand, list) else [operand]))
    if not values:
        raise ConfigError(f"{where}: an empty list fits no row; give a value or null")
    if operator in ORDER and len(values) != 1:
        raise ConfigError(f"{where}: takes one value")
    if None in values and operator not in ("is", "isNot"):
        raise ConfigError(f"{where}: needs a value; for empty cells use null alone, or isEmpty")
    return Condition(name, operator, values)


def _scalar(value: Any, where: str) -> Scalar:
    if isinstance(value, datetime | date):
        # as YAML reads a date
        return value.isoformat()
    if value == "" and isinstance(value, str):
        # what a template leaves that was given nothing
        raise ConfigError(f"{where}: needs a non-empty value; for empty cells use null or isEmpty")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ConfigError(f"{where}: expected a text, a number, a date, true, false or null, found {type(value).__name__}")
