"""LarkWebhookNotifier: what happened, as a card in the group of a webhook bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_lark.core.errors import BadRequest
from airflow_provider_lark.notifications.base import MESSAGE_FIELDS, OccasionNotifier
from airflow_provider_lark.notifications.context import Occasion
from airflow_provider_lark.notifications.occasion_cards import make_card, shorten_text, shorten_title
from airflow_provider_lark.notifications.within import CARDS, load

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.webhook import LarkWebhookHook

_TEXT_BYTES = 17_000


class LarkWebhookNotifier(OccasionNotifier):
    """Tells the group of a webhook bot what happened: a task that failed, is retried or made it, a run, a deadline.

    Without a message of its own it sends a card: DAG, task, map index, run, try, owner, when and how long, the
    exception with its last lines and no secret, buttons to log and run. It never fails a task: what it cannot send, it
    says in the log. It takes at most nine seconds.

    >>> with DAG("orders", default_args={"on_failure_callback": LarkWebhookNotifier()}):  # doctest: +SKIP
    ...     ...

    :param text: instead of the card; a template. One that cannot be rendered is logged, and the card goes out.
    :param markdown: instead of the card, below *title*.
    :param card: a card's JSON instead, whose texts are templates, or the name of a ``.json`` file of the DAG's folder.
    :param title: above *text* or *markdown*.
    :param mentions: open_ids (``ou_…``), or ``all``.
    :param runbook_url: link to a runbook, shown as a button.
    :param note: a note shown on the card.
    :param locale: language of the card; None: English and Chinese, and each reader sees their own.
    :param lark_webhook_conn_id: connection of type ``lark_webhook``.
    :param kwargs: ``timeout_seconds``, ``proxy``, ``call_retry``: override the connection's settings for messages.
    """

    template_fields: Sequence[str] = (*MESSAGE_FIELDS, "lark_webhook_conn_id")

    def __init__(
        self,
        *,
        text: str | None = None,
        markdown: str | None = None,
        card: Mapping[str, Any] | str | None = None,
        title: str | None = None,
        mentions: Sequence[str] = (),
        runbook_url: str | None = None,
        note: str | None = None,
        locale: Literal["en_us", "zh_cn"] | None = None,
        lark_webhook_conn_id: str = "lark_webhook_default",
        **kwargs: Any,
    ) -> None:
        given: dict[str, Any] = {"text": text, "markdown": markdown, "card": card, "title": title, "mentions": mentions}
        super().__init__(**given, runbook_url=runbook_url, note=note, locale=locale, **kwargs)
        self.lark_webhook_conn_id = lark_webhook_conn_id

    @property
    def _target(self) -> str:
        return f"the group of {self.lark_webhook_conn_id!r}"

    def _prepare(self, occasion: Occasion) -> Callable[[], None]:
        from airflow_provider_lark.hooks.webhook import LarkWebhookHook

        load(("airflow_provider_lark.core.api.webhook.client", "airflow_provider_lark.core.cards", *CARDS))
        hook = LarkWebhookHook(self.lark_webhook_conn_id, **self._call_settings())
        _ = hook.settings
        return partial(self._deliver, hook, occasion)

    def _deliver(self, hook: LarkWebhookHook, occasion: Occasion) -> None:
        with hook.client(avoid_peak_seconds=0, **self._client_options(hook)) as client:
            if own := self._own_message():
                try:
                    client.send(**own)
                except BadRequest as exc:
                    self._voice.replacement("the custom message", "the default card", exc)
                else:
                    return
            client.send(card=self._card(occasion), mentions=[])

    def _own_message(self) -> dict[str, Any] | None:
        """Return what the notifier was given, or None; too long a text is cut in its middle."""
        mentions = list(self.mentions or ())
        title = shorten_title(str(self.title)) if self.title else None
        for name in ("text", "markdown"):
            if said := getattr(self, name):
                return {name: shorten_text(str(said), _TEXT_BYTES), "title": title, "mentions": mentions}
        return {"card": self.card, "mentions": mentions} if self.card else None

    def _card(self, occasion: Occasion) -> dict[str, Any]:
        from airflow_provider_lark.core.cards.writing import WEBHOOK

        self._voice.dead_link(occasion)
        given: dict[str, Any] = {"mentions": tuple(each for each in self.mentions or () if each.startswith("ou_"))}
        given |= {name: value for name in ("runbook_url", "note") if (value := getattr(self, name))}
        return make_card(occasion, given, self.locale, WEBHOOK)


send_lark_webhook_notification = LarkWebhookNotifier
"""The notifier by the name that Airflow's other notifiers have."""
