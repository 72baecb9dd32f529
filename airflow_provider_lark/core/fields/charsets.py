"""Which characters a text column's character set can hold, where they are fewer than Unicode.

Only sets whose mapping is the same everywhere are judged here; of the others the database is the judge, row by row.
"""

from __future__ import annotations

from collections.abc import Callable

Holds = Callable[[str], bool]

#: the bytes that Windows-1252 leaves open and MySQL's latin1 takes as control characters
_LATIN1_OPEN = str.maketrans(dict.fromkeys(map(chr, (0x81, 0x8D, 0x8F, 0x90, 0x9D))))


def holds_all_of(charset: str) -> Holds | None:
    """Return what tells whether *charset* has every character of a text; None where it surely has, or nobody knows.

    :param charset: as the database calls it: MySQL's ``utf8mb3`` or ``latin1``, PostgreSQL's ``LATIN1`` or ``WIN1252``.
    """
    return _CHARSETS.get(charset)


def _of_three_bytes(text: str) -> bool:
    return text.isascii() or max(text) <= "\uffff"


def _windows_1252(text: str) -> bool:
    return text.isascii() or _encodes(text, "cp1252")


def _mysql_latin1(text: str) -> bool:
    return text.isascii() or _encodes(text.translate(_LATIN1_OPEN), "cp1252")


def _one_byte(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


def _encodes(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


_CHARSETS: dict[str, Holds] = {
    "utf8": _of_three_bytes,
    "utf8mb3": _of_three_bytes,
    "ucs2": _of_three_bytes,
    "latin1": _mysql_latin1,
    "ascii": str.isascii,
    "LATIN1": _one_byte,
    "WIN1252": _windows_1252,
}
