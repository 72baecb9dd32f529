"""Rows of a query as a CSV file that Excel opens as it is meant: UTF-8 with its mark, no formulas.

Text is always quoted, so that a reader who splits at semicolons finds no formula behind one, and an empty text (``""``)
differs from NULL (nothing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.api.limits import MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.transfer.file_values import (
    Rows,
    Written,
    duration_text,
    file_value,
    too_large,
    whole_text,
)
from airflow_provider_lark.core.transfer.formulas import guard


def write_csv(
    path: Path, names: Sequence[str], parts: Iterable[Rows], *, max_bytes: int = MESSAGE_FILE_MAX_BYTES
) -> Written:
    """Write *names* and all rows to *path*; of the rows no more than a part is in memory.

    :raises TooLarge: the file grows beyond *max_bytes*; the rest of the rows was not read.
    """
    rows = 0
    with path.open("wb") as file:
        size = file.write(b"\xef\xbb\xbf") + file.write(_line(names))
        for part in parts:
            size += file.write(b"".join(map(_line, part)))
            rows += len(part)
            if size > max_bytes:
                raise too_large(size, rows, max_bytes=max_bytes, advice=", or take Excel, which is packed")
    return Written(rows)


def _line(row: Sequence[Any]) -> bytes:
    line = ",".join(map(_cell, row)) + "\r\n"
    try:
        return line.encode()
    except UnicodeEncodeError:
        return whole_text(line).encode()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    plain = file_value(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return _quoted(plain)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    if isinstance(plain, datetime):
        return plain.isoformat(" ")
    if isinstance(plain, (date, time)):
        return plain.isoformat()
    if isinstance(plain, timedelta):
        text = duration_text(plain)
        return _quoted(text) if text.startswith("-") else text
    return str(plain)


def _quoted(text: str) -> str:
    return '"' + guard(text).replace('"', '""') + '"'
