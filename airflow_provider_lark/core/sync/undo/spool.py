"""A list that grows in a temporary file, so that memory does not grow with a run of 200,000 writes."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import Generic, Self, TypeVar, overload

T = TypeVar("T")


class Spool(Sequence[T], Generic[T]):
    """What is added, in its order. The file has no name, only its owner reads it, and it goes with the list.

    :param items: values that pickle; they come back as equal ones.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (closed with the list)
        weakref.finalize(self, self._file.close)
        self._ends = 0
        self._count = 0
        self += items

    def __iadd__(self, items: Iterable[T]) -> Self:
        self._file.seek(self._ends)
        for item in items:
            pickle.dump(item, self._file)
            self._count += 1
        self._ends = self._file.tell()
        return self

    def __iter__(self) -> Iterator[T]:
        at = 0
        while at < self._ends:
            # somebody else may read, or add, between two of them
            self._file.seek(at)
            item = pickle.load(self._file)  # noqa: S301 (nobody else can open the file)
            at = self._file.tell()
            yield item

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"Spool({list(self)!r})"
