"""Shortening a card to the size limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import one_line
from airflow_provider_lark.core.cards.writing import Carrier

F = TypeVar("F", bound=Origin)
T = TypeVar("T")

#: bytes of every name, when a card of names alone is too long
_TIGHTER_BYTES = (100, 30)
_MENTIONS_KEPT = 5


def fit(facts: F, make: Callable[[F, int], Json], *, most: int, carrier: Carrier) -> Json:
    """Return ``make(facts, n)`` for the largest *n* up to *most* whose card *carrier* takes.

    Where not even 0 fits, every name is cut and long links are dropped; whatever the facts, a card goes out.

    :param make: the more, the longer: rows shown, bytes of a text.
    """
    for known in (facts, *(_tighten(facts, max_bytes) for max_bytes in _TIGHTER_BYTES)):
        card = largest(partial(make, known), most, lambda card: carrier.measure(card) <= carrier.ready_bytes)
        if card is not None:
            return card
    return make(known, 0)


def largest(make: Callable[[int], T], most: int, fits: Callable[[T], bool]) -> T | None:
    """Return ``make(n)`` for the largest *n* up to *most* that *fits*; None where not even 0 does."""
    best = None
    low, high, middle = 0, most, most
    while low <= high:
        made = make(middle)
        if fits(made):
            best, low = made, middle + 1
        else:
            high = middle - 1
        middle = (low + high) // 2
    return best


def _tighten(facts: F, max_bytes: int) -> F:
    cut = {each.name: _cut(each.name, getattr(facts, each.name), max_bytes) for each in fields(facts)}
    return replace(facts, **cut)


def _cut(name: str, value: Any, max_bytes: int) -> Any:
    if name == "mentions":
        return value[:_MENTIONS_KEPT]
    if name.endswith("_url"):
        return value if value and len(value) <= max_bytes * 5 else None
    if isinstance(value, str):
        # of causes and queries the caller's amount decides
        return value if name in {"exception", "sql"} else cut_end(one_line(value), max_bytes)
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return tuple(cut_end(one_line(each), max_bytes) for each in value)
    return value
