"""A sensor on what people press on a card that another task sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk import PokeReturnValue
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import airflow_errors, told
from airflow_provider_lark.hooks.message_link import LarkMessageLink
from airflow_provider_lark.hooks.parameters import CALL_FIELDS, read_values, refuse_open_password
from airflow_provider_lark.hooks.receiving.allowed import find_allowed, read_allowed, refuse_nobody
from airflow_provider_lark.hooks.receiving.ended import closing_what_nobody_awaits
from airflow_provider_lark.sensors.polling import PollingSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.core.questions.terms import Terms
    from airflow_provider_lark.hooks.calls.settings import CallRetry
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.questions import QuestionDesk
    from airflow_provider_lark.triggers.callback import LarkCardCallbackTrigger

_PURPOSE = "callback"

_GRACE_SECONDS = 60.0
"""How much longer Airflow lets the trigger live: it looks a last time when the sensor's own time is over."""


class LarkCardCallbackSensor(PollingSensor):
    """Waits until somebody presses a button of a card, or sends its form, and returns who, what and when.

    The first answer counts. Then the card shows to everybody who answered and when, and nothing on it can be pressed;
    whoever comes later, or may not answer, is told why. A click that came before the sensor began counts too, and so
    does the answer to an earlier try, or before a clearing: a card is answered once. Needs the token store, and a
    receiver for clicks: ``airflow lark receive``, or the api-server.

    Returns ``{"open_id", "user_id", "union_id", "name", "answered_at", "choice", "values", "message_id", "action"}``:
    *choice* is the ``choice`` in the button's value, or the button's name; *values* are those of the form, by name, and
    *action* is what Lark told, with the button's ``value``.

    :param message_id: the card (``om_…``), the same card in several chats as a list, or the output of the task that
        sent it.
    :param allowed: who may answer: ids, e-mail addresses, mobile numbers (``+86…``), a chat (``oc_…``) for its members,
        a department (``od-…``) for the people in it and below it, or a user group (``group:…``); default: everybody who
        sees the card.
    :param field_types: what an input of the form holds where it is no text, by name: ``integer`` or ``number``.
    :param update_card: let the card show who answered.
    :param lark_conn_id: connection of type ``lark``.
    :param timeout_seconds: how long one call may take, up to 600; default: as the connection says.
    :param proxy: address of a proxy; default: as the connection says. One with a password comes from a template.
    :param call_retry: what is sent again within a look, how often and when; see :class:`.CallingOperator`.
    """

    template_fields: Sequence[str] = ("message_id", "allowed", "field_types", "lark_conn_id", *CALL_FIELDS)
    template_fields_renderers: ClassVar[dict[str, str]] = {"field_types": "json"}
    operator_extra_links = (LarkMessageLink(),)

    def __init__(
        self,
        *,
        message_id: Mapping[str, Any] | Sequence[Any] | str,
        allowed: Sequence[str] | str | None = None,
        field_types: Mapping[str, str] | str | None = None,
        update_card: bool = True,
        lark_conn_id: str = "lark_default",
        timeout_seconds: float | str | None = None,
        proxy: str | None = None,
        call_retry: CallRetry = None,
        **kwargs: Any,
    ) -> None:
        # a look costs a query, and people wait for what comes next
        super().__init__(**{"poke_interval": 5.0, **kwargs})
        refuse_open_password(proxy)
        refuse_nobody(allowed, "allowed")
        self.message_id = message_id
        self.allowed = allowed
        self.field_types = field_types
        self.update_card = update_card
        self.lark_conn_id = lark_conn_id
        self.timeout_seconds = timeout_seconds
        self.proxy = proxy
        self.call_retry = call_retry
        self.sent_chat_id = ""
        self.lark_host = ""
        self._question_id: str | None = None
        self._message_ids: list[str] = []

    def execute(self, context: Context) -> Any:
        """Look, and wait for the answer."""
        with closing_what_nobody_awaits(self._hook, cast("Any", context), _PURPOSE):
            return super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the triggerer has waited, or could not."""
        with closing_what_nobody_awaits(self._hook, cast("Any", context), _PURPOSE):
            return super().resume_execution(next_method, next_kwargs, context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once whether somebody has answered."""
        with airflow_errors():
            desk = self._desk()
            if self._question_id is None:
                self._question_id = self._ask(desk, context).id
            state, _ = desk.look(self._question_id, self._message_ids)
            if state == "open":
                return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._tell(self._question_id))

    def _trigger(self, polling: dict[str, Any]) -> LarkCardCallbackTrigger:
        from airflow_provider_lark.triggers.callback import LarkCardCallbackTrigger

        if self._question_id is None:
            raise RuntimeError("the question is asked by the first look")
        return LarkCardCallbackTrigger(
            lark_conn_id=self.lark_conn_id,
            question_id=self._question_id,
            message_ids=self._message_ids,
            **polling,
        )

    def _deferral_timeout(self) -> timedelta:
        return timedelta(seconds=self.timeout + _GRACE_SECONDS)

    def _finish(self, event: dict[str, Any]) -> dict[str, Any]:
        return self._tell(event["question_id"])

    def _ask(self, desk: QuestionDesk, context: Context) -> Question:
        from airflow_provider_lark.hooks.message_ids import read_message_ids

        self._message_ids = read_message_ids(self.message_id)
        hook = self._hook()
        self.lark_host = hook.settings.host
        mark = _mark([self._message_ids, self.allowed, self.field_types])
        # a card that was pressed has lost its form: what it asked, the question knows that is there
        question = desk.questions.find(_key(context), mark=mark)
        if question is None:
            with hook.client() as client:
                terms = self._terms(hook, client)
            question, _ = desk.questions.ask(_key(context), terms, seconds=self.timeout, mark=mark)
        if not question.is_sent:
            for message_id in self._message_ids:
                desk.questions.note_card(question.id, message_id, "")
            desk.questions.note_sent(question.id)
        return question

    def _terms(self, hook: LarkHook, client: LarkClient) -> Terms:
        from airflow_provider_lark.core.questions.fields import declared_fields
        from airflow_provider_lark.core.questions.terms import Terms
        from airflow_provider_lark.hooks.receiving.questions import default_zone

        cards = [self._card(client, message_id) for message_id in self._message_ids]
        card = cards[0]
        is_one = all(each == card for each in cards)
        if not is_one and self.update_card:
            self.log.warning("the cards differ, so they stay as they are when one is answered; use a sensor for each")
        names = read_allowed(self.allowed, "allowed")
        kinds = read_values(self.field_types, "field_types")
        return Terms(
            fields=declared_fields(card or {}, kinds),
            allowed=None if names is None else find_allowed(hook, client, names, "allowed"),
            # no card is to look like another one
            card=card if self.update_card and is_one else None,
            time_zone=default_zone(),
        )

    def _card(self, client: LarkClient, message_id: str) -> dict[str, Any] | None:
        found = client.messaging.get(message_id=message_id, original_card=True)
        if found and not self.sent_chat_id:
            self.sent_chat_id = found[0].chat_id
        return _card_of(found[0].content if found else "")

    def _tell(self, question_id: str) -> dict[str, Any]:
        from airflow_provider_lark.hooks.receiving.questions import tell_vote

        with airflow_errors():
            desk, hook = self._desk(), self._hook()
            question = desk.questions.read(question_id)
            if not question.is_shown:
                with hook.client() as client:
                    desk.show(client, question)
            if not question.votes:
                # who clears the sensor wants to wait anew; an answer is for every try, as the card is pressed once
                desk.questions.collect(question_id)
        if not question.votes:
            kind = AirflowSkipException if self.soft_fail else AirflowSensorTimeout
            raise told(kind(f"nobody answered the card within {self.timeout:g} s"))
        vote = question.votes[-1]
        self.log.info("answered by %s at %s", vote.open_id, vote.at_ms)
        return {**tell_vote(vote), "action": dict(vote.action)}

    def _desk(self) -> QuestionDesk:
        from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

        return QuestionDesk.of(self._hook())

    def _hook(self) -> LarkHook:
        from airflow_provider_lark.hooks.lark import LarkHook

        return LarkHook(self.lark_conn_id, **{name: getattr(self, name) for name in CALL_FIELDS})


def _key(context: Context) -> str:
    from airflow_provider_lark.hooks.receiving.questions import question_key

    return question_key(context, _PURPOSE)


def _mark(given: Any) -> str:
    from airflow_provider_lark.hooks.receiving.questions import content_mark

    return content_mark(given)


def _card_of(content: str) -> dict[str, Any] | None:
    """Return the card of a message as it was sent; None of a template, which Lark itself draws.

    :raises ConfigError: the message is no card.
    """
    try:
        card = json.loads(content)
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise ConfigError("message_id: is not a card whose content the app can read")
    return None if card.get("type") == "template" or "template_id" in card else card
