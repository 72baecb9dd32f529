"""How full the sync queue is, and whether that meets a sensor's condition: shared by sensor and trigger."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.database import opened_engine

if TYPE_CHECKING:
    from airflow_provider_lark.core.sync.metrics import Backlog


@dataclass(frozen=True, slots=True)
class BacklogCondition:
    """Limits of which every given one must hold; an empty queue has no oldest entry, so it is below any age.

    :param pending_below: fewer entries wait than this.
    :param pending_above: more entries wait than this.
    :param oldest_below_seconds: the oldest waiting entry is younger than this.
    :param oldest_above_seconds: the oldest waiting entry is older than this.
    """

    pending_below: float | None = None
    pending_above: float | None = None
    oldest_below_seconds: float | None = None
    oldest_above_seconds: float | None = None

    @classmethod
    def read(cls, **limits: Any) -> BacklogCondition:
        """Read limits as parameters and templates give them: numbers, texts of numbers, None or an empty text.

        :raises ConfigError: a limit is no number, or none is given.
        """
        condition = cls(**{name: _read_limit(name, value) for name, value in limits.items()})
        if not condition.limits:
            raise ConfigError(f"no condition given; set at least one of {', '.join(f.name for f in fields(cls))}")
        return condition

    @property
    def limits(self) -> dict[str, float]:
        """The limits that were given."""
        return {name: limit for name, limit in asdict(self).items() if limit is not None}

    def is_met(self, backlog: Backlog) -> bool:
        """Tell whether *backlog* keeps to every limit."""
        pending, oldest = backlog.pending, backlog.oldest_seconds
        checks = (
            self.pending_below is None or pending < self.pending_below,
            self.pending_above is None or pending > self.pending_above,
            self.oldest_below_seconds is None or oldest is None or oldest < self.oldest_below_seconds,
            self.oldest_above_seconds is None or (oldest is not None and oldest > self.oldest_above_seconds),
        )
        return all(checks)


def read_backlog(sql_conn_id: str, table_name: str | None) -> Backlog:
    """Count what waits in ``sync_queue`` of the database of *sql_conn_id*, for one table or for all."""
    from airflow_provider_lark.core.sync.metrics import backlog

    with opened_engine(sql_conn_id) as engine:
        return backlog(engine, table_name)


def _read_limit(name: str, value: Any) -> float | None:
    if value is None or value == "" or value == "None":
        return None
    try:
        limit = float(value)
    except (TypeError, ValueError):
        limit = math.nan
    if isinstance(value, bool) or not math.isfinite(limit) or limit < 0:
        raise ConfigError(f"{name}: expected a number of 0 or more, found a value of type {type(value).__name__}")
    return limit
