"""A click: on a card, read from either kind of callback, or in the approval centre."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from airflow_provider_lark.core.questions.centre_terms import REASON, question_of
from airflow_provider_lark.core.questions.terms import Terms
from airflow_provider_lark.core.receiving.approval_door import Decision
from airflow_provider_lark.core.receiving.envelope import JsonObject, to_ms

QUESTION = "lark_question"
"""The member of a button's value that names the question."""
CHOICE = "choice"
"""The member of a button's value that says what the button stands for."""
SEEN = "seen"
"""The member of a button's value that says how many answers its card knew of, where answers can be changed."""

_CONTENT = ("value", "name", "option", "options", "checked", "input_value", "form_value")


@dataclass(frozen=True, slots=True)
class Click:
    """What somebody pressed.

    :param message_id: of the card; empty for one that is pinned to the top of a chat.
    :param at_ms: when, UTC milliseconds; None where Lark does not tell.
    :param via: where: on a ``card``, or in the approval ``centre``.
    :param token: changes the card twice within 30 minutes.
    """

    open_id: str
    user_id: str
    union_id: str
    message_id: str
    chat_id: str
    at_ms: int | None
    event_id: str = ""
    token: str = field(default="", repr=False)
    action: JsonObject = field(default_factory=dict, repr=False)
    via: Literal["card", "centre"] = "card"

    @property
    def value(self) -> Mapping[str, Any]:
        """The value of what was pressed; some cards send it as the text of an object."""
        value = self.action.get("value")
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return {}
        return value if isinstance(value, dict) else {}

    @property
    def question_id(self) -> str:
        """The question that the button names; empty where it names none."""
        return _text(self.value.get(QUESTION))

    @property
    def choice(self) -> str:
        """What the button stands for: what its value says, else its name."""
        return _text(self.value.get(CHOICE)) or _text(self.action.get("name"))

    @property
    def seen(self) -> int:
        """How many answers the card knew of that was pressed."""
        seen = self.value.get(SEEN)
        return seen if isinstance(seen, int) else 0

    @property
    def form(self) -> Mapping[str, Any]:
        """What was filled in, by name."""
        form = self.action.get("form_value")
        return form if isinstance(form, dict) else {}

    @property
    def digest(self) -> str:
        """What tells it from another click of the same person on the same card."""
        content = {name: self.action[name] for name in _CONTENT if self.action.get(name) not in (None, "", [], {})}
        if "value" in content:
            # the older callback of the same click does not tell the name
            content.pop("name", None)
        told = json.dumps(content, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def ids(self) -> frozenset[str]:
        """Every id of the person."""
        return frozenset(each for each in (self.open_id, self.user_id, self.union_id) if each)


def read_click(body: JsonObject) -> Click:
    """Return the click of a delivery's body, of ``card.action.trigger`` or of the older callback."""
    event = body.get("event")
    if not isinstance(event, dict):
        return Click(
            _text(body.get("open_id")),
            _text(body.get("user_id")),
            "",
            _text(body.get("open_message_id")),
            _text(body.get("open_chat_id")),
            None,
            token=_text(body.get("token")),
            action=_object(body.get("action")),
        )
    operator, context, header = (
        _object(event.get("operator")),
        _object(event.get("context")),
        _object(body.get("header")),
    )
    return Click(
        _text(operator.get("open_id")),
        _text(operator.get("user_id")),
        _text(operator.get("union_id")),
        _text(context.get("open_message_id")) or _text(event.get("open_message_id")),
        _text(context.get("open_chat_id")) or _text(event.get("open_chat_id")),
        to_ms(header.get("create_time")),
        _text(header.get("event_id")),
        _text(event.get("token")),
        _object(event.get("action")),
    )


def read_decision_click(decision: Decision, at_ms: int | None) -> Click:
    """Return a decision of the approval centre as a click; :func:`as_answer` says what it answers."""
    value = {QUESTION: question_of(decision.instance_id), CHOICE: decision.action}
    action: JsonObject = {"value": value, "form_value": {REASON: decision.reason}}
    return Click("", decision.user_id, "", "", "", at_ms, action=action, via="centre")


def as_answer(terms: Terms, click: Click) -> Click:
    """Return a click in the approval centre as what it means for a question: who it was, and which choice.

    Of one who is not among the approvers it stays unknown who they are.
    """
    if click.via != "centre":
        return click
    approver = None if terms.centre is None else terms.centre.approver(click.user_id)
    is_rejection = click.choice == "REJECT"
    choice = next((each.value for each in terms.choices if each.is_rejection == is_rejection), click.choice)
    action = {**click.action, "value": {**click.value, CHOICE: choice}}
    return replace(click, open_id="" if approver is None else approver.open_id, action=action)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
