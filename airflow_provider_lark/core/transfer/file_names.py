"""Names of files that people gave, made safe for any file system or bucket."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

NAME_BYTES_MAX = 200
"""Bytes of a name: file systems take 255, and a number may follow."""

# what Windows or a shell stumbles over, too: downloads travel
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u2028\u2029\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


def safe_name(name: str, *, default: str = "file") -> str:
    """Return *name* as the last part of a path: nothing in it leads out of its folder.

    >>> safe_name("../../etc/passwd")
    '_.._etc_passwd'
    """
    text = unicodedata.normalize("NFC", name).encode(errors="replace").decode()
    text = _UNSAFE.sub("_", text).strip().lstrip(".").rstrip(". ")
    if not text or _RESERVED.fullmatch(text):
        text = f"{default}_{text}" if text else default
    return _shorten(text)


def distinct_names(names: Iterable[str]) -> list[str]:
    """Return safe names, one for each of *names* in order, none twice, not even in another case: ``a (2).pdf``."""
    taken: set[str] = set()
    found = []
    for name in names:
        path = PurePosixPath(safe_name(name))
        at, candidate = 1, path.name
        while candidate.casefold() in taken:
            at += 1
            candidate = f"{path.stem} ({at}){path.suffix}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found


def _shorten(text: str) -> str:
    if len(text.encode()) <= NAME_BYTES_MAX:
        return text
    suffix = PurePosixPath(text).suffix
    suffix = suffix if len(suffix.encode()) <= 20 else ""
    room = NAME_BYTES_MAX - len(suffix.encode())
    stem = text.removesuffix(suffix) if suffix else text
    return stem.encode()[:room].decode(errors="ignore").rstrip() + suffix
