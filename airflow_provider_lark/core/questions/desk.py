"""Answers people on arrival: their answers to questions are decided before the inbox, instead of being stored in it.

A decision is as durable as an entry of the inbox, and can be told to the person at once. What cannot be decided at this
moment is kept in the inbox, and decided by whoever waits for the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Entry, Inbox, Keeper, Receipt
from airflow_provider_lark.core.questions.click import Click, read_click, read_decision_click
from airflow_provider_lark.core.questions.question import Answered
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.toasts import UNKNOWN, say_in_centre
from airflow_provider_lark.core.receiving.approval_door import read_decision
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject

log = logging.getLogger(__name__)

_AT_ONCE = 50
_LEASE_SECONDS = 60.0


class Desk:
    """Stands before what keeps deliveries: decides about answers to questions itself, and passes everything else on."""

    def __init__(self, inbox: Keeper, questions: QuestionStore) -> None:
        self._inbox = inbox
        self._questions = questions

    def put(self, delivery: Delivery) -> Receipt:
        """Decide about an answer to a question; keep everything else, and answers that cannot be decided now."""
        click = _read(delivery)
        if click is None:
            return self._inbox.put(delivery)
        try:
            answered = self._questions.answer(click)
        except LarkError as exc:
            log.warning("an answer could not be decided at once, and goes to the inbox: %s", exc)
            return self._inbox.put(delivery)
        if answered is not None:
            reply = answered.reply if click.via == "card" else _refusal(answered)
            return Receipt(not answered.is_repeated, answered.question.now_ms, reply=reply)
        if click.via == "centre":
            log.warning("a decision of the approval centre on the unknown question %s is refused", click.question_id)
            return Receipt(True, delivery.created_ms or 0, reply=say_in_centre(UNKNOWN))
        return self._inbox.put(delivery)


def _read(delivery: Delivery | Entry) -> Click | None:
    if delivery.kind == "card":
        return read_click(delivery.body)
    if delivery.kind == "approval":
        at_ms = delivery.created_ms if isinstance(delivery, Delivery) else None
        return read_decision_click(read_decision(delivery.event), at_ms)
    return None


def _refusal(answered: Answered) -> JsonObject | None:
    """Return what the centre shows to somebody whose decision does not count; None: it does."""
    if answered.verdict.reason in ("accepted", "repeated"):
        return None
    return say_in_centre(answered.reply["toast"]["i18n"])


def decide_waiting(inbox: Inbox, questions: QuestionStore, subjects: Sequence[str]) -> int:
    """Decide about answers that wait in the inbox, and return how many there were.

    They wait there when they came before the question was asked, or while the questions could not be read. The first
    that came is decided first.

    :param subjects: the cards, or instances in the approval centre, that they are about.
    """
    token, done = uuid4().hex, 0
    for subject in subjects:
        entries = inbox.claim(limit=_AT_ONCE, token=token, lease_seconds=_LEASE_SECONDS, subject=subject)
        for entry in entries:
            if (click := _read(entry)) is not None:
                questions.answer(click)
        if entries:
            inbox.complete([each.id for each in entries], token=token)
            done += len(entries)
    return done
