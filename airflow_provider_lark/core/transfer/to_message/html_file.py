"""Rows of a query as a page of HTML with one table, for a browser; spreadsheets open it, and evaluate nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

from airflow_provider_lark.core.cards.text import clean_text
from airflow_provider_lark.core.transfer.to_message.file_values import file_value, keeps_digits, value_text
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat

# text stays text, whatever it looks like: Excel reads mso-number-format, LibreOffice sdnum
_AS_TEXT = 'sdnum="1033;0;@"'
_STYLE = r"""
body{font:14px sans-serif}
table{border-collapse:collapse}
th,td{border:1px solid #dee0e3;padding:4px 8px;text-align:start;white-space:pre-wrap}
th,td{unicode-bidi:plaintext;mso-number-format:"\@"}
th{background:#f2f3f5;position:sticky;top:0}
.n{text-align:right}
.g{mso-number-format:General}
""".strip()


def html_form(names: Sequence[str], *, title: str = "") -> TextFormat:
    """Return a page called *title* whose table has *names* as its head."""
    head = "".join(f"<th {_AS_TEXT}>{_shown(name)}</th>" for name in names)
    begin = (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{_shown(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n"
    )
    return TextFormat(begin, _row, end="</tbody>\n</table>\n</body>\n</html>\n")


def _row(row: Sequence[Any]) -> str:
    return "<tr>" + "".join(map(_cell, row)) + "</tr>\n"


def _cell(value: Any) -> str:
    plain = file_value(value)
    if plain is None:
        return "<td></td>"
    if isinstance(plain, (int, float, Decimal)) and not isinstance(plain, bool):
        # of one with more digits than a spreadsheet keeps it would keep others
        kind = 'class="n g"' if keeps_digits(plain) else f'class="n" {_AS_TEXT}'
        return f"<td {kind}>{value_text(plain)}</td>"
    return f"<td {_AS_TEXT}>{_shown(value_text(plain))}</td>"


def _shown(text: str) -> str:
    return escape(text if text.isprintable() else clean_text(text), quote=False)
