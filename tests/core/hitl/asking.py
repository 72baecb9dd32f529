"""Requests, and how they stand, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_lark.core.hitl.card import make_terms
from airflow_provider_lark.core.hitl.progress import Detail, Progress, Sight
from airflow_provider_lark.core.hitl.request import Place, Request
from airflow_provider_lark.core.questions.question import Question
from airflow_provider_lark.core.questions.rules import Vote

PLACE = Place("pay", "manual__1", "approve", -1, 1)
CREATED = "2026-11-27T11:00:00Z"
NOW_MS = 1_000_000


def request(**changes: Any) -> Request:
    given: dict[str, Any] = {
        "place": PLACE,
        "subject": "Pay?",
        "options": ("Approve", "Reject"),
        "rejecting": ("Reject",),
        "receivers": ("oc_1",),
    }
    return Request(**given | changes)


def param(default: Any = None, **schema: Any) -> dict[str, Any]:
    return {"value": default, "description": None, "schema": schema}


def question(asked: Request, *votes: Vote, **changes: Any) -> Question:
    terms = make_terms("q1", asked, {"ou_lin": "Lin"}, ())
    made = Question("q1", "k", "open", terms, (("om_1", "oc_1"),), votes, None, 0, None, None, NOW_MS, True, False, 0)
    decided = {"state": "answered", "decision": votes[-1].choice} if votes else {}
    return replace(made, **decided | changes)


def progress(asked: Request, **changes: Any) -> Progress:
    return Progress("q1", asked, **{"created_at": CREATED, "awaiting_since_ms": NOW_MS - 60_000} | changes)


def sight(state: str | None = "awaiting_input", try_number: int = 1, **detail: Any) -> Sight:
    given: dict[str, Any] = {"created_at": CREATED, "options": ("Approve", "Reject")}
    return Sight(state, try_number, Detail(**given | detail))


def vote(choice: str = "Approve", **values: Any) -> Vote:
    return Vote("ou_lin", NOW_MS - 1000, choice, "Lin", message_id="om_1", values=values)
