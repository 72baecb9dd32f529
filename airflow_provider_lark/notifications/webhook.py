"""LarkWebhookNotifier: what happened, as a card in the group of a webhook bot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.bases.notifier import BaseNotifier

from airflow_provider_lark.core.errors import BadRequest, LarkError
from airflow_provider_lark.notifications.context import Occasion, read_occasion
from airflow_provider_lark.notifications.templates import render_fields
from airflow_provider_lark.notifications.within import late, run_within

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_lark.hooks.webhook import LarkWebhookHook

BUDGET_SECONDS = 9.0
"""How long everything together may take, the reading of the connection apart."""

_CALL_SECONDS = 4.0
_PATIENCE_SECONDS = 6.0
_TEXT_BYTES = 17_000


class LarkWebhookNotifier(BaseNotifier):
    """Tells the group of a webhook bot what happened: a task that failed, is retried or made it, a run, a deadline.

    Without a message of its own it sends a card: DAG, task, map index, run, try, owner, when and how long, the
    exception with its last lines and no secret, buttons to log and run. It never fails a task: what it cannot send, it
    says in the log. It takes at most nine seconds.

    >>> with DAG("orders", default_args={"on_failure_callback": LarkWebhookNotifier()}):  # doctest: +SKIP
    ...     ...

    :param text: instead of the card; a template. One that cannot be rendered is logged, and the card goes out.
    :param markdown: instead of the card, below *title*.
    :param card: a card's JSON instead, whose texts are templates.
    :param title: above *text* or *markdown*.
    :param mentions: open_ids (``ou_…``), or ``all``.
    :param runbook_url: of what to do; makes a button.
    :param note: a sentence for whoever reads the card.
    :param locale: the card's only language; None: English and Chinese, each reader sees their own.
    :param lark_webhook_conn_id: connection of type ``lark_webhook``.
    """

    template_fields: Sequence[str] = (
        "text",
        "markdown",
        "card",
        "title",
        "mentions",
        "runbook_url",
        "note",
        "lark_webhook_conn_id",
    )

    def __init__(
        self,
        *,
        text: str | None = None,
        markdown: str | None = None,
        card: Mapping[str, Any] | None = None,
        title: str | None = None,
        mentions: Sequence[str] = (),
        runbook_url: str | None = None,
        note: str | None = None,
        locale: Literal["en_us", "zh_cn"] | None = None,
        lark_webhook_conn_id: str = "lark_webhook_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.markdown = markdown
        self.card = card
        self.title = title
        self.mentions = mentions
        self.runbook_url = runbook_url
        self.note = note
        self.locale = locale
        self.lark_webhook_conn_id = lark_webhook_conn_id

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render what can be rendered."""
        render_fields(self, context)

    def notify(self, context: Context) -> None:
        """Send the message, or say in the log why not."""
        occasion = read_occasion(context)
        try:
            hook = self._hook()
            # here, not in the thread: reading a connection asks the supervisor
            _ = hook.settings
            run_within(BUDGET_SECONDS, lambda: asyncio.run(self._deliver(hook, occasion)))
        except Exception as exc:  # noqa: BLE001 - the outermost edge: a notifier never fails what it tells of
            self._tell_failure(occasion, exc)

    async def async_notify(self, context: Context) -> None:
        """Send the message without blocking the event loop, or say in the log why not."""
        occasion = read_occasion(context)
        try:
            try:
                await asyncio.wait_for(self._deliver(self._hook(), occasion), BUDGET_SECONDS)
            except TimeoutError:
                raise late(BUDGET_SECONDS) from None
        except Exception as exc:  # noqa: BLE001 - as in notify
            self._tell_failure(occasion, exc)

    def _hook(self) -> LarkWebhookHook:
        from airflow_provider_lark.hooks.webhook import LarkWebhookHook

        return LarkWebhookHook(self.lark_webhook_conn_id)

    async def _deliver(self, hook: LarkWebhookHook, occasion: Occasion) -> None:
        client = await hook.async_client(
            avoid_peak_seconds=0, timeout_seconds=_CALL_SECONDS, max_attempts=3, max_elapsed_seconds=_PATIENCE_SECONDS
        )
        async with client:
            if own := self._own_message():
                try:
                    await client.send(**own)
                except BadRequest as exc:
                    self.log.warning("%s: its own message cannot be sent, the card goes instead: %s", self._name, exc)
                else:
                    return
            await client.send(card=self._card(occasion), mentions=[])

    def _own_message(self) -> dict[str, Any] | None:
        """Return what the notifier was given, or None; too long a text is cut in its middle."""
        for name in ("text", "markdown"):
            if said := getattr(self, name):
                return {name: _shorten(str(said)), "title": self.title or None, "mentions": list(self.mentions or ())}
        return {"card": self.card, "mentions": list(self.mentions or ())} if self.card else None

    def _card(self, occasion: Occasion) -> dict[str, Any]:
        if url := occasion.facts.get("log_url"):
            self._warn_of_dead_link(url)
        mentions = tuple(each for each in self.mentions or () if each.startswith("ou_"))
        given = {"mentions": mentions, "runbook_url": self.runbook_url or None, "note": self.note or None}
        return make_card(occasion, given, self.locale)

    def _warn_of_dead_link(self, url: str) -> None:
        from airflow_provider_lark.core.cards.text import reachable_url

        if reachable_url(url) is None:
            self.log.warning(
                "%s: Airflow calls itself by a local address, so the card has no button to it: set [api] base_url",
                self._name,
            )

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _tell_failure(self, occasion: Occasion, exc: Exception) -> None:
        # of other errors the text may hold anything, an address too
        why = exc if isinstance(exc, LarkError) else type(exc).__name__
        self.log.error(
            "%s: could not tell the group of %r about %s: %s", self._name, self.lark_webhook_conn_id, occasion.name, why
        )


