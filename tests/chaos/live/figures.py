"""How what was measured is told: median, 95th percentile and longest, calls, and how busy the machine was."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from airflow_provider_lark.emulator import LogEntry

_RATE_LIMITED: Final = 99991400
_WRITE_CONFLICT: Final = 1254291


@dataclass(frozen=True)
class Figures:
    """Seconds: of so many, the median, the 95th percentile and the longest."""

    count: int
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Sum up at least one."""
        took = sorted(seconds)
        return cls(len(took), statistics.median(took), took[min(len(took) - 1, int(0.95 * len(took)))], took[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} s, p95 {self.p95:.2f} s, max {self.longest:.2f} s"


def tell_load() -> str:
    """Return how many processes wanted a processor in the last 1, 5 and 15 minutes, as ``uptime`` does."""
    return "load " + " ".join(f"{each:.1f}" for each in os.getloadavg())


def tell_calls(entries: Sequence[LogEntry]) -> str:
    """Return how many calls there were, by kind, the most of one kind in a second, and what was refused."""
    kinds = Counter(each.template.rpartition("/")[2] for each in entries)
    seconds = Counter((each.template, each.at_ms // 1000) for each in entries)
    codes = Counter(each.code for each in entries if each.code)
    limited, met = codes.pop(_RATE_LIMITED, 0), codes.pop(_WRITE_CONFLICT, 0)
    return (
        f"{len(entries):,} calls, {', '.join(f'{kind} {count:,}' for kind, count in kinds.most_common(6))}; at most"
        f" {max(seconds.values())} of a kind in a second; refused: {limited} for the rate, {met} beside another write,"
        f" otherwise {dict(codes) or 'none'}"
    )


def tell_steps(steps: Sequence[str], taken: Sequence[Sequence[float]]) -> list[str]:
    """Return a line a step: how long it took.

    :param taken: a row for each thing measured, a number for each step.
    """
    width = max(map(len, steps))
    return [f"  {name:{width}}  {Figures.of(each)}" for name, each in zip(steps, zip(*taken, strict=True), strict=True)]
