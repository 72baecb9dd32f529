"""Whether a card is JSON at all: every value one that JSON knows, every text whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from airflow_provider_lark.core.cards.check.tree import Finding

# far beyond what any card needs; a structure that holds itself ends here
_DEPTH_MAX = 100


def check_json(value: Any, path: str = "") -> Iterator[Finding]:
    """Yield what of *value* cannot be written as JSON."""
    yield from _check(value, path, 0)


def _check(value: Any, path: str, depth: int) -> Iterator[Finding]:
    here = path or "the card"
    if depth > _DEPTH_MAX:
        yield Finding(here, f"nested more than {_DEPTH_MAX} levels deep, or contains itself")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield Finding(here, f"has a key of type {type(key).__name__}; keys must be strings")
            else:
                yield from _check(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _check(item, f"{path}[{place}]", depth + 1)
    elif isinstance(value, str):
        yield from _check_text(value, here)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Finding(here, "is not a finite number and cannot be written as JSON: use text, or leave it out")
    elif value is not None and not isinstance(value, (bool, int, float)):
        yield Finding(here, f"is of type {type(value).__name__}, which cannot be written as JSON: use text or a number")


def _check_text(text: str, path: str) -> Iterator[Finding]:
    if "\0" in text:
        yield Finding(path, "contains a NUL character: remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield Finding(path, "contains a lone surrogate: remove it with clean_text()")
