"""What the approval centre needs to know of a question beside its terms; fixed when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_lark.core.api.services.approval.texts import Text
from airflow_provider_lark.core.api.wire.limits import APPROVAL_TASKS_MAX
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.questions.stored import members_of

REASON = "reason"
"""The name of the form field that the centre asks for: it knows no other."""

_INSTANCE = "airflow-"


@dataclass(frozen=True, slots=True)
class Approver:
    """Who may decide: callbacks name a person by *user_id*, pushes by *open_id*."""

    open_id: str
    user_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class CentreTerms:
    """How a question stands in the approval centre.

    :param approval_code: of the definition.
    :param link: where people look before they decide.
    :param approvers: each gets a task of their own; at most 300.
    :param entries: up to three names and values that the list shows.
    :param requester: open_id of who asks; empty: *requester_name* is shown.
    """

    approval_code: str
    title: Text
    link: str
    approvers: tuple[Approver, ...]
    entries: tuple[tuple[Text, Text], ...] = ()
    requester: str = ""
    requester_name: Text = "Airflow"
    default_locale: str = "zh-CN"

    def __post_init__(self) -> None:
        if not 1 <= len(self.approvers) <= APPROVAL_TASKS_MAX:
            raise ConfigError(
                f"approval {self.approval_code}: the approval centre takes 1 to {APPROVAL_TASKS_MAX} people who may "
                f"decide, got {len(self.approvers)}"
            )

    def approver(self, user_id: str) -> Approver | None:
        """Who that is, if they may decide."""
        return next((each for each in self.approvers if each.user_id == user_id), None)

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> CentreTerms:
        """Read what :meth:`to_plain` wrote."""
        approvers = tuple(Approver(**each) for each in plain["approvers"])
        entries = tuple((name, value) for name, value in plain["entries"])
        return cls(**{**members_of(cls, plain), "approvers": approvers, "entries": entries})


def instance_of(question_id: str) -> str:
    """Return the instance that shows a question; no second Airflow with the app can have it."""
    return f"{_INSTANCE}{question_id}"


def question_of(instance_id: str) -> str:
    """Return the question that an instance shows."""
    return instance_id.removeprefix(_INSTANCE)


def task_id_of(instance_id: str, at: int) -> str:
    """Return the id of the task of the approver at that place."""
    return f"{instance_id}.{at + 1}"
