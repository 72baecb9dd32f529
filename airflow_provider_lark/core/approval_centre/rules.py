"""What a press in the approval centre means: decided from values alone, without a clock, a database or a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from airflow_provider_lark.core.approval_centre.ask import Ask
from airflow_provider_lark.core.receiving.approval_door import Decision

Status = Literal["PENDING", "APPROVED", "REJECTED", "CANCELED", "EXPIRED"]
Outcome = Literal["accepted", "repeated", "not_allowed", "closed", "voted", "no_reason", "unknown"]
"""What became of a press; the word stands in the audit table."""

SAID: dict[Outcome, str] = {
    "accepted": "counted",
    "repeated": "was counted before",
    "not_allowed": "the person is not among those who may decide",
    "closed": "the question was decided or withdrawn before",
    "voted": "the person has decided before",
    "no_reason": "a rejection needs a reason",
    "unknown": "there is no such question",
}


@dataclass(frozen=True, slots=True)
class Vote:
    """A decision that counted.

    :param at_ms: when it was taken in, UTC milliseconds.
    """

    action: Literal["APPROVE", "REJECT"]
    user_id: str
    open_id: str
    name: str
    at_ms: int
    reason: str = field(default="", repr=False)

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a press means.

    :param vote: what it counts as; None where it does not.
    :param status: where the question stands after it.
    """

    outcome: Outcome
    status: Status
    vote: Vote | None = None


def judge(ask: Ask, status: Status, votes: Sequence[Vote], decision: Decision, *, now_ms: int) -> Verdict:
    """Return what *decision* means for a question that stands so."""
    person = ask.approver(decision.user_id)
    if person is None:
        return Verdict("not_allowed", status)
    mine = next((each for each in votes if each.user_id == person.user_id), None)
    if mine is not None:
        return Verdict("repeated" if mine.action == decision.action else "voted", status)
    if status != "PENDING":
        return Verdict("closed", status)
    if ask.reason == "on_reject" and decision.action == "REJECT" and not decision.reason.strip():
        return Verdict("no_reason", status)
    vote = Vote(decision.action, person.user_id, person.open_id, person.name, now_ms, decision.reason)
    return Verdict("accepted", _after(ask, (*votes, vote)), vote)


def _after(ask: Ask, votes: Sequence[Vote]) -> Status:
    if any(each.action == "REJECT" for each in votes):
        return "REJECTED"
    return "APPROVED" if len(votes) >= ask.needed else "PENDING"
