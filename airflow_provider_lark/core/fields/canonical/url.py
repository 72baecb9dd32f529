"""URLs. In SQL the bare link where the text says the same, any other as ``{"text":"…","link":"…"}``."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_lark.core.fields.canonical.multi import Items, compact
from airflow_provider_lark.core.fields.canonical.text import is_clean, sql_text
from airflow_provider_lark.core.fields.column import may_check_json
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn


def lark_url(pair: FieldColumn) -> Converter:
    """A URL: canonical is (text, link); a text that is missing is the link."""
    refuse = pair.refuse_lark

    def read(wire: Any) -> Items | None:
        if wire is None:
            return None
        try:
            return _decode_url(wire)
        except (ValueError, TypeError, AttributeError):
            raise refuse(wire, 'an object {"text", "link"}') from None

    def write(url: Items | None) -> dict[str, str] | None:
        return None if url is None else {"text": url[0], "link": url[1]}

    return Converter(read, write)


def _decode_url(value: Any) -> Items | None:
    link, text = value.get("link") or "", value.get("text") or ""
    if type(link) is not str or type(text) is not str or not (is_clean(link) and is_clean(text)):
        raise ValueError
    return (text or link, link) if text or link else None


def sql_url(pair: FieldColumn, *, as_json: bool) -> Converter:
    """A URL in a text column (bare link where the text says the same) or as an object in a JSON column."""
    as_text, refuse, bare = sql_text(pair), pair.refuse_sql, not may_check_json(pair.column)
    expected = 'a link or a JSON object {"text", "link"}'

    def read(value: Any) -> Items | None:
        if value is None:
            return None
        if isinstance(value, str) and not value.startswith("{"):
            text = as_text.read(value)
            return None if text is None else (text, text)
        try:
            return _decode_url(value if as_json else json.loads(value))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise refuse(value, expected) from None

    def write(url: Items | None) -> Any:
        if url is None:
            return None
        text, link = url
        if as_json:
            return {"text": text, "link": link}
        if bare and text == link and not link.startswith("{"):
            return as_text.write(link)
        return as_text.write(compact({"text": text, "link": link}))

    return Converter(read, write)
