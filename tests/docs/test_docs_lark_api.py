"""The pages on Lark's API: what is cited exists, and every fact says how sure it is and where it comes from."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from airflow_provider_lark.emulator.codes.general import CODES
from airflow_provider_lark.emulator.codes.messages import MESSAGE_CODES
from airflow_provider_lark.emulator.switches import Switches
from tests.docs.lark_facts import FACTS, TAGS, citations, code_files, numbers, sections, sources, tags
from tests.docs.pages import ROOT, Page, all_pages

LARK = "https://open.feishu.cn/document/"
_RANGE = re.compile(r"\b(\d{4,}) to (\d{4,})\b")
each_page = pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in FACTS])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("(lark-api §2.4, §9.3)", [("lark-api", "2.4"), ("lark-api", "9.3")], id="one document"),
        pytest.param("lark-api §1, RFC 9112 §6", [("lark-api", "1"), ("RFC 9112", "6")], id="two documents"),
        pytest.param("see §4.4", [("", "4.4")], id="no document"),
    ],
)
def test_citations_belong_to_the_document_named_last(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(citations(text)) == expected


def test_every_section_that_code_cites_exists() -> None:
    known = set(numbers())
    cited = [
        (path.relative_to(ROOT).as_posix(), document, number)
        for path in code_files()
        for document, number in citations(path.read_text(encoding="utf-8"))
        if not document.startswith("RFC")
    ]
    assert len(cited) > 200  # the reading itself works
    assert [each for each in cited if each[1] != "lark-api"] == []  # the file names no document before its first §
    assert [each for each in cited if each[2] not in known] == []


def test_every_section_that_the_documentation_cites_exists() -> None:
    known = set(numbers())
    cited = [(page.name, number) for page in all_pages() for _, number in citations(page.text, document="lark-api")]
    assert cited
    assert [each for each in cited if each[1] not in known] == []


def test_numbers_stand_once_and_in_order() -> None:
    for page in FACTS:
        keys = [tuple(map(int, each.number.split("."))) for each in sections() if each.page == page.name]
        assert keys == sorted(keys)
    found = numbers()
    assert sorted(found) == sorted(set(found))


def test_every_fact_has_a_known_tag() -> None:
    empty = [each.number for each in sections() if not each.text.strip() and "." in each.number]
    found = [(each.number, block) for each in sections() for block in each.blocks if block]
    assert empty == []
    assert [(number, tag) for number, block in found for tag, _ in tags(block) if tag not in TAGS] == []
    assert [(number, block) for number, block in found if not tags(block)] == []


@each_page
def test_tags_lead_to_their_source(page: Page) -> None:
    known = sources(page)
    used = [pair for each in sections() if each.page == page.name for pair in tags(each.text)]
    assert [label or tag for tag, label in used if (label or tag) not in known] == []
    assert sorted(set(known) - {label or tag for tag, label in used}) == []
    assert [label for tag, label in used if tag == "documented" and not known.get(label, "").startswith(LARK)] == []
    assert [label for tag, label in used if tag == "SDK" and "github.com/larksuite/" not in known.get(label, "")] == []


@each_page
def test_tags_without_a_source_lead_to_what_they_mean(page: Page) -> None:
    own = {label: address for label, address in sources(page).items() if not address.startswith("https://")}
    assert set(own) <= TAGS
    for address in own.values():
        file, _, anchor = address.partition("#")
        assert anchor in Page(page.path.parent / (file or page.path.name)).anchors()


def test_open_points_name_switches_of_the_emulator() -> None:
    known = {each.name for each in fields(Switches)}
    points = next(each.text for each in sections() if each.number == "11")
    rows = [row.split("|") for row in points.splitlines() if row.startswith("| 11.")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[3])]
    assert len(named) > 10
    assert [name for name in named if name not in known] == []


def test_every_code_that_the_emulator_knows_is_explained() -> None:
    text = "\n".join(page.text for page in FACTS)
    found = {int(code) for code in re.findall(r"\b\d{4,}\b", text)}
    for first, last in _RANGE.findall(text):
        found.update(range(int(first), int(last) + 1))
    # those of messages are listed where they are explained, in codes/messages.py
    assert sorted(set(CODES) - set(MESSAGE_CODES) - found) == []