def make_card(occasion: Occasion, given: Mapping[str, Any], locale: Literal["en_us", "zh_cn"] | None) -> dict[str, Any]:
    """Return the ready card for *occasion*.

    :param given: further facts.
    """
    from airflow_provider_lark.core.cards.ready import deadline, run, task
    from airflow_provider_lark.core.cards.writing import WEBHOOK

    makers: dict[str, tuple[Any, Any]] = {
        "task_failed": (task.TaskFacts, task.task_failed_card),
        "task_retrying": (task.TaskFacts, task.task_retrying_card),
        "task_succeeded": (task.TaskFacts, task.task_succeeded_card),
        "run_failed": (run.RunFacts, run.run_failed_card),
        "run_succeeded": (run.RunFacts, run.run_succeeded_card),
        "deadline": (deadline.DeadlineFacts, deadline.deadline_card),
    }
    if occasion.kind == "task_other":
        return _plain_card(occasion)
    kind, make = makers[occasion.kind]
    known = {each.name for each in fields(kind)}
    facts = {name: value for name, value in {**occasion.facts, **given}.items() if name in known}
    card: dict[str, Any] = make(kind(**facts), locale=locale, carrier=WEBHOOK)
    return card


def _plain_card(occasion: Occasion) -> dict[str, Any]:
    from airflow_provider_lark.core.cards.markdown_card import markdown_card
    from airflow_provider_lark.core.cards.text import escape_markdown
    from airflow_provider_lark.core.cards.writing import WEBHOOK

    place = ".".join(occasion.facts[name] for name in ("dag_id", "task_id") if name in occasion.facts)
    run = escape_markdown(str(occasion.facts.get("run_id", "")))
    title = f"{place}: {occasion.state or 'unknown state'}"
    return markdown_card(run or "Airflow", title=title, template="grey").render(carrier=WEBHOOK)


def _shorten(text: str) -> str:
    from airflow_provider_lark.core.cards.shortening import cut_middle

    room = _TEXT_BYTES
    while len(json.dumps(text, ensure_ascii=False).encode()) > _TEXT_BYTES:
        # quotes and line breaks take two bytes in JSON
        text, room = cut_middle(text, room, gap=lambda count: f"[… {count} …]"), int(room * 0.8)
    return text


send_lark_webhook_notification = LarkWebhookNotifier
"""The notifier by the name that Airflow's other notifiers have."""
