"""JSON, JSON lines and HTML of a query's rows, and packed files: read back by other programs' eyes, and the bytes."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.core.transfer.to_message import text_file
from airflow_provider_lark.core.transfer.to_message.csv_file import csv_form
from airflow_provider_lark.core.transfer.to_message.file_kinds import choose_kind, name_file
from airflow_provider_lark.core.transfer.to_message.file_values import distinct_columns
from airflow_provider_lark.core.transfer.to_message.html_file import html_form
from airflow_provider_lark.core.transfer.to_message.json_file import json_form, json_lines_form
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat, write_text_file

NAMES = ["城市", "n"]
ROWS = [("华东", 1), ("华南", None), ('"x"\n', 3)]


def written(path: Path, form: TextFormat, parts: Any, **options: Any) -> bytes:
    write_text_file(path / "a", form, parts, **options)
    return (path / "a").read_bytes()


def strict(text: str | bytes) -> Any:
    """Read JSON as its standard has it: no NaN, no double keys; numbers with all their digits."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=once)


# --- JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "null", id="NULL"),
        pytest.param("", '""', id="empty text"),
        pytest.param(True, "true", id="boolean"),
        pytest.param(-5, "-5", id="whole number"),
        pytest.param(1234567890123456789012, "1234567890123456789012", id="beyond 64 bits"),
        pytest.param(0.1, "0.1", id="double"),
        pytest.param(1e22, "1e+22", id="large double"),
        pytest.param(float("nan"), '"NaN"', id="NaN"),
        pytest.param(float("-inf"), '"-Infinity"', id="infinite"),
        pytest.param(Decimal("sNaN"), '"NaN"', id="NaN as a decimal"),
        pytest.param(Decimal("Infinity"), '"Infinity"', id="infinite decimal"),
        pytest.param(Decimal("-5.00"), "-5.00", id="decimal with its zeros"),
        pytest.param(Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789", id="decimal"),
        pytest.param(Decimal("1E+3"), "1000", id="decimal with exponent"),
        pytest.param(date(1066, 10, 14), '"1066-10-14"', id="date"),
        pytest.param(datetime.fromisoformat("2026-11-01 08:00"), '"2026-11-01T08:00:00"', id="datetime"),
        pytest.param(datetime(2026, 11, 1, 8, tzinfo=UTC), '"2026-11-01T08:00:00+00:00"', id="moment"),
        pytest.param(time(8, 30, 0, 5), '"08:30:00.000005"', id="time"),
        pytest.param(timedelta(hours=-25), '"-25:00:00"', id="duration"),
        pytest.param(b"\x00\xff", '"0x00ff"', id="bytes"),
        pytest.param(memoryview(b"a"), '"0x61"', id="bytes of another driver"),
        pytest.param({"b": [1, Decimal("1.50"), None], "a": {}}, '{"b":[1,1.50,null],"a":{}}', id="JSON in its order"),
        pytest.param([date(2026, 1, 1), float("nan")], '["2026-01-01","NaN"]', id="array"),
        pytest.param(UUID(int=1), f'"{UUID(int=1)}"', id="UUID"),
        pytest.param("=1+1 </script> 华 \u2028", '"=1+1 </script> 华 \u2028"', id="text as it is"),
        pytest.param('"\\\x00\n', '"\\"\\\\\\u0000\\n"', id="escapes"),
        pytest.param("\ud800x", '"\ufffdx"', id="half a character"),
        pytest.param({"\ud800": 1}, '{"\ufffd":1}', id="half a character in a key"),
    ],
)
def test_every_kind_of_value_is_exact_json(tmp_path, value, expected):
    line = written(tmp_path, json_lines_form(["a", "b"]), [[(value, 1)]]).decode()
    assert line == f'{{"a":{expected},"b":1}}\n'
    strict(line)


def nested(levels: int) -> Any:
    value: Any = Decimal("1.50")
    for number in range(levels):
        value = [value, 2] if number % 2 else {"a": 1, "b": value}
    return value


