"""Where the processes of an app write down how they divide its rate limits among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """What a store says at one moment.

    :param entries: texts by name; empty where there is none yet.
    :param now_ms: the moment, by the store's own clock.
    :param since_ms: from then on whoever has a place is in the entries; before, some may stand elsewhere.
    """

    entries: Mapping[str, str]
    now_ms: int
    since_ms: int = 0


Decide: TypeAlias = Callable[[Page], tuple[Mapping[str, str], T]]
"""Says what the entries are from now on, and what the caller wants to know; it may be asked several times."""


class RateStore(Protocol):
    """Keeps entries of one app. It only sees names of routes, numbers and made-up names of processes."""

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Read the entries *names* and write what *decide* makes of them, with nobody in between.

        :raises LarkError: the store cannot be used now.
        """
        ...
