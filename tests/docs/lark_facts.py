"""The pages on Lark's API as data: sections, tags with their sources, and the citations that lead there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.docs.pages import ROOT, Page, page

FACTS = tuple(
    page(f"docs/reference/{name}.md") for name in ("lark-api", "lark-bitable", "lark-messages", "lark-approval")
)
TAGS = frozenset({"documented", "SDK", "seen in practice", "contradictory", "open"})

_HEADING = re.compile(r"^(#{2,3}) (?:(\d+(?:\.\d+)?)\.? )?", re.MULTILINE)
_ROW = re.compile(r"^\| (\d+\.\d+) \|", re.MULTILINE)
_DEFINITION = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)
_TAG = re.compile(r"\[([^\]\n]+)\](?:\[([^\]\n]+)\]|(?![\[(:]))")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_CITATION = re.compile(r"(?P<document>RFC \d+|lark-api)|§ ?(?P<number>\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Section:
    """What stands below a numbered heading, up to the next heading of any level."""

    page: str
    number: str
    text: str

    @property
    def blocks(self) -> list[str]:
        """Paragraphs, list items, tables; what stands before a table or ends in a colon belongs to what follows."""
        parts = re.split(r"\n\n+|\n(?=- )", self.text.strip())
        joined: list[str] = []
        for part in parts:
            lead = joined[-1] if joined else ""
            if lead.endswith(":") or (part.startswith(("|", "```")) and lead and not lead.startswith(("|", "- "))):
                joined[-1] += "\n" + part
            else:
                joined.append(part)
        return joined


def sections() -> Iterator[Section]:
    for each in FACTS:
        text = _DEFINITION.sub("", each.text)
        headings = list(_HEADING.finditer(text))
        for heading, end in pairwise([*((match, match.start()) for match in headings), (None, len(text))]):
            match = heading[0]
            if match is not None and match[2]:
                below = text[match.start() : end[1]].partition("\n")[2]
                yield Section(each.name, match[2], below)


def numbers() -> list[str]:
    """Numbers of sections, and of rows in the tables of traps and of open points."""
    return [number for each in sections() for number in (each.number, *_ROW.findall(each.text))]


def tags(text: str) -> list[tuple[str, str]]:
    """Tags in *text*, each with the label of its source, empty where it has none."""
    return [(match[1], match[2] or "") for match in _TAG.finditer(_CODE.sub("", text))]


def sources(of: Page) -> dict[str, str]:
    """Addresses by label."""
    return dict(_DEFINITION.findall(of.text))


def citations(text: str, *, document: str = "") -> Iterator[tuple[str, str]]:
    """Yield document and number of each citation; a bare § belongs to the document that was named last.

    :param document: what a § before any name belongs to.
    """
    for match in _CITATION.finditer(text):
        document = match["document"] or document
        if match["number"]:
            yield document, match["number"]


def code_files() -> list[Path]:
    folders = (ROOT / "airflow_provider_lark", ROOT / "tests", ROOT / "dags")
    own = {Path(__file__), Path(__file__).with_name("test_docs_lark_api.py")}
    return sorted(path for folder in folders for path in folder.rglob("*.py") if path not in own)
