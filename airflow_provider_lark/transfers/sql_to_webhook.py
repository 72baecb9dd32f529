"""The result of a query into a group through its webhook bot: as a card, or in words of your own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_text
from airflow_provider_lark.operators.webhook import WebhookOperator
from airflow_provider_lark.transfers.query_message import QueryMessageOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from airflow_provider_lark.core.transfer.to_message.message import Result
    from airflow_provider_lark.core.transfer.to_message.result_words import Words
    from airflow_provider_lark.hooks.webhook import LarkWebhookHook


class SqlToLarkWebhookOperator(QueryMessageOperator, WebhookOperator):
    """Runs a query on any SQL connection of Airflow and sends what it returns through a webhook bot, without an app.

    The query, the card, and words of your own: :class:`.QueryMessageOperator`. A card of up to 20 KB: a webhook bot
    uploads neither files nor pictures. It knows no ids either, so a message is sent once over all tries only as far as
    :class:`.LarkWebhookOperator` can tell; and each try asks the database anew.

    Returns what that one does, and ``rows``, ``columns``, ``shown`` (rows in the message) and ``warnings``.

    :param form: ``card``; what else :class:`.SqlToLarkMessageOperator` sends takes an app.
    """

    template_fields: Sequence[str] = (*QueryMessageOperator.own, *WebhookOperator.template_fields)

    def __init__(self, *, form: Literal["card"] = "card", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form = form
        if form != "card":
            raise ConfigError(
                f"form {form!r}: a webhook bot cannot send files or images, only form 'card'; use "
                "SqlToLarkMessageOperator with an app, or link to all rows with link_url"
            )
        self._told: dict[str, Any] = {}

    def execute(self, context: Context) -> dict[str, Any]:
        """Send what the query returns."""
        sent = super().execute(context)
        return {**sent, **self._told}

    def _message(self, context: Context, hook: LarkWebhookHook) -> dict[str, Any]:
        from airflow_provider_lark.core.api.webhook.messages import read_mentions
        from airflow_provider_lark.core.cards.writing import WEBHOOK
        from airflow_provider_lark.core.transfer.to_message.message import write_card

        # what is wrong with them shows before the database is asked
        people, options, words, keyword = (
            read_mentions(self._people()),
            self._options(),
            self._words(),
            hook.settings.keyword,
        )
        with self._queried(options) as result:
            self._refuse_empty(result)
            if words is None:
                # whoever is mentioned takes room, and so does a keyword in the title
                taken = _size({"card": _EMPTY, "mentions": people}, keyword) - _size({"card": _EMPTY}, None)
                message = {"card": write_card(result, options, WEBHOOK.less(taken)), "mentions": people}
            else:
                message = self._say(words, result, context, people, keyword)
        self._told = {name: each for name, each in self._tell(result).items() if name != "file_name"}
        return message

    def _places(self) -> list[tuple[str, str]]:
        # a webhook does not tell into which chat it leads
        return []

    def _say(
        self, words: Words, result: Result, context: Context, people: Sequence[str], keyword: str | None
    ) -> dict[str, Any]:
        from airflow_provider_lark.core.cards.writing import WEBHOOK

        title = read_text(self.title)

        def make(said: Any) -> dict[str, Any]:
            return {words.kind: said, "mentions": people, **({"title": title} if title else {})}

        known = cast("Mapping[str, Any]", context)
        most = WEBHOOK.ready_bytes
        return self._fit(words, result, known, make, lambda each: _size(each, keyword), most_bytes=most).message


_EMPTY = {"schema": "2.0", "header": {"title": {"tag": "plain_text", "content": ""}}, "body": {"elements": []}}


def _size(message: Mapping[str, Any], keyword: str | None) -> int:
    """Return the bytes of a message without its signature."""
    from airflow_provider_lark.core.api.services.messaging.content import dump
    from airflow_provider_lark.core.api.webhook.messages import build_message

    return len(dump(build_message(**message, keyword=keyword)).encode())
