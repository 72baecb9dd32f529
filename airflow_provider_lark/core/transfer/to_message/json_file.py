"""Rows of a query as JSON: an object a row, in one array or one a line.

Numbers keep all their digits, also those beyond a double. What JSON has no form for is text: moments of ISO 8601, bytes
as ``0x…``, NaN and infinities as words. JSON and arrays of a database stand as such, not as text in text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airflow_provider_lark.core.transfer.to_message.file_values import (
    distinct_columns,
    json_text,
    whole_text,
)
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def json_form(names: Sequence[str]) -> TextFormat:
    """Return one array of objects, a line each."""
    return TextFormat("[\n", _Row(names), ",\n", "\n]\n")


def json_lines_form(names: Sequence[str]) -> TextFormat:
    """Return lines of one object each; of no rows a single empty line, since Lark takes no file without a byte."""
    return TextFormat("", _Row(names), "\n", "\n")


class _Row:
    """Writes a row as an object; of columns with the same name the later ones get a number."""

    def __init__(self, names: Sequence[str]) -> None:
        self._keys = [f"{_quoted(whole_text(name))}:" for name in distinct_columns(names)]

    def __call__(self, row: Sequence[Any]) -> str:
        pairs = zip(self._keys, row, strict=True)
        return "{" + ",".join([key + json_text(value) for key, value in pairs]) + "}"
