"""LarkNotifier: what happened, as a card to people and chats, sent by an app's bot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_lark.core.errors import BadRequest, ConfigError, LarkError, TooLarge
from airflow_provider_lark.notifications.base import MESSAGE_FIELDS, OccasionNotifier
from airflow_provider_lark.notifications.context import Occasion, is_bad, is_for_a_card, is_nothing_new
from airflow_provider_lark.notifications.within import CARDS, load

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.notifications.people import People
    from airflow_provider_lark.notifications.sayings import Saying

SENDS_WITH = (
    "airflow_provider_lark.core.api.client",
    "airflow_provider_lark.hooks.lark",
    "airflow_provider_lark.hooks.rates",
    "airflow_provider_lark.notifications.people",
    "airflow_provider_lark.notifications.quick_accounts",
    "airflow_provider_lark.notifications.sayings",
    *CARDS,
)
"""What has to be imported before the budget runs."""


class LarkNotifier(OccasionNotifier):
    """Tells people and chats what happened: a task that failed, is retried or made it, a run, a deadline.

    Without a message of its own it sends a card: DAG, task, map index, run, try, owner, when and how long, the
    exception with its last lines and no secret, buttons to log, run and runbook. Of what failed or is late it notifies
    the owner, where that is an e-mail address. It never fails a task: what it cannot send, it says in the log. It takes
    at most nine seconds.

    >>> with DAG("orders", default_args={"on_failure_callback": LarkNotifier(receive_id="Sales")}):  # doctest: +SKIP
    ...     ...

    :param receive_id: open_id (``ou_…``), union_id (``on_…``), chat_id (``oc_…``), e-mail address, user_id, or a chat's
        exact name; or a list of them. Default: ``[lark] notify_receive_id`` of Airflow's configuration.
    :param receive_id_type: type of *receive_id*; default: detected from its form. Required for a user_id.
    :param dedupe: one card for all failures of a DAG run (``run``), or of each task of it (``task``): it is updated,
        lists what failed, and turns green once all of it has recovered. Give the same notifier to the failure, retry
        and success callbacks, of tasks and DAG. The connection has to name a database, ``store_conn_id``.
    :param text: instead of the card; a template. One that cannot be rendered is logged, and the card goes out.
    :param markdown: instead of the card, below *title*.
    :param card: a card's JSON instead, whose texts are templates, or the name of a ``.json`` file of the DAG's folder.
    :param title: above *markdown*.
    :param mentions: ids, e-mail addresses or mobile numbers (``+86…``), or, with a message of its own, ``all``.
    :param mention_owner: mention the owner of the failed or late DAG or task.
    :param runbook_url: link to a runbook, shown as a button. Default: the link of a line of ``doc_md`` that says
        "runbook".
    :param note: a note shown on the card.
    :param locale: language of the card; None: English and Chinese, and each reader sees their own.
    :param lark_conn_id: connection of type ``lark``; default: ``[lark] notify_conn_id``, or ``lark_default``.
    :param kwargs: ``timeout_seconds``, ``proxy``, ``call_retry``: override the connection's settings for calls. With
        *dedupe* a card that could not be sent is tried again in another way.
    """

    template_fields: Sequence[str] = (*MESSAGE_FIELDS, "receive_id", "receive_id_type", "lark_conn_id")

    def __init__(
        self,
        *,
        receive_id: Sequence[str] | str | None = None,
        receive_id_type: str | None = None,
        dedupe: Literal["run", "task"] | None = None,
        text: str | None = None,
        markdown: str | None = None,
        card: Mapping[str, Any] | str | None = None,
        title: str | None = None,
        mentions: Sequence[str] = (),
        mention_owner: bool = True,
        runbook_url: str | None = None,
        note: str | None = None,
        locale: Literal["en_us", "zh_cn"] | None = None,
        lark_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        given: dict[str, Any] = {"text": text, "markdown": markdown, "card": card, "title": title, "mentions": mentions}
        super().__init__(**given, runbook_url=runbook_url, note=note, locale=locale, **kwargs)
        if dedupe not in (None, "run", "task"):
            raise ConfigError(f"dedupe: expected 'run', 'task' or None, found {dedupe!r}")
        if dedupe is not None and text is not None:
            raise ConfigError(
                "dedupe: not supported with text, because only cards can be updated; use markdown or card"
            )
        self.dedupe = dedupe
        self.receive_id = receive_id
        self.receive_id_type = receive_id_type
        self.mention_owner = mention_owner
        self.lark_conn_id = lark_conn_id
        self._has_receiver = receive_id is not None

    _tells_others = True
    """Whether it was asked to tell of more than failures and recoveries."""

    @property
    def _target(self) -> str:
        return repr(self.receive_id) if self._has_receiver else "the receiver in [lark] notify_receive_id"

    @property
    def _keeps_cards(self) -> bool:
        return self.dedupe is not None

    def _prepare(self, occasion: Occasion) -> Callable[[], None]:
        from airflow_provider_lark.hooks.lark import LarkHook

        if self.dedupe is not None and is_nothing_new(occasion):
            return _say_nothing
        load(SENDS_WITH)
        receivers = self._receivers()
        conn_id = self.lark_conn_id or _configured("notify_conn_id") or LarkHook.default_conn_name
        hook = LarkHook(conn_id, **self._call_settings())
        _ = hook.settings
        self._hurry(hook)
        # what it imports belongs before the budget as well; nothing is asked yet
        _ = hook.rates
        tell_each = partial(self._deliver, hook, receivers, occasion)
        if self.dedupe is None or not is_for_a_card(occasion):
            return tell_each
        return self._prepare_alert(hook, receivers, occasion, tell_each)

    def _hurry(self, hook: LarkHook) -> None:
        """Let *hook* do without its token store where that is missing, or hangs."""
        from airflow_provider_lark.notifications.quick_accounts import QuickAccounts

        try:
            if hook.accounts is not None:
                hook.accounts = QuickAccounts(hook.accounts)
        except LarkError as exc:
            if self.dedupe is None or os.environ.get("LARK_CONFIG_ENCRYPTION_KEY"):
                # without a key the database is meant for the cards alone
                self._voice.warn(f"continuing without the token store: {exc}")
            hook.accounts = None

    def _prepare_alert(
        self, hook: LarkHook, receivers: list[str], occasion: Occasion, tell_each: Callable[[], None]
    ) -> Callable[[], None]:
        from airflow_provider_lark.hooks.parameters import read_text
        from airflow_provider_lark.notifications.alert_delivery import AlertDelivery, open_store

        # of what was skipped somebody asked to be told, whether that ends a trouble or not
        alone = tell_each if occasion.kind == "task_other" and self._tells_others else _say_nothing
        # nobody knows then whether a success is a recovery
        instead = tell_each if is_bad(occasion) else alone
        store = open_store(hook, str(self.dedupe), self._voice if is_bad(occasion) else None)
        if store is None:
            return instead
        kind = read_text(self.receive_id_type)
        return AlertDelivery(self, hook, store, receivers, kind, occasion, instead, alone, self._voice)

    def _receivers(self) -> list[str]:
        from airflow_provider_lark.hooks.parameters import read_list

        given = self.receive_id if self._has_receiver else _configured("notify_receive_id")
        receivers = [str(each).strip() for each in read_list(given, "receive_id") or ()]
        if not receivers or not all(receivers):
            raise ConfigError("no receiver: give receive_id, or set [lark] notify_receive_id")
        return list(dict.fromkeys(receivers))

    def _deliver(self, hook: LarkHook, receivers: Sequence[str], occasion: Occasion) -> None:
        from airflow_provider_lark.notifications.sayings import sayings

        self._voice.dead_link(occasion)
        with hook.client(**self._client_options(hook)) as client:
            said = sayings(self, occasion, self._people(hook, client, occasion))
            for receiver in receivers:
                try:
                    self._send(client, receiver, said)
                except LarkError as exc:
                    self._voice.failure(repr(receiver), occasion, exc)

    def _send(self, client: LarkClient, receiver: str, said: Sequence[Saying]) -> None:
        """Send the first of *said* that Lark takes."""
        from airflow_provider_lark.hooks.parameters import read_text

        kind = read_text(self.receive_id_type)
        for place, saying in enumerate(said, start=1):
            content = None
            try:
                content = saying.make()
                saying.send(client, content, receiver, kind)
            except BadRequest as exc:
                # a receiver who is none is told without Lark
                is_about_content = content is None or exc.code is not None or isinstance(exc, TooLarge)
                if place == len(said) or not is_about_content:
                    raise
                self._voice.replacement(saying.name, said[place].name, exc)
            else:
                return

    def _people(self, hook: LarkHook, client: LarkClient, occasion: Occasion) -> People:
        from airflow_provider_lark.notifications.people import find_people

        return find_people(
            self.asked(),
            self.owners(occasion),
            look_up=lambda contacts: hook.user_directory(client).find_contacts(contacts),
            tell=self._voice.warn,
        )

    def asked(self) -> list[str]:
        """Return whom the author wants to be notified, as it was given."""
        from airflow_provider_lark.hooks.parameters import read_list
        from airflow_provider_lark.notifications.people import split_people

        return split_people(read_list(self.mentions, "mentions") or ())

    def owners(self, occasion: Occasion) -> list[str]:
        """Return the addresses of the owners, where they should be notified."""
        from airflow_provider_lark.notifications.people import owners_to_mention

        return owners_to_mention(occasion) if self.mention_owner else []


def _say_nothing() -> None:
    """What there is to do where nothing was said before that this would answer."""


def _configured(name: str) -> str | None:
    from airflow.sdk.configuration import conf

    found: str | None = conf.get("lark", name, fallback=None)
    return found or None


send_lark_notification = LarkNotifier
"""The notifier by the name that Airflow's other notifiers have."""
