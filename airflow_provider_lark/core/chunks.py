"""Cutting long sequences into parts that every database takes in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

STATEMENT_ROWS = 500
"""Most keys or rows in one statement: SQLite takes 32,766 variables, and MySQL 16 MB by default."""


def split(items: Sequence[T], size: int = STATEMENT_ROWS) -> Iterator[Sequence[T]]:
    """Yield *items* in order, in parts of at most *size*."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


NOTE_CHARACTERS = 300_000
"""Most text in a batch that the ledger notes before it is sent. Its JSON takes up to 12 bytes for a character, in one
statement, and servers of MySQL take statements of 4 MB at least."""


def split_by_text(
    items: Sequence[T], values_of: Callable[[T], Collection[Any]], *, size: int, characters: int = NOTE_CHARACTERS
) -> Iterator[Sequence[T]]:
    """Yield *items* in order, in parts of at most *size*, and of at most so many *characters* or of one item.

    :param values_of: gives the values of an item, whose texts are counted.
    """
    start = found = 0
    for position, item in enumerate(items):
        length = sum(len(value) for value in values_of(item) if isinstance(value, str))
        if position > start and (position - start == size or found + length > characters):
            yield items[start:position]
            start, found = position, 0
        found += length
    if start < len(items):
        yield items[start:]
