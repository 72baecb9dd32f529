"""The result of a dry run: counts by side and kind, and the first keys. No cell values.

Also the size limit of every report: what Airflow's database accepts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KEYS_SHOWN = 10
"""How many keys of a kind are named where values must not be shown."""

KEY_CHARACTERS = 60
"""A longer key is cut there, so that what a task returns stays small."""


REPORT_BYTES = 60_000
"""What a task returns stays below it, as JSON: MySQL keeps at most 65,535 bytes of it."""

_CUTS = ((1000, 1000), (240, 20), (120, 10), (60, 5), (20, 2))
"""How long texts and lists may be, the first pair that makes the whole small enough."""


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
    return fit({**report, "dry_run": True, "would": dict(would)})


def foretell(counts: Mapping[str, int]) -> str:
    """Return what a dry run would do, for a log.

    >>> foretell({"created": 5, "updated": 0, "deleted": 1})
    'would create 5, delete 1'
    """
    done = [f"{name.removesuffix('d')} {count}" for name, count in counts.items() if count]
    return f"would {', '.join(done)}" if done else "would write nothing"


def fit(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return *report* with texts and lists cut, as far as it must be, to :data:`REPORT_BYTES` of JSON."""
    told: dict[str, Any] = {}
    for characters, entries in _CUTS:
        told = _cut(report, characters, entries)
        if len(json.dumps(told)) <= REPORT_BYTES:
            break
    return told


def _cut(value: Any, characters: int, entries: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else value[:characters] + "…"
    if isinstance(value, Mapping):
        cut = {name: _cut(each, characters, entries) for name, each in value.items()}
        if set(cut) == {"count", "keys", "more"}:
            cut["keys"] = [_cut(each, characters, entries) for each in value["keys"][:entries]]
            cut["more"] = value["count"] - len(cut["keys"])
        return cut
    if isinstance(value, list | tuple):
        kept = [_cut(each, characters, entries) for each in value[:entries]]
        left = len(value) - len(kept)
        return [*kept, f"… and {left} more"] if left and isinstance(value[0], str) else kept
    return value
