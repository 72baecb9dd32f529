"""CSV and Excel files of a query's rows, read back by other programs' eyes: csv, openpyxl, and the bytes."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from airflow_provider_lark.core.errors import TooLarge
from airflow_provider_lark.core.transfer.to_message.csv_file import csv_form
from airflow_provider_lark.core.transfer.to_message.excel_file import CELL_UNITS_MAX, write_excel
from airflow_provider_lark.core.transfer.to_message.file_values import rows_in_zone
from airflow_provider_lark.core.transfer.to_message.formulas import guard, is_formula
from airflow_provider_lark.core.transfer.to_message.text_file import write_text_file

SHANGHAI = timezone(timedelta(hours=8))
MOMENT = datetime(2026, 11, 1, 16, 30, tzinfo=UTC)
LAST = datetime.fromisoformat("9999-12-31 23:59:59.999999")
NAIVE = datetime.fromisoformat("2026-11-01 08:00")


def write_csv(path: Path, names: list[str], parts: Any, **options: Any) -> Any:
    return write_text_file(path, csv_form(names), parts, **options)


def csv_text(path: Path, names: list[str], *rows: tuple[Any, ...], **options: Any) -> str:
    write_csv(path / "a.csv", names, [rows], **options)
    return (path / "a.csv").read_bytes().decode("utf-8-sig")


def cell_of(path: Path, value: Any) -> str:
    """What stands for *value* in a line of CSV, between two other cells."""
    line = csv_text(path, ["a", "b", "c"], (1, value, 2)).split("\r\n", 1)[1].removesuffix("\r\n")
    return line.removeprefix("1,").removesuffix(",2")


def sheet_of(path: Path, names: list[str], *rows: tuple[Any, ...], **options: Any) -> Any:
    write_excel(path / "a.xlsx", names, [rows], **options)
    (sheet,) = openpyxl.load_workbook(path / "a.xlsx").worksheets
    return sheet


def excel_cell(path: Path, value: Any) -> Any:
    return sheet_of(path, ["a"], (value,))["A2"]


FORMULAS = [
    "-2+3+cmd|' /C calc'!A0",
    '=HYPERLINK("http://x","y")',
    "@sum",
    "\t=1",
    " =1",
    "\r=1",
    "\n+1+1",
    "\u00a0=1",
    "＝1+1",
    "=A1",
    "+8613800138000 ext",
]
PLAIN = ["-5.00", "-1e-7", "+8613800138000", "-", "a=1", "", "x@y.cn", "1-2", "华东", "'=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_be_evaluated_is_shown_as_text(tmp_path, text):
    assert (is_formula(text), guard(text)) == (True, f"'{text}")
    assert cell_of(tmp_path, text) == '"' + f"'{text}".replace('"', '""') + '"'
    cell = excel_cell(tmp_path, text)
    # as it is, and not evaluated when somebody edits it either; a \r is the line break that it is elsewhere
    assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", text.replace("\r", "\n"), True)


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(tmp_path, text):
    assert cell_of(tmp_path, text) == f'"{text}"'
    cell = excel_cell(tmp_path, text)
    assert (cell.value, cell.quotePrefix) == (text, False)


@pytest.mark.parametrize(
    ("value", "in_csv", "in_excel", "form"),
    [
        pytest.param(Decimal("-5.00"), "-5.00", -5, "0.00", id="decimal below 0"),
        pytest.param(-1e-7, "-1e-07", -1e-7, "General", id="double below 0"),
        pytest.param(Decimal("1E+3"), "1000", 1000, "0", id="decimal with exponent"),
        pytest.param(0, "0", 0, "General", id="zero"),
        pytest.param(999_999_999_999_999, "999999999999999", 999_999_999_999_999, "0", id="fifteen digits"),
        pytest.param(13800138000, "13800138000", 13800138000, "General", id="eleven digits"),
        pytest.param(1761984000000, "1761984000000", 1761984000000, "0", id="thirteen digits, shown as such"),
        pytest.param(Decimal("1E-40"), f"0.{'0' * 39}1", 1e-40, "General", id="more decimals than a format has"),
    ],
)
def test_number_stays_a_number(tmp_path, value, in_csv, in_excel, form):
    assert cell_of(tmp_path, value) == in_csv
    cell = excel_cell(tmp_path, value)
    assert (cell.data_type, cell.value, cell.number_format) == ("n", in_excel, form)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(1234567890123456789, "1234567890123456789", id="key of 19 digits"),
        pytest.param(Decimal("1234567890123.4567"), "1234567890123.4567", id="decimal of 17 digits"),
        pytest.param(10**400, "1" + "0" * 400, id="beyond a double"),
        pytest.param(Decimal("1E+400"), "1" + "0" * 400, id="decimal beyond a double"),
        pytest.param(Decimal("-1E-400"), f"-0.{'0' * 399}1", id="decimal below a double"),
        pytest.param(1.5e308, "1.5e+308", id="double beyond Excel's"),
        pytest.param(5e-324, "5e-324", id="double below Excel's"),
    ],
)
def test_number_of_more_digits_than_excel_keeps_is_text_there(tmp_path, value, text):
    assert cell_of(tmp_path, value) == text
    cell = excel_cell(tmp_path, value)
    assert (cell.data_type, cell.value) == ("s", text)


@pytest.mark.parametrize(
    ("value", "in_csv", "in_excel"),
    [
        pytest.param(None, "", None, id="NULL"),
        pytest.param("", '""', "", id="empty text"),
        pytest.param(True, "true", True, id="boolean"),
        pytest.param(float("nan"), '"NaN"', "NaN", id="NaN"),
        pytest.param(float("-inf"), '"\'-Infinity"', "-Infinity", id="infinite"),
        pytest.param(Decimal("sNaN"), '"NaN"', "NaN", id="NaN as a decimal"),
        pytest.param(NAIVE, "2026-11-01 08:00:00", NAIVE, id="datetime"),
        pytest.param(MOMENT, "2026-11-01 16:30:00+00:00", "2026-11-01 16:30:00+00:00", id="moment with its zone"),
        pytest.param(date(2026, 11, 1), "2026-11-01", NAIVE.replace(hour=0), id="date"),
        pytest.param(date(1066, 10, 14), "1066-10-14", "1066-10-14", id="date before Excel's first"),
        pytest.param(date(1900, 2, 28), "1900-02-28", "1900-02-28", id="date of which programs differ"),
        pytest.param(date(1900, 3, 1), "1900-03-01", datetime.fromisoformat("1900-03-01"), id="first date"),
        pytest.param(time(8, 30), "08:30:00", time(8, 30), id="time"),
        pytest.param(timedelta(hours=25, seconds=1), "25:00:01", timedelta(hours=25, seconds=1), id="duration"),
        pytest.param(timedelta(hours=-1), '"\'-01:00:00"', "-01:00:00", id="duration below 0"),
        pytest.param(b"\x00\xff", '"0x00ff"', "0x00ff", id="bytes"),
        pytest.param(memoryview(b"a"), '"0x61"', "0x61", id="bytes of another driver"),
        pytest.param({"a": [1, "b"]}, '"{""a"":[1,""b""]}"', '{"a":[1,"b"]}', id="JSON"),
        pytest.param([date(2026, 1, 1)], '"[""2026-01-01""]"', '["2026-01-01"]', id="array of dates"),
        pytest.param(UUID(int=1), f'"{UUID(int=1)}"', str(UUID(int=1)), id="UUID"),
        pytest.param('a "b";\n=1', '"a ""b"";\n=1"', 'a "b";\n=1', id="quotes, semicolon, line break"),
        pytest.param("\ud800x", '"\ufffdx"', "\ufffdx", id="half a character"),
    ],
)
def test_every_kind_of_value_has_its_form(tmp_path, value, in_csv, in_excel):
    assert cell_of(tmp_path, value) == in_csv
    assert excel_cell(tmp_path, value).value == in_excel


def test_csv_is_read_back_as_it_was(tmp_path):
    rows = [("华东", 'say "hi"', "a,b"), ("", "\r\n", "x;=1+1")]
    text = csv_text(tmp_path, ["城市", "=A1", "城市"], *rows)
    assert text.startswith('"城市","\'=A1","城市"\r\n')
    assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))][1:] == rows
    assert (tmp_path / "a.csv").read_bytes()[:3] == b"\xef\xbb\xbf"


def test_excel_has_a_header_that_stays_and_a_name(tmp_path):
    sheet = sheet_of(tmp_path, ["城市", "=A1", "城市", ""], ("a", 1, "b", 2), title="日报 [11/2026]: 'x' " + "y" * 40)
    assert [cell.value for cell in sheet[1]] == ["城市", "=A1", "城市", ""]
    assert (sheet["B1"].data_type, sheet["B1"].quotePrefix, sheet.freeze_panes) == ("s", True, "A2")
    assert (sheet.title[:18], len(sheet.title)) == ("日报  11 2026   'x' ", 31)
    assert sheet.column_dimensions["A"].width == pytest.approx(6, abs=1)


def test_text_longer_than_a_cell_of_excel_is_cut_and_counted(tmp_path):
    long = "😀" * 20_000
    written = write_excel(tmp_path / "a.xlsx", ["a"], [[("x" * CELL_UNITS_MAX,), (long,)]])
    (sheet,) = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets
    assert (written.rows, written.cut) == (2, 1)
    assert sheet["A2"].value == "x" * CELL_UNITS_MAX
    assert sheet["A3"].value == "😀" * ((CELL_UNITS_MAX - 1) // 2) + "…"


@pytest.mark.parametrize("write", [write_csv, write_excel])
def test_file_beyond_the_limit_is_told_before_all_rows_are_read(tmp_path, write):
    parts = iter([[("x" * 100, at) for at in range(100)]] * 50)
    with pytest.raises(TooLarge, match=r"the first [\d,]+ rows of the query, more than the 5,000 Lark allows"):
        write(tmp_path / "a", ["text", "n"], parts, max_bytes=5_000)
    # Excel's size is known when it is packed
    assert len(list(parts)) == (49 if write is write_csv else 0)


def test_more_rows_or_columns_than_a_sheet_holds_are_refused(tmp_path):
    assert write_excel(tmp_path / "a.xlsx", ["n"], [[(1,), (2,)]], max_rows=3).rows == 2
    with pytest.raises(TooLarge, match="more than the 2 rows"):
        write_excel(tmp_path / "b.xlsx", ["n"], [[(1,), (2,)], [(3,)]], max_rows=3)
    with pytest.raises(TooLarge, match="20,000 columns"):
        write_excel(tmp_path / "c.xlsx", ["n"] * 20_000, [])


@pytest.mark.parametrize("write", [write_csv, write_excel])
def test_query_without_rows_leaves_a_header(tmp_path, write):
    assert write(tmp_path / "a", ["城市"], []).rows == 0
    assert (tmp_path / "a").stat().st_size > 0


def test_moments_are_shown_in_the_zone_that_is_asked_for(tmp_path):
    parts = [[(MOMENT, NAIVE, datetime.max.replace(tzinfo=UTC), "x")]]
    ((shown,),) = rows_in_zone(parts, SHANGHAI)
    assert (str(shown[0]), shown[1], shown[2], shown[3]) == ("2026-11-02 00:30:00+08:00", *parts[0][0][1:])
    ((bare,),) = rows_in_zone(parts, SHANGHAI, drop_zone=True)
    assert excel_cell(tmp_path, bare[0]).value == datetime.fromisoformat("2026-11-02 00:30")
    assert list(rows_in_zone(parts, None, drop_zone=True)) == parts


@pytest.mark.parametrize(
    ("value", "shown", "form"),
    [
        # the end of time in many tables; rounded up it would be the year 10000, which no cell shows
        (LAST, LAST.replace(microsecond=999000), "yyyy-mm-dd hh:mm:ss.000"),
        (time(23, 59, 59, 999999), time(23, 59, 59, 999000), "hh:mm:ss.000"),
        (timedelta(hours=25, microseconds=1500), timedelta(hours=25, milliseconds=1), "[h]:mm:ss.000"),
        (time(1, 0, 0, 5), time(1), "hh:mm:ss"),
        (timedelta(days=3_000_000), "72000000:00:00", "General"),
    ],
)
def test_fractions_of_seconds_are_cut_and_not_rounded_to_the_next_day(tmp_path, value, shown, form):
    cell = excel_cell(tmp_path, value)
    assert (cell.value, cell.number_format) == (shown, form)


@pytest.mark.parametrize(
    ("title", "name"),
    [("😀" * 31, "😀" * 15), ("History", "History_"), ("'x'", "x"), ("日" * 40, "日" * 31), ("[]:*?/\\", "Result")],
)
def test_sheet_is_called_as_excel_allows(tmp_path, title, name):
    assert sheet_of(tmp_path, ["a"], (1,), title=title).title == name


def test_columns_of_numbers_have_room_for_longer_ones(tmp_path):
    sheet = sheet_of(tmp_path, ["n", "d", "t"], (1, Decimal("1E+20"), "x"))
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert widths == [pytest.approx(14, abs=1), pytest.approx(23, abs=1), pytest.approx(3, abs=1)]


@pytest.mark.parametrize("rows", [[(), ()], []])
def test_query_without_columns_is_a_file(tmp_path, rows):
    assert write_excel(tmp_path / "a.xlsx", [], [rows]).rows == len(rows)
    assert csv_text(tmp_path, [], *rows) == "\r\n" * (1 + len(rows))
