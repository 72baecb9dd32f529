"""The facts that are recorded about failures, and from which a card is built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

TaskState = Literal["failed", "retrying", "recovered"]
RunState = Literal["failed", "succeeded", "unexplained"]
"""Of a run that failed, and of which no task is known that did, nobody can say that it has recovered but itself."""

TaskKey = tuple[str, int]
"""A task's id and its map index, -1 where it has none."""

OPEN_STATES: tuple[TaskState, ...] = ("failed", "retrying")


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Which card: one for each of these. All processes name it by the same :attr:`card_id`.

    :param receiver: as it was given: an id, an address, a chat's name.
    :param task_id: of a card of one task of a run; None: of the whole run.
    """

    host: str
    app_id: str
    receiver: str
    receiver_type: str | None
    dag_id: str
    run_id: str
    task_id: str | None = None

    @property
    def card_id(self) -> str:
        """The name of the card."""
        parts = (self.host, self.app_id, self.receiver, self.receiver_type, self.dag_id, self.run_id, self.task_id)
        return sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TaskNews:
    """What became of a try of a task.

    :param facts: plain values and datetimes, these under names that end in ``_at``.
    :param total: how many instances the task has in this run, where it is mapped and that is known.
    """

    task_id: str
    map_index: int
    state: TaskState
    try_number: int
    facts: Mapping[str, Any]
    total: int | None = None

    @property
    def key(self) -> TaskKey:
        """Which instance."""
        return self.task_id, self.map_index


@dataclass(frozen=True, slots=True)
class RunNews:
    """What became of a run.

    :param facts: as of :class:`TaskNews`.
    :param states: of its task instances, as Airflow calls them; None: not known.
    """

    state: Literal["failed", "succeeded"]
    facts: Mapping[str, Any]
    states: Mapping[TaskKey, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The instances of one task that are in one state.

    :param indexes: of the first few, where it is mapped.
    """

    task_id: str
    state: TaskState
    count: int
    indexes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """A card as it has to look.

    :param facts: of the run, and of how the card looks.
    :param groups: the task instances on it, by task and state.
    :param leading: the instance that stands for all: the first that failed, or else is tried again, or recovered last.
    :param red_seconds: for how long it was red; None while it is, and where it never was.
    :param message_id: None: there is no card yet, or none that could still be changed.
    :param uuid: under which it is sent.
    :param is_in_doubt: whether it may have been sent before, and then says something older.
    """

    place: CardPlace
    version: int
    facts: Mapping[str, Any]
    run_state: RunState | None = None
    groups: tuple[Group, ...] = ()
    leading: TaskNews | None = None
    totals: Mapping[str, int] = field(default_factory=dict)
    red_seconds: float | None = None
    message_id: str | None = None
    uuid: str = ""
    is_in_doubt: bool = False

    @property
    def is_red(self) -> bool:
        """Whether something has failed, or is tried again, and has not recovered."""
        return self.run_state == "unexplained" or any(each.state in OPEN_STATES for each in self.groups)

    @property
    def has_failed_run(self) -> bool:
        """Whether the run as a whole has failed, and not only tasks of it."""
        return self.run_state in ("failed", "unexplained")

    @property
    def instances(self) -> int:
        """How many task instances it is about: those that have not recovered, or, where all have, all."""
        open_ones = sum(each.count for each in self.groups if each.state in OPEN_STATES)
        return open_ones or sum(each.count for each in self.groups)


def write_facts(facts: Mapping[str, Any]) -> str:
    """Return *facts* as the database holds them: escaped, so that no text can be one that it refuses."""
    return json.dumps(facts, default=_iso, sort_keys=True)


def read_facts(text: str | None) -> dict[str, Any]:
    """Return what :func:`write_facts` wrote."""
    found: dict[str, Any] = _with_times(json.loads(text or "{}"))
    return found


def _with_times(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: datetime.fromisoformat(each) if name.endswith("_at") and isinstance(each, str) else _with_times(each)
        for name, each in value.items()
    }


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
