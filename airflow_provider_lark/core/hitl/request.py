"""What a task of Airflow asks people, as it stood when the card was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Which task instance asks.

    :param map_index: -1 for a task that is not mapped.
    :param try_number: of which a later one asks anew; None where it is not known.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: int | None = None

    @property
    def name(self) -> str:
        """DAG, task and run, for a log line."""
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{index} of {self.run_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of Airflow who may answer.

    :param id: of the auth manager.
    :param lark: who that is in Lark, as the author of the DAG says: an id, e-mail address or mobile number.
    """

    id: str
    name: str = ""
    lark: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a task asks.

    :param body: Markdown.
    :param options: what can be chosen; *defaults* are taken at the time-out.
    :param multiple: whether several options can be chosen.
    :param rejecting: of *options*, those that need no form.
    :param params: by name ``{"value", "description", "schema"}``.
    :param is_editable: whether Airflow's own form lets people change more than *params*.
    :param assigned: who may answer; none: whoever may in Airflow.
    :param allowed: who may answer in Lark: ids, e-mail addresses, mobile numbers, chats; None: whoever sees the card.
    :param seconds: how long the task waits; None: for ever.
    :param deadline_ms: until when that is, by the clock of whoever asked.
    :param link: the page in Airflow where it can be answered; empty where people cannot open it.
    :param receivers: who gets the card.
    """

    place: Place
    subject: str
    body: str = ""
    options: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    multiple: bool = False
    rejecting: tuple[str, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_editable: bool = False
    assigned: tuple[Person, ...] = ()
    allowed: tuple[str, ...] | None = None
    seconds: float | None = None
    deadline_ms: int | None = None
    link: str = ""
    receivers: tuple[str, ...] = ()
    receive_id_type: str | None = None
    time_zone: str = "UTC"

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Request:
        """Read what :meth:`to_plain` wrote, another version of it too."""
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in plain.items() if name in known}
        for name in ("options", "defaults", "rejecting", "allowed", "receivers"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        given["place"] = Place(**plain["place"])
        given["assigned"] = tuple(Person(**each) for each in plain.get("assigned") or ())
        return cls(**given)
