"""Cutting long sequences into parts that every database takes in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

STATEMENT_ROWS = 500
"""Most keys or rows in one statement: SQLite takes 32,766 variables, and MySQL 16 MB by default."""


def split(items: Sequence[T], size: int = STATEMENT_ROWS) -> Iterator[Sequence[T]]:
    """Yield *items* in order, in parts of at most *size*."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
