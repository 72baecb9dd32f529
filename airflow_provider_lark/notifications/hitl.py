"""LarkHITLNotifier: a task that waits for a person in Airflow asks in Lark as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.configuration import conf

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_list, read_text, read_values
from airflow_provider_lark.hooks.receiving.allowed import read_allowed, refuse_nobody
from airflow_provider_lark.notifications.within import load, run_within

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_lark.core.hitl.request import Request
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.hooks.hitl.asking import RequestDesk
    from airflow_provider_lark.hooks.lark import LarkHook

BUDGET_SECONDS = 9.0
"""How long keeping and sending may take, the reading of connections apart."""

CALL_SECONDS = 4.0
PATIENCE_SECONDS = 6.0

_ASKS_WITH = (
    "airflow_provider_lark.core.api.client",
    "airflow_provider_lark.core.hitl.card",
    "airflow_provider_lark.core.hitl.store",
    "airflow_provider_lark.hooks.hitl.asking",
    "airflow_provider_lark.hooks.hitl.reading",
    "airflow_provider_lark.hooks.lark",
)
"""What has to be imported before the budget runs."""


class LarkHITLNotifier(BaseNotifier):
    """Sends a card on which people answer a task that waits for them: the options as buttons, the Params as a form.

    For the ``notifiers`` of ``HITLOperator``, ``ApprovalOperator``, ``HITLBranchOperator`` and ``HITLEntryOperator``,
    and for the ``approval_notifiers`` of common.ai's ``LLMOperator(require_approval=True)``. What people press is
    decided and kept at once; :class:`.LarkHITLBridgeOperator`, which has to run, gives Airflow the answer. It never
    fails the task: what it cannot send now, the bridge sends later, and Airflow's own page takes answers as ever.
    Needs the token store, and a receiver for clicks.

    Where the task names ``assigned_users``, only they may answer: those whose id or name in Airflow is an e-mail
    address of Lark's, or whom *users* names. The card says so of the others.

    >>> ApprovalOperator(  # doctest: +SKIP
    ...     task_id="approve", subject="Pay?", notifiers=[LarkHITLNotifier(receive_id="Approvals")]
    ... )

    :param receive_id: who gets the card: open_id (``ou_…``), union_id, chat_id (``oc_…``), e-mail address, user_id, or
        a chat's exact name; or a list of them.
    :param receive_id_type: type of *receive_id*; default: detected from its form. Required for a user_id.
    :param users: users of Airflow by id or name, as an id, e-mail address or mobile number (``+86…``) of Lark; beside
        those of ``[lark] hitl_users``.
    :param allowed: who may answer in Lark: ids, addresses, mobile numbers, a chat (``oc_…``) for its members, a
        department (``od-…``) or a user group (``group:…``) for the people in it; with ``assigned_users`` only those who
        are both. Default: whoever sees the card.
    :param lark_conn_id: connection of type ``lark``.
    """

    template_fields: Sequence[str] = ("receive_id", "receive_id_type", "users", "allowed", "lark_conn_id")

    def __init__(
        self,
        *,
        receive_id: Sequence[str] | str,
        receive_id_type: str | None = None,
        users: Mapping[str, str] | str | None = None,
        allowed: Sequence[str] | str | None = None,
        lark_conn_id: str = "lark_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_nobody(allowed, "allowed")
        self.receive_id = receive_id
        self.receive_id_type = receive_id_type
        self.users = users
        self.allowed = allowed
        self.lark_conn_id = lark_conn_id

    @property
    def templates(self) -> dict[str, Any]:
        """What it was given, before it was rendered: one notifier may serve several tasks in a process."""
        found: dict[str, Any] = vars(self).setdefault(
            "_templates", {name: getattr(self, name) for name in self.template_fields}
        )
        return found

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render them; one that cannot be rendered fails the task, as those of the task itself do."""
        for name, given in self.templates.items():
            setattr(self, name, given)
        super().render_template_fields(context, jinja_env)

    def notify(self, context: Context) -> None:
        """Keep what the task asks and send the card, or say in the log why not."""
        kept: list[Question] = []
        try:
            desk, request = self._prepare(context)
            run_within(_budget_seconds(context), partial(self._ask, desk, request, kept))
        except Exception as exc:  # noqa: BLE001 - the outermost edge: a task must not fail because nobody heard of it
            self._tell(exc, is_kept=bool(kept))

    async def async_notify(self, context: Context) -> None:
        """Do so without blocking the event loop."""
        await asyncio.to_thread(self.notify, context)

    def _prepare(self, context: Context) -> tuple[RequestDesk, Request]:
        """Read connections and the task here: a thread must not ask the supervisor."""
        load(_ASKS_WITH)
        from airflow_provider_lark.hooks.hitl.asking import RequestDesk
        from airflow_provider_lark.hooks.hitl.reading import read_request
        from airflow_provider_lark.hooks.lark import LarkHook
        from airflow_provider_lark.hooks.receiving.questions import default_zone

        hook = LarkHook(self.lark_conn_id)
        desk = RequestDesk.of(hook)
        _ = hook.accounts
        asked = read_request(context, self._people(), now_ms=round(hook.clock.now() * 1000))
        if not asked.link:
            self.log.warning(
                "%s: the card has no link to Airflow, because Airflow's address is local; set [api] base_url to an "
                "address users can open",
                type(self).__name__,
            )
        allowed = read_allowed(self.allowed, "allowed")
        return desk, replace(
            asked,
            receivers=tuple(self._receivers()),
            receive_id_type=read_text(self.receive_id_type),
            allowed=None if allowed is None else tuple(allowed),
            time_zone=default_zone(),
        )

    def _ask(self, desk: RequestDesk, request: Request, kept: list[Question]) -> None:
        question, replaced = desk.keep(request)
        kept.append(question)
        with desk.hook.client(**_client_options(desk.hook)) as client:
            sent = desk.send(client, question, request)
            self.log.info("asked in Lark with %d cards, question %s", len(sent.cards), sent.id)
            if replaced is not None:
                desk.desk.show(client, replaced)

    def _receivers(self) -> list[str]:
        receivers = [str(each).strip() for each in read_list(self.receive_id, "receive_id") or ()]
        if not receivers or not all(receivers):
            raise ConfigError("receive_id: is empty; give an id, an e-mail address, a chat's name, or a list of them")
        return list(dict.fromkeys(receivers))

    def _people(self) -> dict[str, str]:
        configured = read_values(conf.get("lark", "hitl_users", fallback=None) or None, "[lark] hitl_users")
        return {**(configured or {}), **(read_values(self.users, "users") or {})}

    def _tell(self, exc: Exception, *, is_kept: bool) -> None:
        from airflow_provider_lark.hooks.hitl.asking import words_of

        self.log.error(
            "%s: could not ask in Lark: %s; %sthe task waits all the same, and can be answered in Airflow",
            type(self).__name__,
            words_of(exc),
            "the bridge sends the card later; " if is_kept else "",
        )


def _budget_seconds(context: Mapping[str, Any]) -> float:
    """Return how long it may take: the task still has to begin to wait before Airflow ends it."""
    limit = getattr(context["task"], "execution_timeout", None)
    return BUDGET_SECONDS if limit is None else min(BUDGET_SECONDS, limit.total_seconds() / 2)


def _client_options(hook: LarkHook) -> dict[str, Any]:
    from airflow_provider_lark.core.api.retry import RetryPolicy

    policy = hook.retry_policy(RetryPolicy(max_attempts=3, max_elapsed_seconds=PATIENCE_SECONDS))
    return {
        "timeout_seconds": min(hook.calls.timeout_seconds or CALL_SECONDS, BUDGET_SECONDS),
        "retry": policy,
        "max_elapsed_seconds": min(policy.max_elapsed_seconds, PATIENCE_SECONDS),
    }
