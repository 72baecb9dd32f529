"""JSON documents in a Text field: canonical is compact text with sorted keys."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_lark.core.fields.codec_text import is_clean
from airflow_provider_lark.core.fields.exact_json import dump_exact, load_exact
from airflow_provider_lark.core.fields.pair import Form, Half, Pair

# an escaped NUL, not the six characters after an escaped backslash; PostgreSQL's jsonb refuses it
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_WHOLE_FLOAT = re.compile(r"[0-9](?:\.0(?![0-9])|e[-+])")
_MAX_DEPTH = 100


def dump_json(value: Any) -> str:
    """Write *value* as canonical JSON text.

    :raises ValueError: NaN, NUL, a lone surrogate, more than 100 levels, or no JSON value at all.
    """
    try:
        text = dump_exact(value)
        if _WHOLE_FLOAT.search(text):
            # a driver's own 1.0 is the number 1
            text = dump_exact(load_exact(text))
    except TypeError as exc:
        raise ValueError from exc
    if not is_clean(text) or _ESCAPED_NUL.search(text) or _nesting(value) > _MAX_DEPTH:
        raise ValueError
    return text


def _nesting(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= _MAX_DEPTH:
        level = [
            child
            for each in level
            if isinstance(each, (list, dict))
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


def _parse_json(text: str) -> str | None:
    value = load_exact(text)
    return None if value is None else dump_json(value)


JSON_FORM = Form("json", _parse_json, lambda text: text, "a JSON document")


def sql_json(pair: Pair) -> Half:
    """A JSON column beside a Text field; JSON's null means nothing, like NULL."""
    refuse = pair.refuse_sql

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            return dump_json(value)
        except ValueError:
            raise refuse(value, "a JSON document without NaN and NUL, at most 100 levels deep") from None

    def write(text: str | None) -> Any:
        return None if text is None else load_exact(text)

    return Half(read, write)
