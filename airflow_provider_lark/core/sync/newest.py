"""Which of two edits counts, and whether their times tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.mapping.targets import Winner

Tie = Literal["", "close", "unknown"]


@dataclass(frozen=True, slots=True)
class Times:
    """When each side changed the row, UTC milliseconds on one clock; None where it is not known."""

    lark_ms: int | None = None
    sql_ms: int | None = None


UNKNOWN = Times()


def side_by_rule(winner: Winner, times: Times, skew_ms: float) -> Side:
    """Return the side whose edit counts, by the mapping's rule."""
    if winner != "newest":
        return winner
    if times.lark_ms is None or times.sql_ms is None or times.sql_ms - times.lark_ms <= skew_ms:
        # a person's edit is harder to make again than a program's
        return "lark"
    return "sql"


def tell_tie(winner: Winner, times: Times, skew_ms: float) -> Tie:
    """Tell why the times of two edits do not say which of them is the newest."""
    if winner != "newest":
        return ""
    if times.lark_ms is None or times.sql_ms is None:
        return "unknown"
    return "close" if abs(times.sql_ms - times.lark_ms) <= skew_ms else ""
