"""Which names of two lists mean the same: equal ones first, then those that only differ in case, blanks and marks."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import normalize


def pair_names(left: Iterable[str], right: Iterable[str]) -> dict[str, str]:
    """Return the names of *left* that have one, and only one, in *right*.

    >>> pair_names(["Created At", "名称", "id", "ID"], ["created_at", "名称", "id"])
    {'名称': '名称', 'id': 'id', 'Created At': 'created_at'}
    """
    ours, theirs = list(left), list(right)
    paired = {name: name for name in ours if name in theirs}
    rest = _alone(name for name in ours if name not in paired)
    others = _alone(name for name in theirs if name not in paired)
    return paired | {rest[form]: others[form] for form in rest if form in others}


def folded(name: str) -> str:
    """Return a name without what people write differently: case, width, blanks and marks; empty where all is marks."""
    return "".join(filter(str.isalnum, normalize("NFKC", name).casefold()))


def _alone(names: Iterable[str]) -> dict[str, str]:
    """Return the names by their folded form, without those that share it."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(folded(name), []).append(name)
    return {form: alike[0] for form, alike in found.items() if form and len(alike) == 1}
