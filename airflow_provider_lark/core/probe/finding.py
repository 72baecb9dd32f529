"""A question about Lark (of lark-api), and the answer that a tenant gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What one experiment settled, or why it did not.

    :param source: where the question stands, such as ``§11.5``: a section of the reference.
    :param answer: what Lark did, in words; no ids, no names of the tenant's.
    :param switch: the emulator's switch for it; None: there is none.
    :param value: what to set it to.
    """

    source: str
    question: str
    answer: str
    switch: str | None = None
    value: Any = None
    is_settled: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What an experiment asks.

    :param switch: the emulator's switch for it; None: there is none.
    """

    source: str
    text: str
    switch: str | None = None

    def answered(self, answer: str, value: Any = None) -> Finding:
        """Return the finding that Lark does it so."""
        return Finding(self.source, self.text, answer, self.switch if value is not None else None, value)

    def open(self, why: str) -> Finding:
        """Return the finding that the tenant did not settle it."""
        return Finding(self.source, self.text, why, self.switch, is_settled=False)
