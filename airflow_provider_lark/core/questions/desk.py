"""Answers people on arrival: their answers to questions are decided before the inbox, instead of being stored in it.

A decision is as durable as an entry of the inbox, and can be told to the person at once. Where the questions cannot be
read at this moment, an answer is stored, and decided later: by the pump that moves it to the inbox, or by whoever waits
for the answer. That an answer is decided twice changes nothing: the second time it is known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore, Entry, Inbox, Outcome, Receipt
from airflow_provider_lark.core.questions.click import Click, read_click, read_decision_click
from airflow_provider_lark.core.questions.question import Answered
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.toasts import LATER, UNKNOWN, UNKNOWN_ON_CARD, say_in_centre
from airflow_provider_lark.core.receiving.approval_door import read_decision
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject

log = logging.getLogger(__name__)

DECIDERS = 4
"""So many answers are decided at once; the others wait, as long as they may."""

PATIENCE = 0.4
"""The share of the time for a reply after which an answer is stored undecided, where RabbitMQ stores it."""

TRY_AGAIN_SECONDS = 0.25
"""So long after the questions could not be read, no answer waits for them."""

_AT_ONCE = 50
_ID_SHOWN = 64
_LEASE_SECONDS = 60.0


class Desk:
    """Stands before what keeps deliveries: decides about answers to questions itself, and passes everything else on.

    :param patience: the share of the time for a reply that deciding may take, before an answer is stored instead. None:
        all of it, because what stores answers is the database that decides about them.
    """

    def __init__(self, inbox: AsyncDeliveryStore, questions: QuestionStore, *, patience: float | None = None) -> None:
        self._inbox = inbox
        self._questions = questions
        self._patience = patience
        self._is_down = False
        self._try_again_at: float | None = None
        self._pool = ThreadPoolExecutor(DECIDERS, thread_name_prefix="lark-desk")

    async def put(self, delivery: Delivery, *, seconds: float) -> Receipt:
        """Decide about an answer to a question; store everything else, and answers that cannot be decided now."""
        click = _read(delivery)
        if click is None:
            return await self._inbox.put(delivery, seconds=seconds)
        # from a card that is pinned to the top of a chat: whoever waits looks in the inbox for a message
        can_wait = bool(delivery.subject) or not click.question_id
        if not can_wait or self._may_try():
            try:
                decided = await self._decide(click, seconds)
            except (TimeoutError, Unreachable) as exc:
                self._try_again_at = asyncio.get_running_loop().time() + TRY_AGAIN_SECONDS
                self._note_down(exc.message if isinstance(exc, LarkError) else "their database does not answer")
            except LarkError as exc:
                self._note_down(exc.message)
            else:
                self._is_down, self._try_again_at = False, None
                return decided or await self._inbox.put(delivery, seconds=seconds)
        if not can_wait:
            raise Unreachable("an answer that names no message cannot wait in the inbox")
        stored = await self._inbox.put(delivery, seconds=seconds)
        is_later = stored.is_new and click.via == "card" and click.question_id
        return replace(stored, reply={"toast": LATER}) if is_later else stored

    def _may_try(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._try_again_at is None:
            return True
        if now < self._try_again_at:
            return False
        # this one tries for those that come meanwhile
        self._try_again_at = now + TRY_AGAIN_SECONDS
        return True

    async def _decide(self, click: Click, seconds: float) -> Receipt | None:
        limit = None if self._patience is None else seconds * self._patience
        deciding = asyncio.get_running_loop().run_in_executor(self._pool, _decide, self._questions, click)
        return await asyncio.wait_for(deciding, limit)

    def _note_down(self, why: str) -> None:
        if not self._is_down:
            # once, and not for each person who presses
            log.warning("answers to questions cannot be decided at once, and go to the inbox: %s", why)
        self._is_down = True


class LateDesk:
    """Stands before the inbox that a pump fills, and decides about answers that could not be decided when they came.

    They stand in the inbox first: there, the two callbacks of one click are one.
    """

    def __init__(self, inbox: Inbox, questions: QuestionStore) -> None:
        self._inbox = inbox
        self._questions = questions

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Store all of them durably, each once, then decide about answers that name a question."""
        outcomes = self._inbox.put_all(deliveries)
        clicks = ((each.subject, _read(each)) for each in deliveries)
        subjects = dict.fromkeys(subject for subject, click in clicks if click and click.question_id and subject)
        if subjects:
            try:
                decide_waiting(self._inbox, self._questions, list(subjects))
            except LarkError as exc:
                log.warning("answers wait in the inbox until the task that asked looks: %s", exc)
        return outcomes

    def check(self) -> None:
        """Raise a :class:`.LarkError` where the database cannot be used."""
        self._inbox.check()


def _decide(questions: QuestionStore, click: Click) -> Receipt | None:
    """Decide about an answer; None where it is on no card of a question."""
    answered = questions.answer(click)
    if answered is not None:
        reply = answered.reply if click.via == "card" else _refusal(answered)
        return Receipt(answered.question.now_ms if answered.is_repeated else None, reply)
    if not click.question_id:
        return None
    # a question is stored before anybody can see it: nobody would ever take this from the inbox
    log.warning(
        "an answer to the unknown question %s is refused: it was purged, or asked with another store_conn_id than this "
        "receiver has",
        click.question_id[:_ID_SHOWN],
    )
    return Receipt(reply=say_in_centre(UNKNOWN) if click.via == "centre" else {"toast": UNKNOWN_ON_CARD})


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
