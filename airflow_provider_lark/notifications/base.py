"""The base of every notifier: its parameters, and that its failure never fails the task or run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.bases.notifier import BaseNotifier

from airflow_provider_lark.hooks.parameters import CALL_FIELDS, refuse_open_password
from airflow_provider_lark.notifications.context import Occasion, read_occasion
from airflow_provider_lark.notifications.run_states import ask_about_run
from airflow_provider_lark.notifications.templates import render_fields
from airflow_provider_lark.notifications.voice import Voice
from airflow_provider_lark.notifications.within import run_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.definitions.context import Context

    from airflow_provider_lark.hooks.calls.calling import CallingHook
    from airflow_provider_lark.hooks.calls.settings import CallRetry

BUDGET_SECONDS = 9.0
"""How long everything together may take, the reading of the connection apart."""

CALL_SECONDS = 4.0
PATIENCE_SECONDS = 6.0
ATTEMPTS = 3

MESSAGE_FIELDS: Sequence[str] = ("text", "markdown", "card", "title", "mentions", "runbook_url", "note", *CALL_FIELDS)


class OccasionNotifier(BaseNotifier):
    """Tells what happened: by default as a card, or in the author's own words.

    Subclasses say where to: :meth:`_prepare` reads what has to be read, :meth:`_deliver` sends.

    :param timeout_seconds: how long one call may take; default: 4. All together end after nine.
    :param proxy: address of a proxy; default: as the connection says. One with a password comes from a template.
    :param call_retry: what is sent again, how often and when: a :class:`.RetryPolicy`, or some of its members by name;
        default: what is safe, up to three times within six seconds, which is the longest.
    """

    template_fields: Sequence[str] = MESSAGE_FIELDS

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
        timeout_seconds: float | str | None = None,
        proxy: str | None = None,
        call_retry: CallRetry = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_open_password(proxy)
        self.timeout_seconds = timeout_seconds
        self.proxy = proxy
        self.call_retry = call_retry
        self.text = text
        self.markdown = markdown
        self.card = card
        self.title = title
        self.mentions = mentions
        self.runbook_url = runbook_url
        self.note = note
        self.locale = locale

    @property
    def templates(self) -> dict[str, Any]:
        """What it was given, before it was rendered: one notifier serves all callbacks of a DAG in a process."""
        found: dict[str, Any] = vars(self).setdefault(
            "_templates", {name: getattr(self, name) for name in self.template_fields}
        )
        return found

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render what can be rendered."""
        render_fields(self, context)

    def notify(self, context: Context) -> None:
        """Send the message, or say in the log why not."""
        occasion = None
        try:
            occasion = ask_about_run(read_occasion(context), context, also_good=self._keeps_cards)
            # here, not in the thread: reading a connection asks the supervisor
            deliver = self._prepare(occasion)
            run_within(BUDGET_SECONDS, deliver)
        except Exception as exc:  # noqa: BLE001 - the outermost edge: a notifier never fails what it tells of
            self._voice.failure(self._target, occasion, exc)

    async def async_notify(self, context: Context) -> None:
        """Send the message without blocking the event loop, or say in the log why not."""
        await asyncio.to_thread(self.notify, context)

    def _call_settings(self) -> dict[str, Any]:
        """Return what a hook of this notifier is made with."""
        return {name: getattr(self, name) for name in CALL_FIELDS}

    @staticmethod
    def _client_options(hook: CallingHook) -> dict[str, Any]:
        """Return the options of a client that has to be done within the budget."""
        from airflow_provider_lark.core.api.retry import RetryPolicy

        usual = RetryPolicy(max_attempts=ATTEMPTS, max_elapsed_seconds=PATIENCE_SECONDS)
        policy = hook.retry_policy(usual)
        return {
            "timeout_seconds": min(hook.calls.timeout_seconds or CALL_SECONDS, BUDGET_SECONDS),
            "retry": policy,
            "max_elapsed_seconds": min(policy.max_elapsed_seconds, PATIENCE_SECONDS),
        }

    @property
    def _keeps_cards(self) -> bool:
        """Whether one card stands for many occasions."""
        return False

    def _prepare(self, occasion: Occasion) -> Callable[[], None]:
        """Read the connection, and return what sends."""
        raise NotImplementedError

    @property
    def _target(self) -> str:
        """To whom, for the log."""
        raise NotImplementedError

    @property
    def _voice(self) -> Voice:
        return Voice(self.log, type(self).__name__)
