"""What a plan belongs to: the mapping and the tables as they were when it was made."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping

FORMAT = "lark-sync-plan-4"
"""Changes with whatever makes older files mean something else."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a plan belongs to.

    :param mapping: the mapping's name.
    :param version: of the mapping's text; the plan fits no other.
    :param contract: of fields and columns as the mapping met them.
    :param made_ms: when the plan was made.
    :param salt: of the fingerprints.
    :param counts: how many actions it lists, by ``side.kind``.
    """

    mapping: str
    operation: Literal["incremental", "full"]
    allow_mass_deletes: bool
    version: str
    contract: str
    made_ms: int
    salt: str
    counts: dict[str, int]

    def require(self, mapping: TableMapping, binding: Binding) -> None:
        """Refuse the plan as a whole where it belongs to something else.

        :raises ConfigError: the mapping was changed since.
        :raises SchemaMismatch: a field or a column was.
        """
        made = f"{datetime.fromtimestamp(self.made_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        if self.version != version_of(mapping):
            raise ConfigError(
                f"mapping {mapping.name!r}: the plan of {made} belongs to another mapping or to an earlier version of "
                "this one, so nothing was written; create a new plan"
            )
        if self.contract != contract_of(binding):
            raise SchemaMismatch(
                f"mapping {mapping.name!r}: fields or columns have changed since the plan of {made}, so nothing was "
                "written; create a new plan"
            )

    def to_dict(self, decisions: int) -> dict[str, Any]:
        """Return the head as a file holds it.

        :param decisions: how many lines follow it.
        """
        return {"format": FORMAT, **asdict(self), "decisions": decisions}

    @classmethod
    def from_dict(cls, told: Any) -> tuple[Head, int]:
        """Return the head that :meth:`to_dict` has written, and the number of decisions.

        :raises ValueError: an entry is missing, unknown, or nothing that it would have written.
        """
        if not isinstance(told, dict) or set(told) != {"format", *_ENTRIES}:
            raise ValueError("is not the head of a plan")
        for name, is_valid in _ENTRIES.items():
            if not is_valid(told[name]):
                raise ValueError(f"{name!r} has an invalid value")
        return cls(**{name: told[name] for name in _ENTRIES if name != "decisions"}), told["decisions"]


def version_of(mapping: TableMapping) -> str:
    """Return what tells a mapping from any other, and from itself after a change."""
    return _digest(mapping.to_dict())


def contract_of(binding: Binding) -> str:
    """Return what tells fields and columns from what they are after a change; a new name of a field is none."""
    pairs = [[pair.field.field_id, int(pair.field.type), pair.column.describe(), pair.flow] for pair in binding.pairs]
    return _digest([binding.app_token, binding.table_id, binding.table_name, binding.spec.key_columns, pairs])


def is_text(value: Any) -> bool:
    """Tell whether *value* is a text that can be stored: JSON may hold half a character."""
    return isinstance(value, str) and not re.search(r"[\ud800-\udfff]", value)


def is_digest(value: Any) -> bool:
    """Tell whether *value* looks like a digest of 16 bytes."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def is_number(value: Any, limit: int = sys.maxsize) -> bool:
    """Tell whether *value* is a whole number from 0 to *limit*."""
    return type(value) is int and 0 <= value <= limit


def _digest(told: Any) -> str:
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_number, value.values()))


_LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""

_ENTRIES: dict[str, Callable[[Any], bool]] = {
    "mapping": is_text,
    "operation": lambda value: value in ("incremental", "full"),
    "allow_mass_deletes": lambda value: isinstance(value, bool),
    "version": is_digest,
    "contract": is_digest,
    "made_ms": lambda value: is_number(value, _LAST_MS),
    "salt": is_text,
    "counts": _are_counts,
    "decisions": is_number,
}
