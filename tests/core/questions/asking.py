"""Questions and clicks for the tests of this folder."""

from __future__ import annotations

from typing import Any

from airflow_provider_lark.core.questions.click import Click
from airflow_provider_lark.core.questions.fields import Field
from airflow_provider_lark.core.questions.rules import Standing, Vote
from airflow_provider_lark.core.questions.terms import Choice, Terms

APPROVE, REJECT = Choice("approve", "Approve"), Choice("reject", "Reject", is_rejection=True)
PEOPLE = {"ou_lin": "Lin", "ou_wei": "Wei", "ou_ann": "Ann"}


def button(choice: str) -> dict[str, Any]:
    value = {"lark_question": "q", "choice": choice}
    return {"tag": "button", "text": {"content": choice}, "behaviors": [{"type": "callback", "value": value}]}


CARD: dict[str, Any] = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Load?"}, "template": "blue"},
    "body": {"elements": [{"tag": "markdown", "content": "Load the orders?"}, button("approve"), button("reject")]},
}


def terms(**changes: Any) -> Terms:
    given: dict[str, Any] = {"choices": (APPROVE, REJECT), "allowed": PEOPLE, "card": CARD}
    return Terms(**given | changes)


def press(
    who: str = "ou_lin",
    choice: str = "approve",
    *,
    message_id: str = "om_1",
    question_id: str = "",
    at_ms: int | None = 1_000_000,
    **action: Any,
) -> Click:
    value = {"choice": choice} | ({"lark_question": question_id} if question_id else {})
    whole = {"tag": "button", "name": choice, "value": value, **action}
    return Click(who, f"u{who}", f"on{who}", message_id, "oc_1", at_ms, f"e{at_ms}{who}", "c-1", whole)


def standing(*votes: Vote, **changes: Any) -> Standing:
    given: dict[str, Any] = {
        "state": "open",
        "expires_at_ms": 2_000_000,
        "message_ids": frozenset({"om_1"}),
        "is_sent": True,
        "votes": votes,
        "now_ms": 1_000_000,
    }
    return Standing(**given | changes)


def vote(who: str = "ou_lin", choice: str = "approve", at_ms: int = 900_000) -> Vote:
    return Vote(who, at_ms, choice, PEOPLE.get(who, ""))


COUNT = Field("count", "integer", "Count", is_required=True, least=1, largest=10)
