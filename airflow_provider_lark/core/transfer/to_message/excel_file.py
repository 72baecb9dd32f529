"""Rows of a query as an Excel file, written row by row: memory stays the same for a million of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.api.wire.limits import MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.core.transfer.to_message.file_values import (
    Rows,
    WrittenRows,
    duration_text,
    file_value,
    keeps_digits,
    too_large,
    value_text,
    whole_text,
)
from airflow_provider_lark.core.transfer.to_message.formulas import is_formula

ROWS_MAX = 1_048_576
"""Rows of a sheet, the header among them (Excel's specification)."""

COLUMNS_MAX = 16_384
"""Columns of a sheet."""

CELL_UNITS_MAX = 32_767
"""UTF-16 units of a cell's text."""

# of earlier ones programs differ by a day, as Excel counts a 29 February 1900
_FIRST_DAY = date(1900, 3, 1)
_FORMS = {"datetime": "yyyy-mm-dd hh:mm:ss", "date": "yyyy-mm-dd", "time": "hh:mm:ss", "duration": "[h]:mm:ss"}
# the last that a cell shows
_LONGEST = timedelta(days=2_958_465)
# a whole number of more digits would be shown as 1.76E+12
_SHOWN_WHOLE = 10**11
_SCALE_MAX = 30
_WIDTH_MAX = 50
# rows beyond the sample may be longer, and a number or moment that is too long for its column is shown as ####
_WIDTH_MIN = 12


def write_excel(
    path: Path,
    names: Sequence[str],
    parts: Iterable[Rows],
    *,
    title: str = "",
    max_bytes: int = MESSAGE_FILE_MAX_BYTES,
    max_rows: int = ROWS_MAX,
) -> WrittenRows:
    """Write *names* and all rows to a sheet of a new file at *path*; beside it lies a temporary one meanwhile.

    Numbers stay numbers, unless one has more digits than Excel keeps. Text is text, also where it looks like a formula.

    :param title: the sheet's name.
    :raises ConfigError: XlsxWriter is not installed.
    :raises TooLarge: a sheet holds fewer rows or columns, or the file has more than *max_bytes*.
    """
    if len(names) > COLUMNS_MAX:
        raise TooLarge(
            f"the query returned {len(names):,} columns, more than the {COLUMNS_MAX:,} an Excel sheet can hold: "
            "select fewer columns"
        )
    sheet = _Sheet(path, title)
    try:
        for part in _with_header(sheet, names, parts):
            if sheet.rows + len(part) > max_rows:
                raise TooLarge(
                    f"the query returned more than the {max_rows - 1:,} rows an Excel sheet can hold below its "
                    "header: return fewer rows, or use CSV"
                )
            for row in part:
                sheet.write(row)
    except BaseException:
        sheet.drop()
        raise
    sheet.close()
    size = path.stat().st_size
    if size > max_bytes:
        raise too_large(size, sheet.rows - 1, max_bytes=max_bytes, advice="")
    return WrittenRows(sheet.rows - 1, sheet.cut)


def _with_header(sheet: _Sheet, names: Sequence[str], parts: Iterable[Rows]) -> Iterable[Rows]:
    """Write the header, whose columns are as wide as the first rows need, and yield all parts."""
    waiting = iter(parts)
    first = next(waiting, [])
    sheet.begin(names, first[:100])
    return chain([first], waiting)


class _Sheet:
    """The one sheet of a file that is being written."""

    def __init__(self, path: Path, title: str) -> None:
        try:
            import xlsxwriter  # type: ignore[import-untyped]  # it has none
        except ImportError as exc:
            raise ConfigError(
                "an Excel file requires XlsxWriter: install airflow-provider-lark[excel] where tasks run, or use CSV"
            ) from exc
        options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_urls": False}
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        self._sheet: Any = self._book.add_worksheet(_sheet_name(title))
        self._format = cache(lambda form: self._book.add_format({"num_format": form}))
        # what is typed over stays text, too
        self._as_text = self._book.add_format({"quote_prefix": True})
        self.rows = self.cut = 0

    def begin(self, names: Sequence[str], sample: Rows) -> None:
        """Write the header."""
        bold = self._book.add_format({"bold": True, "bg_color": "#F2F3F5", "quote_prefix": True})
        for place, name in enumerate(names):
            values = [file_value(row[place]) for row in sample]
            least = _WIDTH_MIN if any(not isinstance(each, str | None) for each in values) else 0
            widths = [least, _width(name), *map(_width, values)]
            self._sheet.set_column(place, place, min(_WIDTH_MAX, max(widths) + 2))
            self._sheet.write_string(0, place, self._fitting(whole_text(name)), bold)
        self._sheet.freeze_panes(1, 0)
        self.rows = 1

    def write(self, row: Sequence[Any]) -> None:
        """Write the next row."""
        for place, value in enumerate(row):
            if value is not None:
                self._cell(place, file_value(value))
        self.rows += 1

    def close(self) -> None:
        """Finish the file."""
        self._book.close()

    def drop(self) -> None:
        """Leave it unfinished, and nothing open."""
        self._sheet.row_data_fh.close()

    def _cell(self, place: int, value: Any) -> None:
        at = (self.rows, place)
        if isinstance(value, str):
            self._text(at, value)
        elif isinstance(value, bool):
            self._sheet.write_boolean(*at, value)
        elif isinstance(value, (int, float, Decimal)):
            self._number(at, value)
        else:
            self._moment(at, value)

    def _text(self, at: tuple[int, int], text: str) -> None:
        # a line break of Windows would be shown as _x000D_ by most programs but Excel
        whole = self._fitting(whole_text(text).replace("\r\n", "\n").replace("\r", "\n"))
        self._sheet.write_string(*at, whole, self._as_text if is_formula(whole) else None)

    def _number(self, at: tuple[int, int], value: int | float | Decimal) -> None:
        if not keeps_digits(value):
            self._text(at, value_text(value))
        elif isinstance(value, Decimal):
            scale = max(0, -int(value.as_tuple().exponent))
            form = "General" if scale > _SCALE_MAX else f"0.{'0' * scale}" if scale else "0"
            self._sheet.write_number(*at, float(value), self._format(form))
        elif isinstance(value, int) and abs(value) >= _SHOWN_WHOLE:
            self._sheet.write_number(*at, value, self._format("0"))
        else:
            self._sheet.write_number(*at, value)

    def _moment(self, at: tuple[int, int], value: Any) -> None:
        kind, text = _describe(value)
        if kind:
            whole, fraction = _in_milliseconds(value)
            self._sheet.write_datetime(*at, whole, self._format(_FORMS[kind] + (".000" if fraction else "")))
        else:
            self._text(at, text)

    def _fitting(self, text: str) -> str:
        if len(text) * 2 <= CELL_UNITS_MAX or len(text.encode("utf-16-le")) // 2 <= CELL_UNITS_MAX:
            return text
        self.cut += 1
        return text.encode("utf-16-le")[: (CELL_UNITS_MAX - 1) * 2].decode("utf-16-le", "ignore") + "…"


def _describe(value: datetime | date | time | timedelta) -> tuple[str, str]:
    """Return the kind of cell for a moment, and its text; no kind where Excel knows no such moment."""
    if isinstance(value, datetime):
        # a cell has no zone: without it the moment would be another one
        fits = value.tzinfo is None and value.date() >= _FIRST_DAY
        return "datetime" if fits else "", value.isoformat(" ")
    if isinstance(value, date):
        return "date" if value >= _FIRST_DAY else "", value.isoformat()
    if isinstance(value, time):
        return "time", value.isoformat()
    return "duration" if timedelta(0) <= value <= _LONGEST else "", duration_text(value)


def _in_milliseconds(value: Any) -> tuple[Any, int]:
    """Return a moment without what is below a millisecond, which a cell would round up to the next day; and those."""
    microseconds = value.microseconds if isinstance(value, timedelta) else getattr(value, "microsecond", 0)
    below, milliseconds = microseconds % 1000, microseconds % 1_000_000 // 1000
    if isinstance(value, timedelta):
        return value - timedelta(microseconds=below), milliseconds
    return (value.replace(microsecond=milliseconds * 1000) if below else value), milliseconds


def _width(value: Any) -> int:
    """Return how many columns of a Latin letter *value* takes; Chinese ones take two."""
    if value is None:
        return 0
    first = value_text(value)[:_WIDTH_MAX]
    return len(first) + sum(unicodedata.east_asian_width(char) in "WF" for char in first)


def _sheet_name(title: str) -> str:
    plain = "".join(" " if char in "[]:*?/\\" or not char.isprintable() else char for char in whole_text(title))
    # counted as Excel does: an emoji takes two
    name = plain.strip(" '").encode("utf-16-le")[:62].decode("utf-16-le", "ignore").strip(" '")
    # Excel keeps that one to itself
    return f"{name}_" if name.lower() == "history" else name or "Result"
