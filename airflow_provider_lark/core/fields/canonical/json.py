"""JSON documents in a Text field: canonical is compact text with sorted keys."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

from airflow_provider_lark.core.fields.canonical.text import is_clean
from airflow_provider_lark.core.fields.exact_json import dump_exact, load_exact
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, TextForm

# an escaped NUL, not the six characters after an escaped backslash; PostgreSQL's jsonb refuses it
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_WHOLE_FLOAT = re.compile(r"[0-9](?:\.0(?![0-9])|e[-+])")
_MAX_DEPTH = 100
_SQLITE_DIGITS = 15
# no rounding: a number of JSON has up to 400 digits
_WIDE = Context(prec=1000)


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


JSON_FORM = TextForm("json", _parse_json, lambda text: text, "a JSON document")


def sql_json(pair: FieldColumn) -> Converter:
    """A JSON column beside a Text field; JSON's null means nothing, like NULL."""
    refuse, refuse_lark = pair.refuse_sql, pair.refuse_lark
    is_sqlite = pair.column.dialect == "sqlite"

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            return dump_json(value)
        except ValueError:
            raise refuse(value, "a JSON document without NaN and NUL, nested at most 100 levels deep") from None

    def write(text: str | None) -> Any:
        value = None if text is None else load_exact(text)
        if is_sqlite and not _outlives_sqlite(value):
            raise refuse_lark(
                value, f"in SQLite, for a document that is only a number: at most {_SQLITE_DIGITS} digits, or 64 bits"
            )
        return value

    return Converter(read, write)


def _outlives_sqlite(value: Any) -> bool:
    """Tell whether a document is the same after SQLite, which makes a number of a text that is nothing but one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return True
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return True
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return len(number.normalize(_WIDE).as_tuple().digits) <= _SQLITE_DIGITS and abs(number.adjusted()) <= 300