@pytest.mark.parametrize("levels", [600, 3000])
def test_json_that_nests_deeper_than_calls_may_is_written_whole(tmp_path, levels):
    expected = '[{"a":1,"b":' * (levels // 2) + "1.50" + "},2]" * (levels // 2)
    line = written(tmp_path, json_lines_form(["a"]), [[(nested(levels),)]]).decode()
    assert line == f'{{"a":{expected}}}\n'


def test_json_that_nests_deeper_than_calls_may_is_one_text_of_a_csv_file(tmp_path):
    expected = '[{""a"":1,""b"":' * 1500 + "1.50" + "},2]" * 1500
    assert f'"{expected}"' in written(tmp_path, csv_form(["a"]), [[(nested(3000),)]]).decode("utf-8-sig")


@pytest.mark.parametrize("parts", [[ROWS], [ROWS[:1], [], ROWS[1:]], [[row] for row in ROWS]], ids=["one", "2", "3"])
def test_json_is_an_array_of_objects_and_json_lines_are_objects(tmp_path, parts):
    expected = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    whole = written(tmp_path, json_form(NAMES), parts)
    assert not whole.startswith(b"\xef\xbb\xbf")
    assert strict(whole) == expected
    lines = written(tmp_path, json_lines_form(NAMES), parts).decode()
    assert [strict(line) for line in lines.splitlines()] == expected


def test_no_rows_are_an_empty_array_and_an_empty_line(tmp_path):
    assert strict(written(tmp_path, json_form(NAMES), [])) == []
    # Lark takes no file without a byte
    assert written(tmp_path, json_lines_form(NAMES), [[]]) == b"\n"


def test_columns_of_one_name_and_without_one_keep_their_values(tmp_path):
    names = ["n", "n", "n_2", "", "", 'a"b\ud800']
    (row,) = strict(written(tmp_path, json_form(names), [[(1, 2, 3, 4, 5, 6)]]))
    assert row == {"n": 1, "n_3": 2, "n_2": 3, "": 4, "_2": 5, 'a"b\ufffd': 6}
    assert distinct_columns(["a"] * 3) == ["a", "a_2", "a_3"]


# --- HTML


class Page(HTMLParser):
    """The cells of a page, as a browser shows them, and every tag that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.lines: list[list[str]] = []
        self.kinds: list[str] = []
        self.as_text: list[bool] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.lines.append([])
        if tag in ("td", "th"):
            self.lines[-1].append("")
            self.kinds.append(dict(attrs).get("class") or "")
            self.as_text.append(dict(attrs).get("sdnum") == "1033;0;@")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("td", "th") and self.lines and self.lines[-1] and data != "\n":
            self.lines[-1][-1] += data


def test_html_shows_cells_and_runs_nothing_in_them(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=y> & &lt; ]]> --><b>"
    form = html_form(["<b>", "n"], title="</title><script>")
    text = written(tmp_path, form, [[(evil, -5), ("a\x00\x0bb\ud800\r\nc", Decimal("1.50"))]]).decode()
    page = Page(text)
    assert page.lines == [["<b>", "n"], [evil, "-5"], ["a\ufffd\ufffdb\ufffd\nc", "1.50"]]
    assert not {"script", "img", "b"} & set(page.tags)
    assert text.startswith("<!DOCTYPE html>")
    assert '<meta charset="utf-8">' in text


def test_html_tells_numbers_that_spreadsheets_keep_from_those_that_it_does_not(tmp_path):
    values = (1, 1234567890123456789, Decimal("1.50"), 0.5, True, None, float("nan"), date(2026, 1, 1), "=1+1")
    page = Page(written(tmp_path, html_form(["a"] * 9), [[values]]).decode())
    assert page.kinds[9:] == ["n g", "n", "n g", "n g", "", "", "", "", ""]
    shown = ["1", "1234567890123456789", "1.50", "0.5", "true", "", "NaN", "2026-01-01", "=1+1"]
    assert page.lines[1] == shown
    # by that LibreOffice evaluates nothing, and keeps every digit
    assert page.as_text == [True] * 9 + [False, True, False, False, True, False, True, True, True]


# --- packed


FORMS = [csv_form(NAMES), json_form(NAMES), json_lines_form(NAMES), html_form(NAMES)]


@pytest.mark.parametrize("form", FORMS, ids=["csv", "json", "jsonl", "html"])
def test_packed_file_holds_the_same_and_has_the_same_bytes_each_time(tmp_path, form, monkeypatch):
    plain = written(tmp_path, form, [ROWS])
    packed = written(tmp_path, form, [ROWS], packing="gzip")
    zipped = written(tmp_path, form, [ROWS], packing="zip", inner_name="订单.csv")
    assert gzip.decompress(packed) == plain
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        (name,) = archive.namelist()
        assert (name, archive.read(name), archive.testzip()) == ("订单.csv", plain, None)
    # a task that is tried again a day later, in another place
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    (tmp_path / "other").mkdir()
    again = [ROWS[:1], ROWS[1:]]
    assert written(tmp_path / "other", form, again, packing="gzip") == packed
    assert written(tmp_path / "other", form, again, packing="zip", inner_name="订单.csv") == zipped


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_limit_counts_packed_bytes(tmp_path, packing):
    parts = [[("x" * 1000, at) for at in range(100)]] * 20
    with pytest.raises(TooLarge, match=r"or compress it \(compression='gzip'\)"):
        written(tmp_path, csv_form(NAMES), parts, max_bytes=200_000)
    assert len(written(tmp_path, csv_form(NAMES), parts, packing=packing, max_bytes=200_000)) < 50_000
    with pytest.raises(TooLarge, match="more than the 5,000 Lark allows: return fewer rows or columns, or send a card"):
        written(tmp_path, csv_form(NAMES), parts, packing=packing, max_bytes=5_000)


def test_zip_that_not_every_program_opens_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "ZIP_UNPACKED_MAX", 10_000)
    parts = [[("x" * 1000, at) for at in range(20)]]
    with pytest.raises(TooLarge, match=r"the first 20 rows of the query take [\d,]+ bytes uncompressed"):
        written(tmp_path, csv_form(NAMES), parts, packing="zip")
    written(tmp_path, csv_form(NAMES), parts, packing="gzip")


# --- which form, and its name


@pytest.mark.parametrize(
    ("given", "expected", "names"),
    [
        pytest.param(("csv", None, None), ("csv", None), ("a.csv", "a.csv"), id="title"),
        pytest.param(("csv", None, "x.CSV"), ("csv", None), ("x.csv", "x.csv"), id="ending in capitals"),
        pytest.param((None, None, "x.csv.gz"), ("csv", "gzip"), ("x.csv.gz", "x.csv"), id="all by name"),
        pytest.param((None, None, "x.json.zip"), ("json", "zip"), ("x.json.zip", "x.json"), id="zip by name"),
        pytest.param((None, None, "x.csv.gzip"), ("csv", "gzip"), ("x.csv.gz", "x.csv"), id="as Slack has it"),
        pytest.param((None, "zip", "x.htm"), ("html", "zip"), ("x.html.zip", "x.html"), id="parameter and name"),
        pytest.param(("jsonl", "gzip", None), ("jsonl", "gzip"), ("a.jsonl.gz", "a.jsonl"), id="parameters"),
        pytest.param((None, None, "x.ndjson"), ("jsonl", None), ("x.jsonl", "x.jsonl"), id="other ending"),
        pytest.param(("csv", None, "x.gz"), ("csv", "gzip"), ("x.csv.gz", "x.csv"), id="packed name"),
        pytest.param((None, None, "x.XLSX"), ("excel", None), ("x.xlsx", "x.xlsx"), id="Excel by name"),
        pytest.param(("csv", None, "../x.json"), ("csv", None), ("_x.json.csv", "_x.json.csv"), id="other form given"),
        pytest.param(("json", "zip", "名" * 300), ("json", "zip"), None, id="long name"),
    ],
)
def test_form_and_packing_come_from_parameters_or_the_name(given, expected, names):
    form, packing = choose_kind(*given)
    assert (form, packing) == expected
    made = name_file(given[2] or "a", form, packing)
    assert names is None or made == names
    assert all(len(each.encode()) <= 255 for each in made)


@pytest.mark.parametrize("name", [None, "", "orders", "orders.pdf", "gz"])
def test_without_a_known_ending_it_is_a_card(name):
    assert choose_kind(None, None, name) == ("card", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(
            (None, None, "x.gz"), "file_name 'x.gz': the type of the compressed file is unknown", id="packed what"
        ),
        pytest.param(
            (None, "zip", None), "compression: the type of the compressed file is unknown", id="packed nothing"
        ),
        pytest.param(("card", "zip", None), "compression: not supported with form 'card'", id="packed card"),
        pytest.param(("csv", "zip", "x.csv.gz"), "has the extension of gzip, but compression is 'zip'", id="at odds"),
        pytest.param(("excel", "zip", None), "compression: an Excel file is already compressed", id="packed Excel"),
        pytest.param(
            (None, None, "x.xlsx.gz"), "file_name 'x.xlsx.gz': an Excel file is already compressed", id="packed by name"
        ),
    ],
)
def test_what_makes_no_file_is_told(given, told):
    with pytest.raises(ConfigError, match=told):
        choose_kind(*given)
