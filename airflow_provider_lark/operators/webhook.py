"""LarkWebhookOperator: a message into a group through its webhook bot, without an app."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_lark.core.api.webhook.messages import KINDS
from airflow_provider_lark.core.api.webhook.pace import AVOID_PEAK_MAX_SECONDS
from airflow_provider_lark.core.errors import OutcomeUnknown
from airflow_provider_lark.hooks.card_files import is_card_file, render_card_file
from airflow_provider_lark.hooks.errors import airflow_errors
from airflow_provider_lark.hooks.parameters import read_json, read_list, read_seconds, read_text
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.hooks.webhook import LarkWebhookHook


class WebhookOperator(CallingOperator):
    """Writes into the group of a webhook bot.

    A webhook knows no ids. A message that was sent and not answered may be in the group: the task fails with these
    words and is not tried again, unless *resend_if_unknown* says so. One that was throttled or never sent is tried
    again at once, and then by the task's ``retries``.

    :param mentions: open_ids (``ou_…``), or ``all``; a webhook bot cannot mention by e-mail address.
    :param avoid_peak_seconds: overrides the connection's value; 0: send at once.
    :param resend_if_unknown: let the task's retries send a message again that may have been delivered.
    :param lark_webhook_conn_id: connection of type ``lark_webhook``.
    """

    template_fields: Sequence[str] = (
        *("mentions", "avoid_peak_seconds", "lark_webhook_conn_id"),
        *CallingOperator.template_fields,
    )
    ui_color = "#d6e8ff"

    def __init__(
        self,
        *,
        mentions: Sequence[str] | str | None = None,
        avoid_peak_seconds: float | str | None = None,
        resend_if_unknown: bool = False,
        lark_webhook_conn_id: str = "lark_webhook_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mentions = mentions
        self.avoid_peak_seconds = avoid_peak_seconds
        self.resend_if_unknown = resend_if_unknown
        self.lark_webhook_conn_id = lark_webhook_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the message."""
        from airflow_provider_lark.hooks.webhook import LarkWebhookHook

        with airflow_errors(permanent=() if self.resend_if_unknown else (OutcomeUnknown,)):
            hook = LarkWebhookHook(self.lark_webhook_conn_id, **self.call_settings)
            message = self._message(context, hook)
            with hook.client(**self._client_options()) as client:
                sent = client.send(**message)
        self.log.info(
            "sent a message (type %s, %d bytes) with connection %r",
            sent.msg_type,
            sent.size_bytes,
            self.lark_webhook_conn_id,
        )
        return {"msg_type": sent.msg_type, "size_bytes": sent.size_bytes}

    @abstractmethod
    def _message(self, context: Context, hook: LarkWebhookHook) -> dict[str, Any]:
        """Return what to send, as :meth:`.WebhookClient.send` takes it."""

    def _people(self) -> list[str]:
        return read_list(self.mentions, "mentions") or []

    def _client_options(self) -> dict[str, Any]:
        avoid = read_seconds(
            self.avoid_peak_seconds, "avoid_peak_seconds", longest=AVOID_PEAK_MAX_SECONDS, may_be_zero=True
        )
        return {"stop": self.stop_flag} | ({} if avoid is None else {"avoid_peak_seconds": avoid})


class LarkWebhookOperator(WebhookOperator):
    """Writes into the group of a webhook bot, one of *text*, *markdown*, *post*, *card*, *image_key* and *share_chat*.

    Returns ``{"msg_type": …, "size_bytes": …}``; Lark tells no id of the message.

    :param text: Lark reads ``<at user_id="ou_…">name</at>`` in it.
    :param markdown: sent as a card of one element, below *title*.
    :param post: rich text by language, ``{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}]]}}``.
    :param card: a card's JSON, or ``{"template_id": …}``; checked before it is sent. Its buttons may have links only.
        Or the name of a ``.json`` file from the DAG's folder, whose texts are templates.
    :param image_key: an image that an app of the tenant has uploaded.
    :param share_chat: the chat_id of the bot's own group.
    :param title: above *text* or *markdown*.
    """

    template_fields: Sequence[str] = (
        "text",
        "markdown",
        "post",
        "card",
        "image_key",
        "share_chat",
        "title",
        *WebhookOperator.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"markdown": "md", "post": "json", "card": "json"}

    def __init__(
        self,
        *,
        text: str | None = None,
        markdown: str | None = None,
        post: Mapping[str, Any] | str | None = None,
        card: Mapping[str, Any] | str | None = None,
        image_key: str | None = None,
        share_chat: str | None = None,
        title: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.markdown = markdown
        self.post = post
        self.card = card
        self.image_key = image_key
        self.share_chat = share_chat
        self.title = title

    def _message(self, context: Context, hook: LarkWebhookHook) -> dict[str, Any]:
        given: dict[str, Any] = {name: getattr(self, name) for name in KINDS}
        # a template of a Param that was left empty gives nothing, or the word
        filled = {name: value for name, value in given.items() if value not in (None, "", "None")}
        if is_card_file(filled.get("card")):
            filled["card"] = render_card_file(filled["card"], self.get_template_env(), context)
        for name in ("post", "card"):
            if name in filled:
                filled[name] = read_json(filled[name], name)
        return {
            **(filled or {name: value for name, value in given.items() if value is not None}),
            "title": read_text(self.title),
            "mentions": self._people(),
        }
