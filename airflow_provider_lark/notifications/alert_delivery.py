"""Delivery with ``dedupe``: an occasion is recorded for each receiver, then shown on their cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_lark.core.alerts.alert_store import AlertStore
from airflow_provider_lark.core.alerts.news import Alert, CardPlace, RunNews, TaskNews
from airflow_provider_lark.core.errors import ConfigError, LarkError, OutcomeUnknown
from airflow_provider_lark.notifications.alert_cards import color_of
from airflow_provider_lark.notifications.alert_news import AlertNotifier, look_of, news_of, place_of
from airflow_provider_lark.notifications.alerting import CALL_SECONDS, AlertBoard
from airflow_provider_lark.notifications.people import People, find_people
from airflow_provider_lark.notifications.quick_accounts import ask_database

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.notifications.context import Occasion
    from airflow_provider_lark.notifications.voice import Voice

SHOW_SECONDS = 7.5
"""How long the card is waited for, of the budget that all together have."""

NOTE_SECONDS = 4.0
"""How long the database may take to note what happened: what is left is enough to tell it without."""

_told: set[str] = set()
"""Connections of which this process has said that they name no store."""


def open_store(hook: LarkHook, dedupe: str, voice: Voice | None) -> AlertStore | None:
    """Return where cards are kept; None where that is nowhere, which *voice* tells once. No database is asked yet.

    :param voice: None: it does not matter now.
    """
    from airflow_provider_lark.hooks.database import sql_engine

    try:
        conn_id = hook.settings.token_store_conn_id
        if conn_id is None:
            raise ConfigError(f"connection {hook.lark_conn_id!r} has no store_conn_id; set it to a SQL connection")
        return AlertStore(sql_engine(conn_id), clock=hook.clock)
    except LarkError as exc:
        if voice is not None and hook.lark_conn_id not in _told:
            _told.add(hook.lark_conn_id)
            voice.warn(_why_without(dedupe, exc))
        return None


def _why_without(dedupe: str, exc: LarkError) -> str:
    return (
        f"dedupe={dedupe!r} has no effect; each failure is reported in a separate message, and recoveries are not "
        f"reported: {exc}"
    )


@dataclass
class AlertDelivery:
    """Tells of one occasion; called within the notifier's budget.

    :param instead: what tells it where the database cannot be used.
    :param alone: what tells it where no card has to change.
    """

    notifier: AlertNotifier
    hook: LarkHook
    store: AlertStore
    receivers: Sequence[str]
    receiver_type: str | None
    occasion: Occasion
    instead: Callable[[], None]
    alone: Callable[[], None]
    voice: Voice
    _people: dict[tuple[tuple[str, ...], tuple[str, ...]], People] = field(default_factory=dict)
    _client: LarkClient | None = None

    def __call__(self) -> None:
        """Note it, and show it."""
        clock = self.hook.clock
        until = clock.monotonic() + SHOW_SECONDS
        try:
            noted = ask_database(self._note, NOTE_SECONDS)
        except LarkError as exc:
            self.voice.warn(_why_without(str(self.notifier.dedupe), exc))
            # the tokens are in the same database, and half of the time is over
            self.hook.accounts = None
            self.instead()
            return
        if not noted:
            self.alone()
            return
        with ExitStack() as stack:
            board = AlertBoard(
                self.store,
                lambda: self._open_client(stack),
                find_people=lambda alert: self._find_people(alert, stack),
                tell=self.voice.replacement,
                clock=clock,
            )
            self._show(board, noted, until)

    def _note(self) -> list[tuple[CardPlace, int]]:
        """Write it down for each receiver, and return which cards have to show which version."""
        notifier, settings = self.notifier, self.hook.settings
        news = news_of(self.occasion)
        look = look_of(notifier, self.occasion)
        noted = []
        for receiver in self.receivers:
            place = place_of(
                self.occasion, str(notifier.dedupe), settings.host, settings.app_id, receiver, self.receiver_type
            )
            version = self._note_one(place, news, look)
            if version is not None:
                noted.append((place, version))
        return noted

    def _note_one(self, place: CardPlace, news: TaskNews | RunNews, look: dict[str, object]) -> int | None:
        if isinstance(news, TaskNews):
            return self.store.note_task(place, news, look)
        return self.store.note_run(place, news, look)

    def _show(self, board: AlertBoard, noted: Sequence[tuple[CardPlace, int]], until: float) -> None:
        self.voice.dead_link(self.occasion)
        for place, version in noted:
            try:
                if not board.show(place.card_id, version, until):
                    raise OutcomeUnknown(
                        "another process is updating the card and did not finish in time; the next notification of "
                        "this app updates the card"
                    )
            except LarkError as exc:
                self.voice.failure(repr(place.receiver), self.occasion, exc)
        try:
            own = {place.card_id for place, _ in noted}
            board.finish_others(self.hook.settings.host, self.hook.settings.app_id, until, besides=own)
        except LarkError as exc:
            self.voice.warn(f"the card of an earlier failure still cannot be updated: {exc}")

    def _open_client(self, stack: ExitStack) -> LarkClient:
        if self._client is None:
            # whoever is about a card tries again by itself, and keeps the claim for no longer than one call takes
            seconds = min(self.hook.calls.timeout_seconds or CALL_SECONDS, CALL_SECONDS)
            options = {"timeout_seconds": seconds, "max_attempts": 1, "max_elapsed_seconds": CALL_SECONDS}
            self._client = stack.enter_context(self.hook.client(**options))
        return self._client

    def _find_people(self, alert: Alert, stack: ExitStack) -> People:
        if color_of(alert) != "red":
            return People((), ())
        asked, owners = (tuple(alert.facts.get(name) or ()) for name in ("asked", "owners"))
        if (asked, owners) not in self._people:
            self._people[asked, owners] = find_people(
                asked,
                owners,
                look_up=lambda contacts: self.hook.user_directory(self._open_client(stack)).find_contacts(contacts),
                tell=self.voice.warn,
            )
        return self._people[asked, owners]
