"""The report of a check as a page and as JSON: whatever comes from data is text there, and nothing is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.consistency.files import require_paths, write_reports
from airflow_provider_lark.core.sync.report import CheckReport
from airflow_provider_lark.emulator import Emulator
from tests.databases import open_sqlite
from tests.sync.hostile import KEY, NAME, VALUES, hostile_report

ASKING = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "audio", "video", "use", "image"}
NOW = 1_800_000_000.0


class Reader(HTMLParser):
    """Reads a page as a browser does."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.rows += tag == "tr"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckReport]:
    sql = open_sqlite(tmp_path_factory.mktemp("sql") / "shop.db")
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, emu.url) as client:
        yield hostile_report(emu, client, sql)
    sql.dispose()


def test_values_keys_and_names_are_literal_text_and_the_page_asks_for_nothing(
    report: CheckReport, tmp_path: Path
) -> None:
    """O25."""
    path = tmp_path / "new folder" / "check.html"
    assert write_reports([str(path)], [report], now=NOW) == [str(path)]
    page = Reader()
    page.feed(path.read_text(encoding="utf-8"))
    assert not ASKING & set(page.tags)
    assert not [name for name, value in page.attributes if name.startswith("on") or name in ("src", "href", "style")]
    policy = next(
        value or "" for name, value in page.attributes if name == "content" and "default-src" in (value or "")
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert "unsafe" not in policy
    for text in (NAME, KEY, *VALUES[:-1], "\\u0007bell", "x" * 50 + "…"):
        assert text in page.texts
    # a head, two columns for each row that differs, three of the one that Lark has alone
    assert page.rows == 1 + 2 * len(VALUES) + 3
    assert "4711" not in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_json_tells_counts_rows_and_values_but_not_hidden_ones(report: CheckReport, tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    write_reports([str(path)], [report], now=NOW, errors={"other": "no such table"})
    told = json.loads(path.read_text(encoding="utf-8"))
    first, other = told["mappings"]
    assert (told["made_at"], first["mapping"], first["status"]) == ("2027-01-15 08:00:00 UTC", NAME, "drift")
    assert other == {"mapping": "other", "status": "failed", "error": "no such table"}
    row = next(each for each in first["rows"] if each["key"] == KEY)
    assert (row["kind"], row["state"], row["record_id"][:3]) == ("different", "drift", "rec")
    assert row["columns"] == [
        {"column": "note", "lark": VALUES[0], "sql": "plain", "hidden": False},
        {"column": "secret", "lark": None, "sql": None, "hidden": True},
    ]


def test_report_without_values_has_none_and_lists_as_many_rows_as_it_may(tmp_path: Path) -> None:
    sql = open_sqlite(tmp_path / "shop.db")
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, emu.url) as client:
        report = hostile_report(emu, client, sql, shows_values=False, rows=2)
        hidden = hostile_warning(emu, client, tmp_path)
    sql.dispose()
    write_reports([str(tmp_path / "a.html"), str(tmp_path / "a.json")], [report], now=NOW)
    page, told = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.html", "a.json"))
    assert "plain" not in page + told
    assert (len(report.rows), json.loads(told)["mappings"][0]["more_rows"]) == (2, len(VALUES) - 1)
    assert hidden.rows[0]["columns"][0]["hidden"]
    assert [text for text in hidden.warnings if "no column is named 'secrets'" in text]


def hostile_warning(emu: Emulator, client: LarkClient, folder: Path) -> CheckReport:
    """A hidden column that there is not: no values at all, rather than the wrong ones."""
    sql = open_sqlite(folder / "other.db")
    report = hostile_report(emu, client, sql, hidden=frozenset({"secrets"}))
    sql.dispose()
    return report


def test_file_for_each_mapping_leads_to_no_other_folder_and_replaces_an_older_report(tmp_path: Path) -> None:
    path = str(tmp_path / "{mapping}.html")
    for equal in (1, 2):
        report = CheckReport("../../etc/用户 表", "check", equal=equal)
        (written,) = write_reports([path], [report], now=NOW)
    assert Path(written) == tmp_path / "_.._etc_用户_表.html"
    assert "<dd>2</dd>" in Path(written).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "said"),
    [("check.txt", "must end in .html or .json"), ("{tmp}/folder.html", "is no regular file")],
)
def test_path_of_something_else_is_refused(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ConfigError, match=said):
        require_paths([path.replace("{tmp}", str(tmp_path))])


def test_report_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/check\.html': cannot be written"):
        write_reports([str(tmp_path / "file" / "check.html")], [], now=NOW)
