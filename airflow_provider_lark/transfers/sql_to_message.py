"""The result of a query to people and chats: as a card, words of your own, a picture of a chart, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.transfer.to_message.file_kinds import FORMS, PACKINGS, choose_kind, is_file
from airflow_provider_lark.hooks.parameters import read_text, refuse_choice
from airflow_provider_lark.operators.messages.base import MentioningOperator, OpenedHook
from airflow_provider_lark.operators.messages.delivering import ReceiversOperator
from airflow_provider_lark.transfers.query_message import QueryMessageOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.api.services.messaging.content import Content
    from airflow_provider_lark.core.transfer.to_message.message import MessageOptions, Result
    from airflow_provider_lark.core.transfer.to_message.result_words import Words

# receiver, uuid and the names beside a text
_ENVELOPE_BYTES = 600


class SqlToLarkMessageOperator(QueryMessageOperator, MentioningOperator, ReceiversOperator):
    """Runs a query on any SQL connection of Airflow and sends what it returns as one message, as an app.

    The query, the card, and words of your own: :class:`.QueryMessageOperator`. Once over all tries of the task, also
    where the rows are others by then; a task that is cleared sends anew.

    Returns what :class:`.LarkSendMessageOperator` does, and ``rows``, ``columns``, ``shown`` (rows in the message),
    ``file_name`` and ``warnings``.

    :param form: ``card``: the first rows as a table; ``csv``, ``excel``, ``json`` (one array), ``jsonl`` or ``html``: a
        file of all rows, up to 30 MB; ``image``: a picture of a chart, in a card. Default: what *file_name* ends with,
        else a card. Excel and pictures need the extras ``excel`` and ``charts``.
    :param compression: ``gzip`` or ``zip``; default: what *file_name* ends with, as ``.csv.gz``, else not packed.
    :param file_name: as the chat shows it; default: *title*.
    :param font: the font of the picture to take first: a name, or a file's path.
    """

    own: ClassVar[Sequence[str]] = (*QueryMessageOperator.own, "file_name", "font")
    template_fields: Sequence[str] = (*(*own, *ReceiversOperator.template_fields, "mentions"),)

    def __init__(
        self,
        *,
        form: Literal["card", "image", "csv", "excel", "json", "jsonl", "html"] | None = None,
        compression: Literal["gzip", "zip"] | None = None,
        file_name: str | None = None,
        font: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.form = form
        self.compression = compression
        self.file_name = file_name
        self.font = font
        if form is not None:
            refuse_choice("form", form, FORMS)
        if compression is not None:
            refuse_choice("compression", compression, PACKINGS)
        if self._kind and form not in (None, "card"):
            raise ConfigError(
                f"{self._kind}: not supported with form {form!r}, which sends a file or an image; send the text in a "
                "separate message"
            )

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        from airflow_provider_lark.core.transfer.to_message.message import write_message

        receivers, options = self._receivers(), self._read_options()
        memory = self._recall(opened.context, receivers, self._identity(opened.context))
        if memory.facts and not memory.pending(receivers):
            # an earlier try did it all, and was cut off then
            return {**self._tell_sent(self._delivered(receivers, memory.sent)), **memory.facts}
        people, words = self._people(opened), self._words()
        with self._queried(options) as result:
            if not memory.is_begun:
                self._refuse_empty(result)
            if words is None:
                content = write_message(opened.client, result, options, people)
            else:
                content = self._say(words, result, opened.context, people)
        memory.facts = self._tell(result)
        return {**self._tell_sent(self._deliver(opened, lambda: content, memory, receivers)), **memory.facts}

    def _read_options(self) -> MessageOptions:
        name = read_text(self.file_name)
        form, packing = choose_kind("card" if self._kind else self.form, self.compression, name)
        if is_file(form) and self.chart is not None:
            raise ConfigError(f"chart: not supported with form {form!r}; use form 'card' or 'image'")
        return self._options(form=form, packing=packing, file_name=name, font=read_text(self.font))

    def _identity(self, context: Context) -> list[str]:
        """Return what tells this message from others of the task: what was asked for, not what the query returned."""
        # it grows when a task is cleared, and stays as it is over the tries
        cleared = getattr(context["ti"], "max_tries", 0)
        names = (*self.own, "form", "compression", "chart", "mentions", *self.late_templates)
        return ["sql", str(cleared), *(f"{name}={getattr(self, name)!r}" for name in names)]

    def _say(self, words: Words, result: Result, context: Context, people: Sequence[str]) -> Content:
        from airflow_provider_lark.core.api.services.messaging import content
        from airflow_provider_lark.core.api.services.messaging.content import dump
        from airflow_provider_lark.core.api.wire.limits import TEXT_MESSAGE_MAX_BYTES
        from airflow_provider_lark.core.cards.check import check_card
        from airflow_provider_lark.core.cards.limits import READY_CARD_BYTES
        from airflow_provider_lark.core.cards.markdown_card import markdown_card

        def card_of(said: Any) -> Any:
            return markdown_card(said, title=read_text(self.title)).assemble() if words.kind == "markdown" else said

        def make(said: Any) -> Content:
            if words.kind == "text":
                return content.text(said, mentions=people)
            return content.card(card_of(said), mentions=people)

        most = TEXT_MESSAGE_MAX_BYTES - _ENVELOPE_BYTES if words.kind == "text" else READY_CARD_BYTES
        fitted = self._fit(words, result, context, make, lambda each: len(dump(each.write()).encode()), most_bytes=most)
        if words.kind != "text":
            check_card(card_of(fitted.said))
        return fitted.message

    def _places(self) -> list[tuple[str, str]]:
        return [(f"lark://{self.lark_host.partition('://')[2]}", self.sent_chat_id)] if self.sent_chat_id else []
