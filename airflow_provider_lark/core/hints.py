"""What to say of a name that does not exist: one like it, or those that there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 20


def did_you_mean(name: object, known: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return the question for the known name that is most like *name*.

    >>> did_you_mean("Nmae", ["Name", "Qty"])
    "did you mean 'Name'?"

    :param otherwise: what to return where none is like it; by default the names that there are.
    """
    names = list(known)
    if close := get_close_matches(str(name), names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"there are: {list_names(names)}" if otherwise is None else otherwise


def list_names(names: Iterable[object]) -> str:
    """Return the first twenty of *names* for a message."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:_LISTED]) + (" …" if len(shown) > _LISTED else "") or "none"
