"""JSON as the platform reads and writes it: UTF-8 only, no NaN, not too deep, and no half characters."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MAX_DEPTH: Final = 200
"""Deeper than anything the API takes, and shallow enough for every function that walks a body."""
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def parse_json(body: bytes) -> Any:
    """The value of a body.

    :raises ValueError: it is no JSON, no UTF-8, or nested deeper than :data:`MAX_DEPTH`.
    """
    return parse_text(body.decode("utf-8"))


def parse_text(text: str) -> Any:
    """The value of a text: some parameters and members hold JSON.

    :raises ValueError: it is no JSON, or nested deeper than :data:`MAX_DEPTH`.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
    if _depth_exceeds(value, MAX_DEPTH):
        raise ValueError("nested too deep")
    return _whole(value) if "\\u" in text else value


def dump(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _depth_exceeds(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _whole(value: Any) -> Any:
    """Escapes of half a character become U+FFFD, as in most languages but Python."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(each) for name, each in value.items()}
    return value
