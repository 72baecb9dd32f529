"""How people are asked for a task that waits in Airflow: kept first, then sent, or sent later by the bridge."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.receiving.allowed import find_allowed
from airflow_provider_lark.hooks.receiving.questions import QuestionDesk, content_mark

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.hitl.request import Place, Request
    from airflow_provider_lark.core.hitl.store import RequestStore
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

FORTNIGHT_SECONDS = 14 * 86_400.0
"""As long as a card of JSON 2.0 can be pressed."""


@dataclass(frozen=True)
class RequestDesk:
    """The requests of an app, beside its questions.

    :param hook: of the app; its connection is read already.
    """

    hook: LarkHook
    desk: QuestionDesk
    requests: RequestStore

    @classmethod
    def of(cls, hook: LarkHook) -> RequestDesk:
        """Return those of a hook's app; the database is not asked yet.

        :raises ConfigError: the connection names no token store, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key.
        """
        from airflow_provider_lark.core.hitl.store import RequestStore
        from airflow_provider_lark.hooks.accounts import read_keyring
        from airflow_provider_lark.hooks.database import sql_engine

        desk = QuestionDesk.of(hook)
        engine = sql_engine(hook.settings.token_store_conn_id or "")
        return cls(hook, desk, RequestStore(engine, read_keyring(), hook.settings.app_id))

    def keep(self, request: Request) -> tuple[Question, Question | None]:
        """Keep what a task asks, before anybody is asked; return its question, and the one that it replaces."""
        from airflow_provider_lark.core.hitl.card import AIRFLOW
        from airflow_provider_lark.core.questions.terms import Terms

        id_ = uuid4().hex
        # nobody can answer until it is known who may
        nobody = Terms(allowed={}, relay=AIRFLOW, time_zone=request.time_zone)
        seconds = min(request.seconds or FORTNIGHT_SECONDS, FORTNIGHT_SECONDS)
        return self.requests.ask(_key(request.place), request, nobody, seconds=seconds, mark=id_, id_=id_)

    def send(self, client: LarkClient, question: Question, request: Request) -> Question:
        """Send the cards of a question, and return it as it stands then.

        Sent twice at the same time, or again within an hour, there is still one card for each receiver.

        :raises LarkError: no receiver got one.
        """
        from airflow_provider_lark.core.api.services.messaging import content
        from airflow_provider_lark.core.hitl.card import make_terms

        allowed, unknown = find_people(self.hook, client, request)
        terms = make_terms(question.id, request, allowed, unknown)
        self.desk.questions.change_terms(question.id, terms)
        kind: Any = request.receive_id_type
        sent = client.messaging.send_to_each(
            receiver_ids=request.receivers,
            content=content.card(terms.card or {}),
            receiver_id_type=kind,
            uuid=question.id,
        )
        errors = [each.error for each in sent if each.error is not None]
        for each in sent:
            if each.message is not None:
                self.desk.questions.note_card(question.id, each.message.message_id, each.message.chat_id)
        if len(errors) == len(sent):
            raise errors[0]
        for error in errors:
            log.warning("the card of %s did not reach a receiver: %s", request.place.name, error)
        self.desk.questions.note_sent(question.id)
        return self.desk.questions.read(question.id)


def find_people(hook: LarkHook, client: LarkClient, request: Request) -> tuple[dict[str, str] | None, list[str]]:
    """Return who may answer in Lark, as ids and what they are called, and who may in Airflow but is not known in Lark.

    With nobody assigned, and nobody named by the DAG's author, that is whoever sees the card: None.

    :raises NotFound: nobody has an address that the DAG's author gave as *allowed*.
    """
    named = None if request.allowed is None else find_allowed(hook, client, request.allowed, "allowed")
    if not request.assigned:
        return named, []
    from airflow_provider_lark.core.api.services.messaging.mentions import is_contact

    contacts = [each.lark for each in request.assigned if is_contact(each.lark)]
    known = hook.user_directory(client).find_contacts(contacts) if contacts else {}
    allowed: dict[str, str] = {}
    unknown: list[str] = []
    for person in request.assigned:
        open_id = known.get(person.lark) if is_contact(person.lark) else person.lark
        if not open_id:
            unknown.append(person.name or person.id)
        elif named is None or open_id in named:
            allowed[open_id] = person.name or person.id
    return allowed, unknown


def _key(place: Place) -> str:
    parts = (place.dag_id, place.run_id, place.task_id, str(place.map_index), "hitl")
    return content_mark(list(parts))


def words_of(exc: Exception) -> str:
    """Return what may be told of an error: another one's text may quote anything."""
    return str(exc) if isinstance(exc, LarkError) else type(exc).__name__
