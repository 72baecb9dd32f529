"""What a check is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping

Repair = Literal["no", "sql", "lark", "policy"]
"""The side that is written to, so that it becomes equal to the other one; ``policy``: as a full sync would decide."""

REPAIRS: tuple[Repair, ...] = get_args(Repair)
THRESHOLD = 10
ROWS_MAX = 10_000
VALUE_CHARACTERS = 200
SETTLE_SECONDS_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How both sides are compared, and what is done about the differences.

    :param repair: ``no``; ``sql``: rows are made equal to their records, and Lark is not written to; ``lark``: records
        are made equal to their rows, and SQL is not written to; ``policy``: each row as a full sync would decide.
    :param dry_run: only tell what the repair would do.
    :param threshold: more rows that differ than this are a warning; None: none are.
    :param settle_seconds: look again after so long; what was changed meanwhile is on its way.
    :param rows: so many of the rows that differ are told one by one.
    :param shows_values: whether they are told with their values.
    :param hidden: columns whose values are not told even so.
    :param value_characters: a longer value is cut.
    """

    repair: Repair = "no"
    dry_run: bool = False
    threshold: int | None = THRESHOLD
    settle_seconds: float = 0.0
    rows: int = 0
    shows_values: bool = True
    hidden: frozenset[str] = frozenset()
    value_characters: int = VALUE_CHARACTERS

    @property
    def writes(self) -> bool:
        """Whether rows or records may be written."""
        return self.repair != "no" and not self.dry_run

    def require(self, mapping: TableMapping) -> None:
        """Refuse a repair that the mapping does not allow.

        :raises ConfigError: its direction never writes to the side that is to be repaired.
        """
        other = {"sql": "to_lark", "lark": "to_sql"}.get(self.repair)
        if other is not None and mapping.direction == other:
            sides = {"sql": "SQL", "lark": "Lark"}
            raise ConfigError(
                f"mapping {mapping.name!r}: repair={self.repair!r} would write to {sides[self.repair]}, but the "
                f"mapping's direction is {mapping.direction!r}; use repair='policy', or change the direction"
            )


COMPARE_ONLY = CheckOptions()
