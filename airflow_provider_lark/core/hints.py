"""Parts of messages: a suggestion for an unknown name, a list of names, a number with its noun in the right plural."""

from __future__ import annotations

from collections.abc import Iterable

_LISTED = 20


def did_you_mean(name: object, known: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return the question for the known name that is most like *name*.

    >>> did_you_mean("Nmae", ["Name", "Qty"])
    "did you mean 'Name'?"

    :param otherwise: what to return where none is like it; by default the names that there are.
    """
    # most processes never need it, and every one imports this module
    from difflib import get_close_matches

    names = list(known)
    if close := get_close_matches(str(name), names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"there are: {list_names(names)}" if otherwise is None else otherwise


def list_names(names: Iterable[object]) -> str:
    """Return the first twenty of *names* for a message."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:_LISTED]) + (" …" if len(shown) > _LISTED else "") or "none"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun in the right form.

    >>> counted(1, "token"), counted(1200, "entry", "entries")
    ('1 token', '1,200 entries')

    :param plural: the noun's plural where it is not the noun with an s.
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"
