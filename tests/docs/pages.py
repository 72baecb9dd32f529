"""The documentation as data: pages, their fenced blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block, the line before it, and where it stands."""

    page: str
    line: int
    language: str
    text: str
    lead: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, language: str) -> Iterator[Block]:
        for match in _FENCE.finditer(self.text):
            if match[1] == language:
                before = self.text[: match.start()]
                lead = before.rstrip().rpartition("\n")[2]
                yield Block(self.name, before.count("\n") + 1, language, match[2], lead)

    def anchors(self) -> set[str]:
        """What GitHub makes of the headings."""
        plain = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).lower() for heading in _HEADING.findall(self.prose))
        return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def code(self) -> list[str]:
        """Inline code."""
        return _CODE.findall(self.prose)

    def section(self, heading: str) -> str:
        """The text under *heading*, up to the next one of its level or above."""
        level = heading.split(" ")[0]
        rest = self.text.split(f"\n{heading}\n", 1)[1]
        return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def page(name: str) -> Page:
    return Page(ROOT / name)


def all_pages() -> list[Page]:
    return [Page(path) for path in (*READMES, *sorted((ROOT / "docs").rglob("*.md")))]


def all_blocks(language: str) -> list[Block]:
    return [block for each in all_pages() for block in each.blocks(language)]
