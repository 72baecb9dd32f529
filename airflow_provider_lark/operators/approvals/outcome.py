"""What a closed question means for the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from airflow_provider_lark.core.questions.question import Question


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided.

    :param decision: the answer; None: nobody decided, and *why* says so.
    """

    decision: str | None
    by: Literal["people", "time-out"]
    is_approved: bool
    why: str = ""

    @property
    def ending(self) -> dict[str, str] | None:
        """What people are told, by language, where nobody decided in time and there is a default."""
        if self.by != "time-out" or self.decision is None:
            return None
        return {"en_us": f"Time over, default {self.decision}", "zh_cn": f"已超时，默认：{self.decision}"}

    def to_plain(self, question: Question) -> dict[str, Any]:
        """Return what the task returns."""
        from airflow_provider_lark.hooks.receiving.questions import tell_vote

        return {
            "decision": self.decision,
            "is_approved": self.is_approved,
            "by": self.by,
            "answers": [tell_vote(each) for each in question.votes],
            "values": dict(question.votes[-1].values) if question.votes else {},
            "question_id": question.id,
            "message_ids": [message_id for message_id, _ in question.cards],
        }


def outcome_of(question: Question, default: str | None) -> Outcome:
    """Return what a question that is closed means, with *default* where its time was over first."""
    if question.state == "answered":
        return Outcome(question.decision, "people", _approves(question, question.decision))
    if question.state == "expired":
        if default is None:
            given = f", {len(question.votes)} answered" if question.votes else ""
            return Outcome(None, "time-out", False, f"nobody decided in time{given}; a default would let the run go on")
        return Outcome(default, "time-out", _approves(question, default))
    return Outcome(None, "people", False, f"the question is closed without an answer ({question.state})")


def _approves(question: Question, decision: str | None) -> bool:
    choice = question.terms.choice(decision or "")
    return choice is not None and not choice.is_rejection
