"""What a dry run tells: how much it would do, by side and kind, and the first keys. No cell values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEYS_SHOWN = 10
"""How many keys of a kind are named where values must not be shown."""

KEY_CHARACTERS = 60
"""A longer key is cut there, so that what a task returns stays small."""


def cut_key(key: str) -> str:
    """Return *key*, cut where it is long."""
    return key if len(key) <= KEY_CHARACTERS else key[:KEY_CHARACTERS] + "…"


@dataclass(slots=True)
class Foreseen:
    """Counts what would be done; its size does not grow with that.

    >>> foreseen = Foreseen()
    >>> foreseen.add("lark.update", ["recA", "recB"])
    >>> foreseen.add("lark.create", count=3)
    >>> foreseen.to_dict()["lark.create"]
    {'count': 3, 'keys': [], 'more': 3}
    """

    counts: dict[str, int] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, keys: Iterable[str] = (), *, count: int | None = None) -> None:
        """Note writes.

        :param name: side and kind: ``lark.create``.
        :param keys: what is written; the first are kept.
        :param count: how many that are, where they have no keys yet, or where not all are given.
        """
        given = list(keys)
        number = len(given) if count is None else count
        if number:
            self.counts[name] = self.counts.get(name, 0) + number
            kept = self.keys.setdefault(name, [])
            kept += map(cut_key, given[: KEYS_SHOWN - len(kept)])

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain data by ``side.kind``."""
        return {
            name: {"count": count, "keys": self.keys[name], "more": count - len(self.keys[name])}
            for name, count in self.counts.items()
        }


def tell(report: Mapping[str, Any], would: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a dry run returns: the report that the run would give, and what it would do."""
    return {**report, "dry_run": True, "would": dict(would)}
