"""Answers clicks on arrival: clicks on questions are decided before the inbox, instead of being stored in it.

A decision is as durable as an entry of the inbox, and can be told to the person at once. What cannot be decided at this
moment is kept in the inbox, and decided by whoever waits for the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Inbox, Keeper, Receipt
from airflow_provider_lark.core.questions.click import read_click
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.receiving.envelope import Delivery

log = logging.getLogger(__name__)

_AT_ONCE = 50
_LEASE_SECONDS = 60.0


class Desk:
    """Stands before what keeps deliveries: answers clicks on questions itself, and passes everything else on."""

    def __init__(self, inbox: Keeper, questions: QuestionStore) -> None:
        self._inbox = inbox
        self._questions = questions

    def put(self, delivery: Delivery) -> Receipt:
        """Decide about a click on a question; keep everything else, and clicks that cannot be decided now."""
        if delivery.kind == "card":
            try:
                answered = self._questions.answer(read_click(delivery.body))
            except LarkError as exc:
                log.warning("a click could not be decided at once, and goes to the inbox: %s", exc)
            else:
                if answered is not None:
                    at_ms = answered.question.now_ms
                    return Receipt(not answered.is_repeated, at_ms, reply=answered.reply)
        return self._inbox.put(delivery)


def decide_waiting(inbox: Inbox, questions: QuestionStore, message_ids: Sequence[str]) -> int:
    """Decide about clicks on these cards that wait in the inbox, and return how many there were.

    They wait there when they came before the question was asked, or while the questions could not be read. The first
    that came is decided first.
    """
    token, done = uuid4().hex, 0
    for message_id in message_ids:
        entries = inbox.claim(
            limit=_AT_ONCE, token=token, lease_seconds=_LEASE_SECONDS, kind="card", subject=message_id
        )
        for entry in entries:
            questions.answer(read_click(entry.body))
        if entries:
            inbox.complete([each.id for each in entries], token=token)
        done += len(entries)
    return done
