"""When people are reminded, and others asked: pure functions over a question's times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_list, read_seconds

if TYPE_CHECKING:
    from airflow_provider_lark.core.questions.question import Question

LONGEST_SECONDS = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder, or the escalation.

    :param number: how many there are up to this one.
    :param at_ms: when, by the database's clock; of :func:`read_steps` after the question was asked.
    """

    number: int
    kind: Literal["remind", "escalate"]
    at_ms: int


def duration_seconds(value: Any, where: str) -> float | None:
    """Return a duration in seconds: of a ``timedelta``, or a number, also as text.

    :raises ConfigError: it is not a duration, or longer than 30 days.
    """
    given = value.total_seconds() if isinstance(value, timedelta) else value
    return read_seconds(given, where, longest=LONGEST_SECONDS)


def read_steps(remind_after: Any, escalate_after: Any) -> list[Step]:
    """Return all steps in their order, with times counted from the question.

    :raises ConfigError: a time is not valid.
    """
    given: Sequence[Any] = [remind_after] if isinstance(remind_after, timedelta) else _list(remind_after)
    reminders = [(duration_seconds(each, f"remind_after[{at}]"), "remind") for at, each in enumerate(given)]
    escalation = duration_seconds(escalate_after, "escalate_after")
    found: list[tuple[float, str]] = [(seconds, kind) for seconds, kind in reminders if seconds is not None]
    if escalation is not None:
        found.append((escalation, "escalate"))
    ordered = sorted(found)
    return [Step(at + 1, kind, round(seconds * 1000)) for at, (seconds, kind) in enumerate(ordered)]  # type: ignore[arg-type]


def _list(value: Any) -> list[Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    found = read_list(value, "remind_after") or []
    if any(isinstance(each, bool) for each in found):
        raise ConfigError("remind_after: expected seconds or a timedelta, or a list of them")
    return found


def next_step(steps: Sequence[Step], question: Question) -> Step | None:
    """Return the first step that was not taken, at its moment; None when there is none."""
    for step in steps:
        if step.number > question.reminders:
            return Step(step.number, step.kind, question.asked_ms + step.at_ms)
    return None
