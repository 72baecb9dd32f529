"""Secrets that are never shown: in no repr, no log line, no traceback with locals, no pickle."""

from __future__ import annotations

from hashlib import sha256
from typing import NoReturn


class Secret:
    """Text that only :meth:`reveal` shows.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that sends it."""
        return self._text

    def mark(self) -> str:
        """Return what tells it from others without showing it."""
        return sha256(self._text.encode(errors="surrogatepass")).hexdigest()

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled, because it could end up in a database or a log")
