"""Links lead somewhere; files, tests and commands that the documentation names exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, all_pages

PAGES = all_pages()
_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|md|yaml|csv)")
_TEST = re.compile(r"test_\w+")


def each_page(pages: list[Page] = PAGES) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", [pytest.param(each, id=each.name) for each in pages])


@each_page()
def test_links_lead_to_a_file_and_a_heading(page: Page) -> None:
    broken = []
    for link in page.links():
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        if not target.exists() or (anchor and anchor not in Page(target).anchors()):
            broken.append(link)
    assert broken == []


@each_page()
def test_files_that_are_named_exist(page: Page) -> None:
    named = [code for code in page.code() if _FILE.fullmatch(code)]
    here = (page.path.parent, ROOT, ROOT / "airflow_provider_lark")
    assert [name for name in named if not any((folder / name).exists() for folder in here)] == []


@each_page()
def test_tests_that_are_named_exist(page: Page) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = [code for code in page.code() if _TEST.fullmatch(code)]
    assert [name for name in named if not re.search(rf"def {name}\b", sources) and name != "test_connection"] == []


@each_page()
def test_make_targets_that_are_named_exist(page: Page) -> None:
    named = re.findall(r"(?:`|\$ )make ([a-z0-9-]+)", page.text)
    assert [name for name in named if name not in make_targets()] == []


def test_workflow_calls_targets_that_exist_on_what_docs_promise() -> None:
    text = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    called = set(re.findall(r"(?:target: |run: make )([a-z0-9-]+)", text))
    assert called - set(make_targets()) == set()
    versions = re.findall(r"`make (test[a-z0-9-]*)`", Page(ROOT / "docs/contributing.md").text)
    assert set(versions) - called == set()


def make_targets() -> list[str]:
    return re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_index_leads_to_every_page() -> None:
    folder = ROOT / "docs"
    linked = {(folder / link.partition("#")[0]).resolve() for link in Page(folder / "index.md").links()}
    assert [page.name for page in PAGES if page.path.name != "index.md" and page.path.resolve() not in linked] == []
