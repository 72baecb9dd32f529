"""A plan in a file, to be run later: its decisions by fingerprint, without a value of either side.

The file has one JSON text a line: for each mapping a head, and behind it a line for each decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.checks import Checks
from airflow_provider_lark.core.sync.plan.database import PlanDatabase

FORMAT = "lark-sync-plan-1"
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


def version_of(mapping: TableMapping) -> str:
    """Return what tells a mapping from any other, and from itself after a change."""
    return _digest(mapping.to_dict())


def contract_of(binding: Binding) -> str:
    """Return what tells fields and columns from what they are after a change; a new name of a field is none."""
    pairs = [[pair.field.field_id, int(pair.field.type), pair.column.describe(), pair.flow] for pair in binding.pairs]
    return _digest([binding.app_token, binding.table_id, binding.table_name, binding.spec.key_columns, pairs])


def _digest(told: Any) -> str:
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as far as a later run needs it; use it in ``with``: it lives in a temporary file."""

    head: Head
    checks: Checks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary file."""
        self.checks.database.close()

    def write(self, target: TextIO) -> None:
        """Write the plan: keys, record ids and fingerprints, no values."""
        decisions = sum(1 for _ in self.checks.rows())
        head = {"format": FORMAT, **asdict(self.head), "decisions": decisions}
        target.write(f"{json.dumps(head, ensure_ascii=False)}\n")
        target.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in self.checks.rows())


def open_private(path: str | Path) -> TextIO:
    """Open a file for writing that only its owner may read: keys of rows may be names of people."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8")


def read_plans(path: str | Path) -> Iterator[StoredPlan]:
    """Yield the plans of a file, each to be closed before the next.

    :raises ConfigError: it is no such file, or a part of one.
    """
    try:
        with Path(path).open(encoding="utf-8") as lines:
            is_empty = True
            for line in lines:
                is_empty = False
                yield _read_plan(str(path), line, lines)
            if is_empty:
                raise ConfigError(f"{path}: is empty; expected a plan file written by --save")
    except (OSError, UnicodeError) as exc:
        raise ConfigError(f"{path}: cannot be read ({type(exc).__name__})") from exc


def _read_plan(path: str, line: str, lines: Iterator[str]) -> StoredPlan:
    head = _load(path, line)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ConfigError(
            f"{path}: is not a plan file of this version; save one with `airflow lark sync plan --save FILE` (the "
            "output of --output cannot be applied)"
        )
    database = PlanDatabase()
    try:
        count = int(head.pop("decisions"))
        del head["format"]
        found = Head(**{name: _of_kind(head[name], kind) for name, kind in _KINDS.items()})
        checks = Checks(database, found.salt)
        taken = 0

        def decisions() -> Iterator[list[str]]:
            nonlocal taken
            for each in islice(lines, count):
                taken += 1
                side, key, record_id, fingerprint = _load(path, each)
                yield [side, key, record_id, fingerprint]

        checks.load(decisions())
        if taken != count:
            raise ConfigError(f"{path}: is incomplete: it has {taken:,} of {count:,} decisions; save the plan again")
    except (KeyError, TypeError, ValueError) as exc:
        database.close()
        if isinstance(exc, ConfigError):
            raise
        raise ConfigError(f"{path}: is damaged ({type(exc).__name__}); save the plan again") from exc
    except BaseException:
        database.close()
        raise
    return StoredPlan(found, checks)


_KINDS: dict[str, type] = {
    **dict.fromkeys(("mapping", "operation", "version", "contract", "salt"), str),
    "allow_mass_deletes": bool,
    "made_ms": int,
    "counts": dict,
}


def _of_kind(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value


def _load(path: str, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as exc:
        raise ConfigError(f"{path}: is not a plan file written by --save") from exc
