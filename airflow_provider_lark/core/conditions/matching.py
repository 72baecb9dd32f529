"""Whether a value meets a condition; three answers, because not everything is known of a row that is not there yet."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias, cast

from airflow_provider_lark.core.conditions.condition import Condition, Filter
from airflow_provider_lark.core.conditions.operands import Span, without_none

Comparable: TypeAlias = str | Decimal | bool | date | datetime | tuple[str, ...]
Truth: TypeAlias = bool | None
"""True, False, or None for unknown."""


def matches(filter_: Filter, judge: Callable[[Condition], Truth]) -> Truth:
    """Tell whether a row belongs, from what *judge* says of each condition."""
    return any_of([all_of([judge(condition) for condition in group]) for group in filter_.groups])


def all_of(truths: Sequence[Truth]) -> Truth:
    """Return whether all hold."""
    return False if False in truths else None if None in truths else True


def any_of(truths: Sequence[Truth]) -> Truth:
    """Return whether one holds."""
    return True if True in truths else None if None in truths else False


def meets(condition: Condition, cell: Comparable | None, operands: Sequence[object], *, exact: bool = True) -> Truth:
    """Tell whether *cell* meets *condition*.

    An empty cell meets ``isEmpty``, ``is: null`` and whatever denies; it meets no comparison with a value.

    :param operands: the condition's values in the form of *cell*.
    :param exact: texts are compared letter by letter; otherwise one that differs in case, accents or outer blanks only
        is unknown, because a database may take it for the same.
    """
    values, with_empty = without_none(operands)
    operator = condition.operator
    if operator in ("isEmpty", "isNotEmpty"):
        return (cell is None) == (operator == "isEmpty")
    denies = operator in ("isNot", "doesNotContain")
    if cell is None:
        return with_empty != denies
    compare = _contains if operator in ("contains", "doesNotContain") else _is
    if operator in _ORDERS:
        return _ORDERS[operator](cell, values[0])
    found = any_of([compare(cell, value, exact) for value in values])
    return found if not denies or found is None else not found


def _is(cell: Comparable, value: object, exact: bool) -> Truth:
    if isinstance(cell, tuple):
        # of several values one has to fit
        return value in cell
    if isinstance(value, Span):
        return value.start <= cast("datetime", cell) < value.end
    if cell == value and type(cell) is type(value):
        return True
    if exact or not isinstance(cell, str):
        return False
    return None if _folded(cell) == _folded(str(value)) else False


def _contains(cell: Comparable, value: object, exact: bool) -> Truth:
    if isinstance(cell, tuple):
        return value in cell
    text = str(cell)
    if str(value) in text:
        return True
    return None if not exact and _folded(str(value)) in _folded(text) else False


def _folded(text: str) -> str:
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(letter)
    ).strip()


def _least(value: object) -> object:
    return value.start if isinstance(value, Span) else value


def _greater(cell: Comparable, value: object) -> bool:
    if isinstance(value, Span):
        return bool(cast("datetime", cell) >= value.end)
    return bool(cell > value)  # type: ignore[operator]  # both are of one kind, which binding has seen to


def _greater_equal(cell: Comparable, value: object) -> bool:
    return bool(cell >= _least(value))  # type: ignore[operator]  # as above


def _less(cell: Comparable, value: object) -> bool:
    return not _greater_equal(cell, value)


def _less_equal(cell: Comparable, value: object) -> bool:
    return not _greater(cell, value)


_ORDERS: dict[str, Callable[[Comparable, object], bool]] = {
    "isGreater": _greater,
    "isGreaterEqual": _greater_equal,
    "isLess": _less,
    "isLessEqual": _less_equal,
}
