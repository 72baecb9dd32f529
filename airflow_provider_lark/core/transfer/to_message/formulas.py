"""Text that a spreadsheet would take for a formula, told from numbers and other text.

``=HYPERLINK("http://…")`` in a cell that somebody typed would be evaluated by whoever opens the file.
"""

from __future__ import annotations

import re

# Excel takes the full-width ones for the same signs where its language is Chinese or Japanese
_SIGNS = frozenset("=+-@＝＋－＠")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet may evaluate *text*, also behind blanks, tabs and line breaks.

    >>> [is_formula(text) for text in ("=1+1", " =1", "-2+3", "-5.00", "-", "a=b")]
    [True, True, True, False, False, False]
    """
    if text[:1].isalnum():
        # nearly all texts
        return False
    head = text.lstrip()
    return head[:1] in _SIGNS and head != "" and len(head.rstrip()) > 1 and not _NUMBER.fullmatch(text)


def guard(text: str) -> str:
    """Return *text* for a file of plain text: one that would be evaluated gets a quote before it, and is shown as text.

    >>> guard("@sum")
    "'@sum"
    """
    return f"'{text}" if is_formula(text) else text
