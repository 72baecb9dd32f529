"""How an approval is asked: the terms, the card, the approval centre, and that it is asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.message_link import LarkMessageLink
from airflow_provider_lark.hooks.parameters import need_text, read_json, read_list, read_names, read_text
from airflow_provider_lark.hooks.receiving.allowed import find_allowed, read_allowed, refuse_nobody
from airflow_provider_lark.operators.approvals.form import read_form_field
from airflow_provider_lark.operators.approvals.in_centre import read_centre
from airflow_provider_lark.operators.approvals.schedule import duration_seconds
from airflow_provider_lark.operators.calling import CallingOperator
from airflow_provider_lark.operators.messages.base import raise_first

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.questions.approval_card import FormField
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.core.questions.terms import Choice, Terms
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

_ASKED = (
    *("receive_id", "receive_id_type", "title", "body", "options", "rejecting", "form", "allowed", "needed", "centre"),
)

PURPOSE = "approval"
"""Tells the questions of these tasks from others; see :func:`.question_key`."""

FORTNIGHT_SECONDS = 14 * 86_400.0
"""As long as a card of JSON 2.0 can be pressed."""


class AskingOperator(CallingOperator):
    """Asks people on a card; its parameters are those of :class:`.LarkApprovalOperator`."""

    template_fields: Sequence[str] = (
        *("receive_id", "receive_id_type", "title", "body", "options", "rejecting", "form", "allowed", "needed"),
        *("response_timeout", "centre", "lark_conn_id", *CallingOperator.template_fields),
    )
    operator_extra_links = (LarkMessageLink(),)
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        title: str,
        receive_id: Sequence[str] | str | None = None,
        receive_id_type: str | None = None,
        body: str = "",
        options: Sequence[str] | str = ("Approve", "Reject"),
        rejecting: Sequence[str] | str = ("Reject",),
        form: Sequence[Mapping[str, Any]] | str | None = None,
        allowed: Sequence[str] | str | None = None,
        needed: int | str = 1,
        response_timeout: timedelta | float | str | None = None,
        centre: Mapping[str, Any] | bool | str = False,
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_nobody(allowed, "allowed")
        if not receive_id and not centre:
            raise ValueError("give receive_id, for a card, or centre, for the approval centre, or both")
        self.receive_id = receive_id
        self.receive_id_type = receive_id_type
        self.title = title
        self.body = body
        self.options = options
        self.rejecting = rejecting
        self.form = form
        self.allowed = allowed
        self.needed = needed
        self.response_timeout = response_timeout
        self.centre = centre
        self.lark_conn_id = lark_conn_id
        self.sent_chat_id = ""
        self.lark_host = ""

    def open_hook(self) -> LarkHook:
        """Return a hook with the calls' settings."""
        from airflow_provider_lark.hooks.lark import LarkHook

        return LarkHook(self.lark_conn_id, **self.call_settings)

    def open_desk(self) -> QuestionDesk:
        """Return the questions of the app."""
        from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

        return QuestionDesk.of(self.open_hook())

    def choice_values(self) -> list[str]:
        """Return the answers."""
        return [each.value for each in self._choices()]

    def ask(self, desk: QuestionDesk, hook: LarkHook, client: LarkClient, context: Context) -> Question:
        """Return the question of this task, whose cards are sent; of an earlier try, where that has asked the same."""
        from airflow_provider_lark.core.questions.approval_card import approval_card
        from airflow_provider_lark.core.questions.centre import Centre
        from airflow_provider_lark.hooks.receiving.questions import asking_mark, question_key

        self.lark_host = hook.settings.host
        key = question_key(context, PURPOSE)
        mark = asking_mark(context, [getattr(self, name) for name in _ASKED])
        found = desk.questions.find(key, mark=mark)
        if found is not None and (found.is_sent or found.state != "open"):
            # who may answer was looked up then, and may be somebody else by now
            self.log.info("an earlier try has asked already: the question is %s", found.state)
            return found
        title, body = need_text(self.title, "title"), read_text(self.body) or ""
        form, seconds, receivers = self._form(), self._seconds(), self._receivers()
        terms, centre = self._terms(hook, client, form), read_centre(self.centre)
        if centre is not None:
            link = str(getattr(context["ti"], "log_url", ""))
            terms = centre.add_to(terms, hook, client, title=title, link=link)
            centre.define(hook, client)

        def make(id_: str) -> Terms:
            card = approval_card(id_, terms, form, title=title, body=body) if receivers else None
            return replace(terms, card=card)

        question, replaced = desk.questions.ask(key, make, seconds=seconds, mark=mark)
        if replaced is not None:
            desk.show(client, replaced)
        if question.state == "open" and not question.is_sent:
            if centre is not None:
                # the instance first: without it nothing is asked, and its push can be done again
                Centre(client, desk.questions).show(question.id)
            if receivers:
                self._send(desk, client, question, receivers)
            desk.questions.note_sent(question.id)
        return desk.questions.read(question.id)

    def _send(self, desk: QuestionDesk, client: LarkClient, question: Question, receivers: Sequence[str]) -> None:
        from airflow_provider_lark.core.api.services.messaging import content

        card = question.terms.card
        if card is None:
            raise RuntimeError("a question of this operator has a card")
        kind: Any = read_text(self.receive_id_type)
        # under the same uuid, Lark answers for an hour with the messages of a try that was cut off here
        sent = client.messaging.send_to_each(
            receiver_ids=receivers, content=content.card(card), receiver_id_type=kind, uuid=question.id
        )
        for each in sent:
            if each.message is not None:
                desk.questions.note_card(question.id, each.message.message_id, each.message.chat_id)
                self.sent_chat_id = self.sent_chat_id or each.message.chat_id
        errors = [(each.receiver_id, each.error) for each in sent if each.error is not None]
        if len(errors) == len(sent):
            raise_first(errors, len(sent), "receivers did not get the card")
        for receiver, error in errors:
            self.log.warning("the card did not reach %s: %s", receiver, error)
        self.log.info("asked %d of %d receivers", len(sent) - len(errors), len(sent))

    def _terms(self, hook: LarkHook, client: LarkClient, form: Sequence[FormField]) -> Terms:
        from airflow_provider_lark.core.questions.terms import Terms
        from airflow_provider_lark.hooks.receiving.questions import default_zone

        names = read_allowed(self.allowed, "allowed")
        allowed = None if names is None else find_allowed(hook, client, names, "allowed")
        needed, rejections = _read_needed(self.needed, allowed)
        return Terms(
            choices=tuple(self._choices()),
            fields=tuple(each.field for each in form),
            allowed=allowed,
            needed=needed,
            rejections_needed=rejections,
            time_zone=default_zone(),
        )

    def _choices(self) -> list[Choice]:
        from airflow_provider_lark.core.questions.terms import CHOICE_LENGTH_MAX, Choice

        options = [str(each) for each in read_names(self.options, "options")]
        rejecting = {str(each) for each in read_list(self.rejecting, "rejecting") or ()}
        if not options or len(set(options)) != len(options) or not all(each.strip() for each in options):
            raise ConfigError("options: give at least one answer, each once and none empty")
        if long := [each for each in options if len(each) > CHOICE_LENGTH_MAX]:
            raise ConfigError(
                f"options: {long[0][:30]!r}… has {len(long[0])} characters, more than the {CHOICE_LENGTH_MAX} that an "
                "answer can have; say the rest in body"
            )
        return [Choice(each, each, is_rejection=each in rejecting) for each in options]

    def _form(self) -> list[FormField]:
        # who decides only in the approval centre can say why, if they like
        given = read_json(self.form, "form") or ([] if self.receive_id else [{"name": "reason"}])
        if not isinstance(given, list | tuple):
            raise ConfigError("form: expected a list of fields")
        fields = [read_form_field(each, f"form[{at}]") for at, each in enumerate(given)]
        names = [each.field.name for each in fields]
        if len(set(names)) != len(names):
            raise ConfigError("form: two fields have the same name")
        return fields

    def _seconds(self) -> float:
        return duration_seconds(self.response_timeout, "response_timeout") or FORTNIGHT_SECONDS

    def _receivers(self) -> list[str]:
        if not self.receive_id:
            return []
        given = [str(each).strip() for each in read_names(self.receive_id, "receive_id")]
        if not given or not all(given):
            raise ConfigError("receive_id: is empty; give an id, an e-mail address, a chat's name, or a list of them")
        return list(dict.fromkeys(given))


def _read_needed(given: int | str, allowed: Mapping[str, str] | None) -> tuple[int, int]:
    """Return how many equal answers decide, and how many rejections.

    :raises ConfigError: it is not a number, or more than there are people.
    """
    many = None if allowed is None else len(allowed)
    if str(given).strip().lower() == "all":
        if many is None:
            raise ConfigError("needed: 'all' needs allowed people")
        return many, 1
    text = str(given).strip()
    if isinstance(given, bool) or not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"needed: expected a number from 1, or 'all', got {given!r}")
    needed = int(text)
    if many is not None and needed > many:
        raise ConfigError(f"needed: {needed} is more than the {many} who may answer")
    # of one it is the first; of more, rejections decide as soon as there are too few others left
    return needed, 1 if needed == 1 else needed if many is None else many - needed + 1
