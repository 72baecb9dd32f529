"""Tables in Markdown: where they stand, how a text with many is split, and how surplus ones become text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TABLES_MAX = 5
"""Tables of a card in one language, those in Markdown included (11310)."""

MARKDOWN_TABLES_MAX = 4
"""Tables in one markdown component."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DELIMITER = re.compile(r" {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Lines:
    """The lines from *first* up to, and without, *end*."""

    first: int
    end: int


def find_tables(text: str) -> list[Lines]:
    """Return where the pipe tables of *text* stand; those in code blocks are none."""
    lines = text.split("\n")
    found: list[Lines] = []
    place, blocked = 0, _fenced(lines)
    while place + 1 < len(lines):
        if not blocked[place] and not blocked[place + 1] and _starts_table(lines[place], lines[place + 1]):
            end = place + 2
            while end < len(lines) and lines[end].strip() and not blocked[end]:
                end += 1
            found.append(Lines(place, end))
            place = end
        else:
            place += 1
    return found


def _starts_table(head: str, rule: str) -> bool:
    return "|" in rule and bool(_DELIMITER.fullmatch(rule)) and "|" in head and _cells(head) == _cells(rule)


def _cells(line: str) -> int:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return len(_PIPE.split(inner))


def _fenced(lines: list[str]) -> list[bool]:
    blocked, fence = [], ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            blocked.append(True)
            closes = mark and mark[1].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
        else:
            blocked.append(mark is not None)
            fence = mark[1] if mark else ""
    return blocked


def split_markdown(text: str) -> list[str]:
    """Return *text* as the markdown components of a card that holds nothing else.

    Lark refuses a card with more than five tables, and a component with more than four: the text is split between
    tables, and from the sixth on they stand as code blocks, so that nothing is lost.
    """
    return list(_parts(fence_tables(text, keep=TABLES_MAX)))


def _parts(text: str) -> Iterator[str]:
    tables = find_tables(text)
    if len(tables) <= MARKDOWN_TABLES_MAX:
        yield text
        return
    lines = text.split("\n")
    # the line before a table may be its caption: cut right behind the last one that fits
    cut = tables[MARKDOWN_TABLES_MAX - 1].end
    yield "\n".join(lines[:cut])
    yield from _parts("\n".join(lines[cut:]).lstrip("\n"))


def fence_tables(text: str, *, keep: int) -> str:
    """Return *text* with its first *keep* tables; later ones stand as code blocks, so that nothing is lost."""
    surplus = find_tables(text)[keep:]
    if not surplus:
        return text
    return "\n".join(_with_fences(text.split("\n"), surplus))


def _with_fences(lines: list[str], tables: list[Lines]) -> Iterator[str]:
    starts, ends = {table.first for table in tables}, {table.end for table in tables}
    for place, line in enumerate([*lines, None]):
        if place in ends:
            yield "```"
        if place in starts:
            yield "```"
        if line is not None:
            yield line
