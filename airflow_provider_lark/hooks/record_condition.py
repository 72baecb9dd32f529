"""How many records a sensor waits for: shared by sensor and trigger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_count


@dataclass(frozen=True, slots=True)
class RecordCondition:
    """From *min_records* to *max_records* records meet the filter; None for no limit above."""

    min_records: int = 1
    max_records: int | None = None

    @classmethod
    def read(cls, *, min_records: Any, max_records: Any) -> RecordCondition:
        """Read limits as parameters and templates give them.

        :raises ConfigError: a limit is no number, or nothing can meet both.
        """
        least, most = read_count(min_records, "min_records"), read_count(max_records, "max_records")
        condition = cls(1 if least is None else least, most)
        if most is not None and most < condition.min_records:
            raise ConfigError(
                f"max_records ({most}) is less than min_records ({condition.min_records}), so the condition can never "
                "be met"
            )
        return condition

    @property
    def limits(self) -> dict[str, int | None]:
        """The limits by name."""
        return asdict(self)

    def is_met(self, total: int) -> bool:
        """Tell whether *total* records are as many as are waited for."""
        return self.min_records <= total and (self.max_records is None or total <= self.max_records)
