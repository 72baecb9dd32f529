"""How far a request has come, and what Airflow says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.hitl.endings import Outcome
from airflow_provider_lark.core.hitl.request import Request


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request has come on its way; times are the database's, in milliseconds.

    :param created_at: when Airflow began to ask, as it writes that; None before the first look.
    :param awaiting_since_ms: when the task was first seen waiting.
    :param passed_ms: when an answer was first passed on, whatever became of it.
    :param attempts: failing looks in a row.
    """

    question_id: str
    request: Request
    created_at: str | None = None
    awaiting_since_ms: int | None = None
    passed_ms: int | None = None
    attempts: int = 0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """What Airflow keeps of a request.

    :param chosen: the options that were chosen; None while nobody has.
    :param by_id: who that was; empty for the default at the time-out.
    :param at_ms: when that was.
    """

    created_at: str
    options: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    chosen: tuple[str, ...] | None = None
    by_id: str = ""
    by_name: str = ""
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What Airflow says of a task instance.

    :param state: None before it is scheduled, and after it was cleared.
    :param detail: None where it asks nothing.
    """

    state: str | None
    try_number: int | None = None
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Airflow is to take."""

    chosen: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
