"""Reminders and escalation. If one of them fails, the question stays open."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.parameters import read_list

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.core.questions.terms import Terms
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

log = logging.getLogger(__name__)


def remind(client: LarkClient, question: Question, by: Literal["app", "sms", "phone"]) -> None:
    """Alarm those who may answer and have not; where everybody may, a reply below the card reminds the chat."""
    from airflow_provider_lark.core.api.services.messaging import content

    answered = {each.open_id for each in question.votes}
    people = [each for each in question.terms.allowed or () if each.startswith("ou_") and each not in answered]
    for message_id, _ in question.cards:
        try:
            if people:
                _alarm(client, message_id, people, by)
            else:
                client.messaging.reply(message_id=message_id, content=content.text("An answer is awaited / 仍待回答"))
        except LarkError as exc:
            log.warning("a reminder by %s failed: %s", by, exc)


def _alarm(client: LarkClient, message_id: str, people: Sequence[str], by: Literal["app", "sms", "phone"]) -> None:
    """Alarm people; one whom Lark refuses, such as somebody who has left the company, keeps no other from it.

    :raises LarkError: nobody can be alarmed now.
    """
    from airflow_provider_lark.core.api.wire.limits import URGENT_PEOPLE_MAX
    from airflow_provider_lark.core.bisect import Luck, bisect_all
    from airflow_provider_lark.core.chunks import split

    def send(some: Sequence[str]) -> None:
        client.messaging.urge(message_id=message_id, user_ids=list(some), by=by, allow_costs=by != "app")

    def refuse(person: str, error: LarkError) -> None:
        log.warning("%s could not be reminded by %s: %s", person, by, error)

    luck = Luck()
    for some in split(people, URGENT_PEOPLE_MAX):
        # whom an alarm may have reached, it must not reach twice
        bisect_all(some, send, refuse, luck=luck, creates=True)


def escalate(
    hook: LarkHook, client: LarkClient, desk: QuestionDesk, question: Question, given: Sequence[str] | str | None
) -> None:
    """Let others answer too, and send them the card."""
    from airflow_provider_lark.core.api.services.messaging import content
    from airflow_provider_lark.hooks.receiving.allowed import find_allowed

    names = [str(each) for each in read_list(given, "escalate_to") or ()]
    try:
        added = find_allowed(hook, client, names, "escalate_to")
        terms = _with_more(question.terms, hook, client, added)
    except LarkError as exc:
        log.warning("the escalation failed: %s", exc)
        return
    if terms is not question.terms:
        desk.questions.change_terms(question.id, terms)
        question = desk.questions.read(question.id)
        # the cards that are there name the others as well
        desk.show(client, question)
    card = question.shown() or question.terms.card
    if card is None:
        return
    receivers = [each for each in names if each.startswith("oc_")] or list(added)
    sent = client.messaging.send_to_each(receiver_ids=receivers, content=content.card(card), uuid=question.id[::-1])
    for each in sent:
        if each.message is not None:
            desk.questions.note_card(question.id, each.message.message_id, each.message.chat_id)
        else:
            log.warning("the card did not reach %s: %s", each.receiver_id, each.error)


def _with_more(terms: Terms, hook: LarkHook, client: LarkClient, added: Mapping[str, str]) -> Terms:
    """Return the terms under which others may answer too; the same, where everybody may.

    :raises LarkError: the approval centre cannot ask them.
    """
    from airflow_provider_lark.core.questions.shown import with_people
    from airflow_provider_lark.hooks.receiving.approval_centre import find_approvers

    if terms.allowed is None:
        return terms
    allowed, card = {**terms.allowed, **added}, terms.card
    wider = replace(terms, allowed=allowed, card=None if card is None else with_people(card, allowed))
    if terms.centre is None:
        return wider
    known = {each.open_id for each in terms.centre.approvers}
    more = [each for each in find_approvers(hook, client, added) if each.open_id not in known]
    return replace(wider, centre=replace(terms.centre, approvers=(*terms.centre.approvers, *more)))
