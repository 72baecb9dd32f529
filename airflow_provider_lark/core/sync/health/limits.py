"""What is too much: from how a mapping is to what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from airflow_provider_lark.core.sync.status import Status

Kind = Literal["pending", "oldest", "failure_rate", "delay", "failed", "held", "conflicts", "loops", "silence", "drift"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a mapping may have at most; None: as much as it likes.

    :param pending: changes in SQL that wait for Lark.
    :param oldest_seconds: age of the oldest of them.
    :param failure_rate: share of the last hour's changes that failed, 0 to 1, of at least *entries_min* that ended.
    :param delay_seconds: mean delay of the last hour.
    :param failed: rows that are not tried again by themselves.
    :param held: deletes that wait for approval.
    :param conflicts: conflicts that wait for a decision.
    :param loops: rows that were synced more than ten times within the last hour.
    :param silence_seconds: since the last run that did not fail; a mapping that never ran is silent.
    :param drift: rows in which the last check found the sides to differ.
    """

    pending: float | None = 1000
    oldest_seconds: float | None = None
    failure_rate: float | None = 0.1
    entries_min: int = 20
    delay_seconds: float | None = 30.0
    failed: float | None = None
    held: float | None = 0
    conflicts: float | None = None
    loops: float | None = 0
    silence_seconds: float | None = None
    drift: float | None = None


class Trouble(NamedTuple):
    """Something over its limit; both in the unit of the limit, *value* infinite for a mapping that never ran."""

    kind: Kind
    value: float
    limit: float


def judge(status: Status, limits: Limits) -> list[Trouble]:
    """Return what is over its limit. What nothing is known of is neither 0 nor too much: it is no trouble."""
    return [
        Trouble(kind, value, limit)
        for kind, value, limit in _figures(status, limits)
        if value is not None and limit is not None and value > limit
    ]


def _figures(status: Status, limits: Limits) -> Iterator[tuple[Kind, float | None, float | None]]:
    backlog, hour, check = status.backlog, status.hour, status.last_check
    is_enough = hour.completed + hour.failed >= limits.entries_min
    yield "pending", backlog.pending, limits.pending
    yield "oldest", backlog.oldest_seconds, limits.oldest_seconds
    yield "failure_rate", _failure_rate(status) if is_enough else None, limits.failure_rate
    yield "delay", hour.delay_seconds, limits.delay_seconds
    yield "failed", backlog.failed, limits.failed
    yield "held", backlog.held, limits.held
    yield "conflicts", status.conflicts, limits.conflicts
    yield "loops", status.loops, limits.loops
    yield "silence", _silence(status), limits.silence_seconds
    yield "drift", None if check is None else check.counts["different"], limits.drift


def _failure_rate(status: Status) -> float | None:
    rate = status.hour.success_rate
    return None if rate is None else 1 - rate


def _silence(status: Status) -> float:
    """Return how long ago a run did its work; one that failed each time says nothing."""
    if status.last_good_seconds is None:
        return float("inf")
    return status.last_good_seconds
