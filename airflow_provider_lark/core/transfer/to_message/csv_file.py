"""Rows of a query as CSV that Excel opens as it is meant: UTF-8 with its mark, no formulas.

Text is always quoted, so that a reader who splits at semicolons finds no formula behind one, and an empty text (``""``)
differs from NULL (nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow_provider_lark.core.transfer.to_message.file_values import file_value, value_text, whole_text
from airflow_provider_lark.core.transfer.to_message.formulas import guard
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat


def csv_form(names: Sequence[str]) -> TextFormat:
    """Return CSV with *names* as its first line."""
    return TextFormat("\ufeff" + whole_text(_line(names)), _line)


def _line(row: Sequence[Any]) -> str:
    return ",".join(map(_cell, row)) + "\r\n"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    plain = file_value(value)
    if plain is None:
        return ""
    text = value_text(plain)
    return _quoted(text) if isinstance(plain, str) or _is_below_zero(plain) else text


def _is_below_zero(plain: Any) -> bool:
    # a spreadsheet would evaluate -01:00:00
    return isinstance(plain, timedelta) and plain < timedelta(0)


def _quoted(text: str) -> str:
    return '"' + guard(text).replace('"', '""') + '"'
