"""What is asked in the approval centre, and of whom; fixed when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from airflow_provider_lark.core.api.services.approval.texts import Text
from airflow_provider_lark.core.errors import ConfigError

ReasonRule = Literal["optional", "on_reject", "none"]
"""Whether people may say why: if they like, they must when they reject, or they are not asked."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Who may decide: callbacks name a person by *user_id*, pushes by *open_id*."""

    open_id: str
    user_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question.

    :param link: where people look before they decide.
    :param approvers: each gets a task of their own.
    :param needed: so many approvals decide; one rejection always does.
    :param requester: open_id of who asks; empty: *requester_name* is shown.
    """

    approval_code: str
    title: Text
    link: str
    approvers: tuple[Approver, ...]
    needed: int = 1
    form: tuple[tuple[Text, Text], ...] = ()
    reason: ReasonRule = "optional"
    requester: str = ""
    requester_name: Text = "Airflow"
    default_locale: str = "zh-CN"

    def __post_init__(self) -> None:
        if not self.approvers:
            raise ConfigError(f"approval {self.approval_code}: nobody is named who may decide")
        if len({each.user_id for each in self.approvers}) != len(self.approvers):
            raise ConfigError(f"approval {self.approval_code}: somebody is named twice among those who may decide")
        if not 1 <= self.needed <= len(self.approvers):
            raise ConfigError(
                f"approval {self.approval_code}: needed must be from 1 to {len(self.approvers)}, the number of people "
                f"who may decide; got {self.needed}"
            )

    def approver(self, user_id: str) -> Approver | None:
        """Who that is, if they may decide."""
        return next((each for each in self.approvers if each.user_id == user_id), None)

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Ask:
        """Read what :meth:`to_plain` wrote."""
        return cls(
            **{
                **plain,
                "approvers": tuple(Approver(**each) for each in plain["approvers"]),
                "form": tuple((name, value) for name, value in plain["form"]),
            }
        )


def task_id_of(instance_id: str, at: int) -> str:
    """The id of the task of the approver at that place."""
    return f"{instance_id}.{at + 1}"
