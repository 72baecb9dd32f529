"""Texts cut to a number of bytes, never within a character."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_JOINER = "\u200d"
# what changes the character before it: variation selectors, skin tones, the frame of a key, flags of regions
_MODIFIERS = frozenset("\ufe0e\ufe0f\u20e3") | {chr(code) for code in range(0x1F3FB, 0x1F400)}
_TAGS = range(0xE0020, 0xE0080)

#: so much of the room belongs to the beginning: what failed stands there; why stands at the end
_HEAD_SHARE = 0.4


def cut_end(text: str, max_bytes: int, *, mark: str = "…") -> str:
    """Return *text* in at most *max_bytes* of UTF-8; a cut one ends with *mark*."""
    if _fits(text, max_bytes):
        return text
    room = max_bytes - len(mark.encode())
    return f"{_head(text, room)}{mark}" if room > 0 else _head(text, max_bytes)


def cut_middle(text: str, max_bytes: int, *, gap: Callable[[int], str]) -> str:
    """Return *text* in at most *max_bytes* of UTF-8: its first line and its last lines, and a mark between them.

    Whole lines are kept where they fit; a line too long for its share keeps its beginning, or its end.

    :param gap: what says that so many characters are left out; it gets a line of its own.
    """
    if _fits(text, max_bytes):
        return text
    room = max_bytes - len(gap(len(text)).encode()) - 2
    if room < 2:
        return cut_end(text, max_bytes)
    # megabytes may stand behind the part that is shown
    first = text[:max_bytes].split("\n", 1)[0]
    head = _head(first, int(room * _HEAD_SHARE))
    # the two cannot meet: together they take less than the text
    tail = _last_lines(text, room - len(head.encode()))
    return f"{head}\n{gap(len(text) - len(head) - len(tail))}\n{tail}"


def _fits(text: str, max_bytes: int) -> bool:
    return len(text) <= max_bytes and len(text.encode()) <= max_bytes


def _last_lines(text: str, max_bytes: int) -> str:
    tail = _tail(text, max_bytes)
    if len(tail) < len(text) and text[-len(tail) - 1 :][:1] != "\n":
        # begins within a line: the next whole one is better, unless there is none
        whole = tail.partition("\n")[2]
        return whole if whole.strip() else tail
    return tail


def _head(text: str, max_bytes: int) -> str:
    if max_bytes <= 0:
        return ""
    cut = text[:max_bytes].encode()[:max_bytes].decode("utf-8", "ignore")
    end = len(cut)
    while 0 < end < len(text) and _belongs_together(text, end):
        end -= 1
    return text[:end]


def _tail(text: str, max_bytes: int) -> str:
    if max_bytes <= 0:
        return ""
    raw = text[-max_bytes:].encode()
    cut = raw[-max_bytes:].decode("utf-8", "ignore")
    start = len(text) - len(cut)
    while start < len(text) and start > 0 and _belongs_together(text, start):
        start += 1
    return text[start:]


def _belongs_together(text: str, place: int) -> bool:
    """Whether the characters before and at *place* are drawn as one."""
    before, after = text[place - 1], text[place]
    return (
        unicodedata.combining(after) != 0
        or after in _MODIFIERS
        or _JOINER in {before, after}
        or ord(after) in _TAGS
        or (_is_region(before) and _is_region(after) and _regions_before(text, place) % 2 == 1)
    )


def _is_region(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF


def _regions_before(text: str, place: int) -> int:
    count = 0
    while place > count and _is_region(text[place - 1 - count]):
        count += 1
    return count
